//! A mail server that takes a mail and is gone before it says so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Debug)]
pub struct DeafSmtp {
    pub address: SocketAddr,
    taken: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for DeafSmtp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl DeafSmtp {
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let taken = Arc::new(AtomicUsize::new(0));
        let count = taken.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let count = count.clone();
                // A client that hangs up early is its own business.
                tokio::spawn(async move { drop(serve(stream, &count).await) });
            }
        });
        Ok(Self {
            address,
            taken,
            task,
        })
    }

    /// How many mails it has read to their end.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }
}

async fn serve(stream: TcpStream, taken: &AtomicUsize) -> anyhow::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 deaf.test\r\n").await?;
    let (mut line, mut in_content) = (String::new(), false);
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_ascii_uppercase();
        if in_content {
            if command == "." {
                taken.fetch_add(1, Ordering::SeqCst);
                return Ok(());
            }
            continue;
        }
        in_content = command == "DATA";
        let answer = match command.split(' ').next().unwrap_or_default() {
            "EHLO" => "250-deaf.test\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            _ => "250 fine",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}
