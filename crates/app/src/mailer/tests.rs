//! Against a real socket: a small SMTP peer that takes, defers or refuses.

use super::*;
use std::os::unix::fs::PermissionsExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

const FROM: &str = "Meari <desk@example.com>";

fn mail(to: &str) -> Mail {
    Mail {
        to: to.to_owned(),
        subject: "초대".to_owned(),
        text: "Your link: https://desk.example/x\n.\nend".to_owned(),
        html: "<p>link</p>".to_owned(),
    }
}

fn now() -> Time {
    domain::clock::from_micros(1_790_000_000_000_000)
}

struct Sink {
    url: String,
    mails: mpsc::UnboundedReceiver<String>,
    _task: AbortOnDropHandle<()>,
}

async fn sink() -> Sink {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let (taken, mails) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, taken.clone()));
        }
    });
    Sink {
        url,
        mails,
        _task: AbortOnDropHandle::new(task),
    }
}

async fn serve(stream: TcpStream, taken: mpsc::UnboundedSender<String>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut content: Option<String> = None;
    write.write_all(b"220 sink\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let answer = match &mut content {
            Some(text) if line == "." => {
                taken.send(std::mem::take(text)).ok();
                content = None;
                "250 taken\r\n"
            }
            Some(text) => {
                text.push_str(&line);
                text.push('\n');
                continue;
            }
            None if line.starts_with("EHLO") => "250-sink\r\n250 8BITMIME\r\n",
            None if line.starts_with("RCPT") && line.contains("nobody@") => "550 no such user\r\n",
            None if line.starts_with("RCPT") && line.contains("later@") => "451 try later\r\n",
            None if line.starts_with("DATA") => {
                content = Some(String::new());
                "354 go on\r\n"
            }
            None => "250 fine\r\n",
        };
        write.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_mail_arrives_at_the_server_whole() {
    let mut sink = sink().await;
    let mailer = SmtpMailer::new(&sink.url.as_str().into(), FROM).unwrap();
    mailer
        .send(&mail("Mina <mina@example.com>"), now())
        .await
        .unwrap();
    let seen = sink.mails.recv().await.unwrap();
    for part in [
        "From: Meari <desk@example.com>",
        "To: Mina <mina@example.com>",
        "Date: Mon, 21 Sep 2026 14:13:20 +0000",
        "Auto-Submitted: auto-generated",
        "Subject: =?utf-8?b?",
        "multipart/alternative",
        "https://desk.example/x",
    ] {
        assert!(seen.contains(part), "{part} is missing in {seen}");
    }
}

#[tokio::test]
async fn a_refusal_is_final_and_a_deferral_is_not() {
    let sink = sink().await;
    let mailer = SmtpMailer::new(&sink.url.as_str().into(), FROM).unwrap();
    let refused = mailer.send(&mail("nobody@example.com"), now()).await;
    assert!(
        matches!(refused, Err(MailError::Rejected { .. })),
        "{refused:?}"
    );
    let deferred = mailer.send(&mail("later@example.com"), now()).await;
    assert!(
        matches!(deferred, Err(MailError::Unavailable(_))),
        "{deferred:?}"
    );
    let malformed = mailer.send(&mail("not an address"), now()).await;
    assert!(matches!(malformed, Err(MailError::Rejected { .. })));
    let nobody = SmtpMailer::new(&"smtp://127.0.0.1:1".into(), FROM).unwrap();
    let away = nobody.send(&mail("mina@example.com"), now()).await;
    assert!(matches!(away, Err(MailError::Unavailable(_))));
}

#[tokio::test]
async fn without_a_server_each_mail_is_a_private_file_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox");
    assert!(FolderMailer::newest(&outbox, 10).unwrap().is_empty());
    let mailer = FolderMailer::new(&outbox, FROM).unwrap();
    for (minutes, to) in [(0, "first@example.com"), (1, "second@example.com")] {
        let at = now() + chrono::TimeDelta::minutes(minutes);
        mailer.send(&mail(to), at).await.unwrap();
    }
    let mails = FolderMailer::newest(&outbox, 10).unwrap();
    assert_eq!(mails.len(), 2);
    let newest = std::fs::read_to_string(&mails[0]).unwrap();
    assert!(newest.contains("second@example.com") && newest.contains("https://desk.example/x"));
    let mode = std::fs::metadata(&mails[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!format!("{:?}", mail("x@example.com")).contains("desk.example"));
}
