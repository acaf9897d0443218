//! A chain of requests written as straight code: each step takes its answer from `so_far`, and the
//! first step without an answer is the next request.

use crate::action::{HttpRequest, Outcome, Response, Step, Submission};

/// Why the straight code stops here: the next request, or an early end.
pub type Stop = Box<Step<Outcome>>;

pub struct Steps<'a> {
    answers: std::slice::Iter<'a, Response>,
}

impl<'a> Steps<'a> {
    pub fn new(so_far: &'a [Response]) -> Self {
        Self {
            answers: so_far.iter(),
        }
    }

    /// The answer to this step, or the request to make.
    pub fn take(&mut self, request: impl FnOnce() -> HttpRequest) -> Result<&'a Response, Stop> {
        self.answers
            .next()
            .ok_or_else(|| Box::new(Step::Call(request())))
    }

    /// The answer of the mail server, or what to hand to it.
    pub fn submit(
        &mut self,
        submission: impl FnOnce() -> Submission,
    ) -> Result<&'a Response, Stop> {
        self.answers
            .next()
            .ok_or_else(|| Box::new(Step::Mail(Box::new(submission()))))
    }
}
