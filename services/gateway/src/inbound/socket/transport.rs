//! The TCP connection under a socket. It can be closed from outside, because the library can only close a
//! socket by sending it a packet, which fails if the buffer is full.

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

use crate::hub::lock::lock;

/// A client that reads nothing for this long while data waits for it is disconnected.
const STALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Closed websockets are forgotten after this many upgrades.
const PURGE_EVERY: usize = 256;

/// The peer's address, in a request's extensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Closes the connection of a request; in its extensions.
#[derive(Debug, Clone)]
pub(super) struct Closer(pub(super) CancellationToken);

/// A TCP connection that closes when its token is cancelled or its client stops reading.
pub(super) struct Guarded {
    stream: TcpStream,
    token: CancellationToken,
    // Two, because different tasks read and write.
    closed_for_reading: Pin<Box<WaitForCancellationFutureOwned>>,
    closed_for_writing: Pin<Box<WaitForCancellationFutureOwned>>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    pub(super) fn new(stream: TcpStream, token: CancellationToken) -> Self {
        let (closed_for_reading, closed_for_writing) = (
            Box::pin(token.clone().cancelled_owned()),
            Box::pin(token.clone().cancelled_owned()),
        );
        Self {
            stream,
            token,
            closed_for_reading,
            closed_for_writing,
            stalled: None,
        }
    }

    fn written<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stalled = None;
            return poll;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL_TIMEOUT)));
        if stalled.as_mut().poll(cx).is_ready() {
            metrics::counter!("gateway_socket_stalled_total").increment(1);
            // Only the reader closes the session.
            self.token.cancel();
        }
        if self.closed_for_writing.as_mut().poll(cx).is_ready() {
            Poll::Ready(Err(closed()))
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

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was closed")
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.closed_for_reading.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(closed()));
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

/// Closes the transports of sessions.
#[derive(Clone, Default)]
pub(crate) struct Transports {
    /// The websockets of sessions that began with polling, by session id.
    upgraded: Arc<Mutex<HashMap<String, CancellationToken>>>,
    close_polling: Arc<OnceLock<ClosePolling>>,
}

/// Closes a polling session by its id.
type ClosePolling = Box<dyn Fn(&str) + Send + Sync>;

impl Transports {
    /// Sets how a polling session is closed. It has no connection of its own: behind a proxy, its requests
    /// share one with those of others.
    pub(super) fn set_close_polling(&self, close: ClosePolling) {
        let _ = self.close_polling.set(close);
    }

    /// Notes that a session was upgraded to the websocket on this connection.
    pub(super) fn note_upgrade(&self, session: &str, connection: &Closer) {
        let mut upgraded = lock(&self.upgraded);
        upgraded.insert(session.to_owned(), connection.0.clone());
        if upgraded.len().is_multiple_of(PURGE_EVERY) {
            upgraded.retain(|_, connection| !connection.is_cancelled());
        }
    }

    /// Returns a function that closes the transport that a session then uses. `first` is the session's first
    /// request.
    pub(super) fn closer(&self, session: String, first: &Parts) -> Box<dyn Fn() + Send + Sync> {
        let is_websocket = first.headers.contains_key(header::UPGRADE);
        let own = first.extensions.get::<Closer>().filter(|_| is_websocket).cloned();
        let transports = self.clone();
        Box::new(move || match &own {
            Some(websocket) => websocket.0.cancel(),
            None => transports.close(&session),
        })
    }

    fn close(&self, session: &str) {
        let websocket = lock(&self.upgraded).remove(session);
        match (websocket, self.close_polling.get()) {
            (Some(websocket), _) if !websocket.is_cancelled() => websocket.cancel(),
            (_, Some(close)) => close(session),
            (_, None) => {}
        }
    }
}
