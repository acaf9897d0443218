//! `meari schema`: the GraphQL contract as this binary serves it.

use crate::cli;
use std::process::ExitCode;

pub fn run() -> ExitCode {
    cli::answer(&api::house::sdl());
    ExitCode::SUCCESS
}
