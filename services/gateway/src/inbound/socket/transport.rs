//! The TCP connection under a socket, which can be cut from outside: the library closes a socket by sending
//! it a packet, and one whose buffer is full takes none.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header;
use http::request::Parts;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::hub::lock;

/// A client that takes nothing for this long while something waits for it is gone.
const STALL: Duration = Duration::from_secs(20);
/// Upgrades between two looks for those that are over.
const PURGE_EVERY: usize = 256;

/// The address at the other end, in a request's extensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Cuts the connection that a request came on; in its extensions.
#[derive(Debug, Clone)]
pub(super) struct Cut(pub(super) CancellationToken);

/// A TCP connection that ends when its token is cancelled, or when the client takes nothing for too long.
pub(super) struct Guarded {
    stream: TcpStream,
    token: CancellationToken,
    // One each: reading and writing wait in different tasks.
    cut_reading: Pin<Box<WaitForCancellationFutureOwned>>,
    cut_writing: Pin<Box<WaitForCancellationFutureOwned>>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    pub(super) fn new(stream: TcpStream, token: CancellationToken) -> Self {
        let (cut_reading, cut_writing) = (
            Box::pin(token.clone().cancelled_owned()),
            Box::pin(token.clone().cancelled_owned()),
        );
        Self {
            stream,
            token,
            cut_reading,
            cut_writing,
            stalled: None,
        }
    }

    fn written<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stalled = None;
            return poll;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL)));
        if stalled.as_mut().poll(cx).is_ready() {
            metrics::counter!("gateway_socket_stalled_total").increment(1);
            // The reader closes the session, the writer alone would not.
            self.token.cancel();
        }
        if self.cut_writing.as_mut().poll(cx).is_ready() {
            Poll::Ready(Err(cut()))
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was cut")
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut_reading.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(cut()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(cx);
        self.written(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What ends the transport of each session.
#[derive(Clone, Default)]
pub(crate) struct Transports {
    /// The websockets of sessions that began with polling, by session id.
    upgraded: Arc<Mutex<HashMap<String, CancellationToken>>>,
    end_polling: Arc<OnceLock<EndPolling>>,
}

/// Ends the session of this id, if it polls.
type EndPolling = Box<dyn Fn(&str) + Send + Sync>;

impl Transports {
    /// Says how a session is ended that polls: it has no connection of its own, and behind a proxy its
    /// requests share one with those of others.
    pub(super) fn polling_ends_by(&self, end: EndPolling) {
        let _ = self.end_polling.set(end);
    }

    /// A session goes on over this connection.
    pub(super) fn note(&self, session: &str, connection: &Cut) {
        let mut upgraded = lock(&self.upgraded);
        upgraded.insert(session.to_owned(), connection.0.clone());
        if upgraded.len().is_multiple_of(PURGE_EVERY) {
            upgraded.retain(|_, connection| !connection.is_cancelled());
        }
    }

    /// What ends the transport of a session, whichever it has by then. `first` is the session's first
    /// request.
    pub(super) fn cutter(&self, session: String, first: &Parts) -> Box<dyn Fn() + Send + Sync> {
        let is_websocket = first.headers.contains_key(header::UPGRADE);
        let own = first.extensions.get::<Cut>().filter(|_| is_websocket).cloned();
        let transports = self.clone();
        Box::new(move || match &own {
            Some(websocket) => websocket.0.cancel(),
            None => transports.end(&session),
        })
    }

    fn end(&self, session: &str) {
        let websocket = lock(&self.upgraded).remove(session);
        match (websocket, self.end_polling.get()) {
            (Some(websocket), _) if !websocket.is_cancelled() => websocket.cancel(),
            (_, Some(end)) => end(session),
            (_, None) => {}
        }
    }
}
