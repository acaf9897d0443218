//! Streams of bytes, in clear text or over TLS, to hosts that an administrator configured.
//!
//! Invariants: the host passes the same guard as every request; connecting, the handshake and each
//! write have time limits, and what arrives is handed up in bounded pieces. Silence is the
//! session's business: it knows whether it waits for something.

use super::{
    CONNECT_TIMEOUT, ConnectError, Frame, HANDSHAKE_TIMEOUT, Socket, WRITE_TIMEOUT, closed,
};
use crate::outbound::guard::{Guard, Trust};
use bytes::BytesMut;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::ConfigVerifierExt as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const PIECE_BYTES: usize = 64 * 1024;

/// An open connection of a session.
#[derive(Debug)]
pub enum Connection {
    WebSocket(Box<Socket>),
    Stream(Box<Stream>),
}

impl Connection {
    /// The next frame. Cancel-safe.
    pub async fn receive(&mut self) -> Frame {
        match self {
            Self::WebSocket(socket) => socket.receive().await,
            Self::Stream(stream) => stream.receive().await,
        }
    }

    pub async fn send(&mut self, bytes: Vec<u8>) -> Result<(), ConnectError> {
        match self {
            Self::WebSocket(socket) => socket.send_binary(bytes).await,
            Self::Stream(stream) => stream.send(&bytes).await,
        }
    }

    pub async fn send_text(&mut self, text: String) -> Result<(), ConnectError> {
        match self {
            Self::WebSocket(socket) => socket.send_text(text).await,
            Self::Stream(stream) => stream.send(text.as_bytes()).await,
        }
    }

    /// Streams have no pings.
    pub async fn ping(&mut self) -> Result<(), ConnectError> {
        match self {
            Self::WebSocket(socket) => socket.ping().await,
            Self::Stream(_) => Ok(()),
        }
    }

    /// The same stream over TLS.
    pub async fn encrypt(self, host: &str) -> Result<Self, ConnectError> {
        match self {
            Self::Stream(stream) => match *stream {
                Stream::Clear(tcp) => {
                    let stream = Stream::Encrypted(Box::new(encrypted(tcp, host).await?));
                    Ok(Self::Stream(Box::new(stream)))
                }
                Stream::Encrypted(_) => Err(ConnectError::new("it is encrypted already")),
            },
            Self::WebSocket(_) => Err(ConnectError::new("a WebSocket cannot change to TLS")),
        }
    }

    pub async fn close(self) {
        match self {
            Self::WebSocket(socket) => socket.close().await,
            Self::Stream(mut stream) => {
                // A peer that does not take the goodbye is dropped with the stream.
                let _ = tokio::time::timeout(WRITE_TIMEOUT, stream.shutdown()).await;
            }
        }
    }
}

#[derive(Debug)]
pub enum Stream {
    Clear(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub async fn open(
        guard: &Guard,
        host: &str,
        port: u16,
        tls: bool,
    ) -> Result<Self, ConnectError> {
        let tcp = guard
            .connect(host, port, Trust::Configured, CONNECT_TIMEOUT)
            .await
            .map_err(ConnectError::new)?;
        Ok(if tls {
            Self::Encrypted(Box::new(encrypted(tcp, host).await?))
        } else {
            Self::Clear(tcp)
        })
    }

    async fn receive(&mut self) -> Frame {
        let mut bytes = BytesMut::with_capacity(PIECE_BYTES);
        match self.read_buf(&mut bytes).await {
            Ok(0) => closed("the server closed"),
            Ok(_) => Frame::Binary(bytes.freeze()),
            Err(error) => closed(error),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), ConnectError> {
        let sending = async {
            self.write_all(bytes).await?;
            self.flush().await
        };
        tokio::time::timeout(WRITE_TIMEOUT, sending)
            .await
            .map_err(|_| ConnectError::new("the server does not read"))?
            .map_err(ConnectError::new)
    }

    pub fn peer_addr(&self) -> io::Result<std::net::SocketAddr> {
        match self {
            Self::Clear(tcp) => tcp.peer_addr(),
            Self::Encrypted(tls) => tls.get_ref().0.peer_addr(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Self::Encrypted(tls) => Pin::new(tls).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Self::Encrypted(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Encrypted(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Encrypted(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}

/// TLS over an open connection; the certificate must be the host's.
pub async fn encrypted(tcp: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, ConnectError> {
    let bare = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let name = ServerName::try_from(bare).map_err(ConnectError::new)?;
    let handshake = TlsConnector::from(configuration()?).connect(name, tcp);
    tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake)
        .await
        .map_err(|_| ConnectError::new("the TLS handshake took too long"))?
        .map_err(|error| ConnectError::new(format!("TLS failed: {error}")))
}

/// The system's authorities, read once.
fn configuration() -> Result<Arc<ClientConfig>, ConnectError> {
    static CONFIGURATION: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(known) = CONFIGURATION.get() {
        return Ok(known.clone());
    }
    let fresh = ClientConfig::with_platform_verifier().map_err(ConnectError::new)?;
    Ok(CONFIGURATION.get_or_init(|| Arc::new(fresh)).clone())
}
