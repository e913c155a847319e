//! A client's socket: TCP, or of the Unix domain, which on one machine costs less.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A connected socket, served by the event loop of the thread that it was made on.
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// The same connection, watched by the event loop of this thread.
    ///
    /// # Errors
    /// If the process has no more file descriptors.
    pub fn on_this_thread(&self) -> std::io::Result<Socket> {
        Ok(match self {
            Socket::Tcp(socket) => {
                let same = socket.as_fd().try_clone_to_owned()?;
                Socket::Tcp(TcpStream::from_std(same.into())?)
            }
            Socket::Unix(socket) => {
                let same = socket.as_fd().try_clone_to_owned()?;
                Socket::Unix(UnixStream::from_std(same.into())?)
            }
        })
    }

    /// The client's address; a Unix socket has none.
    pub fn peer(&self) -> Option<SocketAddr> {
        match self {
            Socket::Tcp(socket) => socket.peer_addr().ok(),
            Socket::Unix(_) => None,
        }
    }

    /// Resolves when the client has gone away; never, if it has sent something that is not read yet.
    pub async fn gone(&self) {
        let ready = match self {
            Socket::Tcp(socket) => socket.ready(Interest::READABLE).await,
            Socket::Unix(socket) => socket.ready(Interest::READABLE).await,
        };
        match ready {
            Ok(ready) if !ready.is_read_closed() => std::future::pending().await,
            _ => {}
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_read(context, into),
            Socket::Unix(socket) => Pin::new(socket).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_write(context, from),
            Socket::Unix(socket) => Pin::new(socket).poll_write(context, from),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_flush(context),
            Socket::Unix(socket) => Pin::new(socket).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_shutdown(context),
            Socket::Unix(socket) => Pin::new(socket).poll_shutdown(context),
        }
    }
}
