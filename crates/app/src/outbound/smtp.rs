//! Handing a mail to the server of an inbox, by lettre over a connection that the guard opened.
//!
//! Invariants: nothing but the consent to TLS is said in clear text to another machine; the error
//! tells whether the mail may have been taken: until the last byte of its content has left, it
//! certainly was not. A refusal is an answer, with its reply code as the status.

use super::{ExecuteError, Outbound, Policy, mail, maybe};
use crate::connect::{ConnectError, Stream, encrypted};
use channels::{Protection, Response, Submission};
use lettre::Message;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error as SmtpError, response};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;

/// Until the server waits for the content.
const PREPARE_MAX: Duration = Duration::from_secs(40);
/// Servers look into a mail before they take it.
const CONTENT_MAX: Duration = Duration::from_secs(240);
pub(super) const TIMEOUT: Duration = Duration::from_secs(280);
const GOODBYE_MAX: Duration = Duration::from_secs(5);
const GREETING_BYTES_MAX: usize = 16 * 1024;

/// Why a mail was not taken: a refusal in the server's words, or something on the way.
enum Stop {
    Refused(Response),
    Failed(ExecuteError),
}

impl From<ConnectError> for Stop {
    fn from(error: ConnectError) -> Self {
        not_sent(error)
    }
}

fn not_sent(error: impl ToString) -> Stop {
    Stop::Failed(ExecuteError::NotSent {
        reason: error.to_string(),
    })
}

impl Outbound {
    /// Signs in and hands over the mail, if there is one.
    pub(super) async fn submit(
        &self,
        submission: &Submission,
        policy: &Policy,
    ) -> Result<Response, ExecuteError> {
        self.admit(policy)?;
        let message = match &submission.mail {
            Some(mail) => {
                let files = mail::files(&self.0.blobs, mail).await?;
                Some(mail::message(mail, files, self.0.clock.now())?)
            }
            None => None,
        };
        let done = match self.hand_over(submission, message).await {
            Ok(response) | Err(Stop::Refused(response)) => Ok(response),
            Err(Stop::Failed(error)) => Err(error),
        };
        let outcome = match &done {
            Ok(_) => "answered",
            Err(ExecuteError::MaybeSent { .. }) => "maybe_sent",
            Err(_) => "not_sent",
        };
        metrics::counter!("meari_outbound_mails_total", "outcome" => outcome).increment(1);
        done
    }

    async fn hand_over(
        &self,
        submission: &Submission,
        message: Option<Message>,
    ) -> Result<Response, Stop> {
        let late = |_| not_sent("the mail server took too long");
        let signing_in = tokio::time::timeout(PREPARE_MAX, self.signed_in(submission));
        let (mut connection, welcome) = signing_in.await.map_err(late)??;
        let Some(message) = message else {
            goodbye(connection);
            return Ok(welcome);
        };
        let preparing = tokio::time::timeout(PREPARE_MAX, prepare(&mut connection, &message));
        preparing.await.map_err(late)??;
        let bytes = message.formatted();
        let sending = tokio::time::timeout(CONTENT_MAX, connection.message(&bytes));
        let lost = |reason: &str| Stop::Failed(maybe(reason));
        match sending.await {
            Ok(Ok(answer)) => {
                goodbye(connection);
                Ok(answered(&answer))
            }
            Ok(Err(error)) => match refusal(&error, "content") {
                Some(response) => Err(Stop::Refused(response)),
                None => Err(lost(&error.to_string())),
            },
            Err(_) => Err(lost("the mail server took too long")),
        }
    }

    async fn signed_in(
        &self,
        submission: &Submission,
    ) -> Result<(AsyncSmtpConnection, Response), Stop> {
        let (host, port) = (&submission.host, submission.port);
        let implicit = submission.protection == Protection::Tls;
        let stream = Stream::open(&self.0.guard, host, port, implicit).await?;
        let name = ClientId::Domain("meari.localhost".into());
        let line = match (submission.protection, stream) {
            (Protection::StartTls, Stream::Clear(tcp)) => start_tls(tcp, host, &name).await?,
            (_, stream) => Line {
                greeting: &[],
                stream,
            },
        };
        let connecting = AsyncSmtpConnection::connect_with_transport(Box::new(line), &name);
        let mut connection = connecting.await.map_err(|error| stop(&error, "greeting"))?;
        let credentials = Credentials::new(submission.user.clone(), submission.password.clone());
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        if !mechanisms
            .iter()
            .any(|m| connection.server_info().supports_auth_mechanism(*m))
        {
            return Err(Stop::Refused(Response {
                status: 504,
                headers: vec![("phase".into(), "offer".into())],
                body: b"the mail server offers no sign-in by password on this connection".to_vec(),
                blob: None,
            }));
        }
        let welcome = connection
            .auth(&mechanisms, &credentials)
            .await
            .map_err(|error| stop(&error, "sign-in"))?;
        Ok((connection, answered(&welcome)))
    }
}

/// Nobody waits for it: what was answered must be stored soon.
fn goodbye(mut connection: AsyncSmtpConnection) {
    tokio::spawn(async move {
        let _ = tokio::time::timeout(GOODBYE_MAX, connection.quit()).await;
    });
}

/// Sender and recipients; afterwards the server waits for the content.
async fn prepare(connection: &mut AsyncSmtpConnection, message: &Message) -> Result<(), Stop> {
    let envelope = message.envelope();
    let from = Mail::new(envelope.from().cloned(), vec![]);
    let told = connection.command(from).await;
    told.map_err(|error| stop(&error, "sender"))?;
    for recipient in envelope.to() {
        let told = connection
            .command(Rcpt::new(recipient.clone(), vec![]))
            .await;
        told.map_err(|error| stop(&error, "recipient"))?;
    }
    let told = connection.command(Data).await;
    told.map(drop).map_err(|error| stop(&error, "content"))
}

/// Before the content has left, whatever broke, nothing was sent.
fn stop(error: &SmtpError, phase: &str) -> Stop {
    match refusal(error, phase) {
        Some(response) => Stop::Refused(response),
        None => not_sent(words(error)),
    }
}

fn refusal(error: &SmtpError, phase: &str) -> Option<Response> {
    let code = error.status()?;
    Some(Response {
        status: code.into(),
        headers: vec![("phase".into(), phase.into())],
        body: words(error).into_bytes(),
        blob: None,
    })
}

/// What the server said, without the library's words around it.
fn words(error: &SmtpError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn answered(answer: &response::Response) -> Response {
    Response {
        status: answer.code().into(),
        headers: Vec::new(),
        body: answer.message().collect::<Vec<_>>().join("\n").into_bytes(),
        blob: None,
    }
}

/// Greeting, EHLO and STARTTLS in clear text, then TLS. What follows is a connection whose server
/// has greeted already.
async fn start_tls(mut tcp: TcpStream, host: &str, name: &ClientId) -> Result<Line, Stop> {
    reply(&mut tcp, "220").await?;
    let hello = format!("EHLO {name}\r\n");
    tcp.write_all(hello.as_bytes()).await.map_err(not_sent)?;
    reply(&mut tcp, "250").await?;
    tcp.write_all(b"STARTTLS\r\n").await.map_err(not_sent)?;
    reply(&mut tcp, "220").await?;
    let tls = encrypted(tcp, host).await?;
    Ok(Line {
        greeting: b"220 encrypted\r\n",
        stream: Stream::Encrypted(Box::new(tls)),
    })
}

/// One reply with this code. Read byte by byte: what is sent behind the consent to TLS must stay
/// unread, so that it breaks the handshake instead of being believed.
async fn reply(tcp: &mut TcpStream, code: &str) -> Result<(), Stop> {
    let (mut line, mut total) = (Vec::new(), 0);
    loop {
        let byte = tcp.read_u8().await.map_err(not_sent)?;
        total += 1;
        if total > GREETING_BYTES_MAX {
            return Err(not_sent("the mail server says too much"));
        }
        if byte != b'\n' {
            line.push(byte);
            continue;
        }
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        if text.get(3..4) == Some("-") {
            line.clear();
            continue;
        }
        return if text.starts_with(code) {
            Ok(())
        } else {
            Err(not_sent(format!(
                "the mail server refuses STARTTLS: {text}"
            )))
        };
    }
}

/// A stream whose server may have greeted before the library looks.
#[derive(Debug)]
struct Line {
    greeting: &'static [u8],
    stream: Stream,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.greeting.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let (now, later) = self
            .greeting
            .split_at(self.greeting.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.greeting = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Line {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
