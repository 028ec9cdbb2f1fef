//! The socket of the Socket.IO library as the hub's transport.

use serde_json::value::RawValue;
use socketioxide::extract::SocketRef;
use socketioxide::socket::Sid;
use socketioxide::{SendError, SocketError};

use crate::hub::connection::{SendOutcome, SocketId, Transport};

pub(super) struct SocketHandle {
    pub(super) socket: SocketRef,
    /// Closes the connection under the socket.
    pub(super) close: Box<dyn Fn() + Send + Sync>,
}

impl Transport for SocketHandle {
    fn is_connected(&self) -> bool {
        self.socket.connected()
    }

    fn send(&self, event: &str, data: &RawValue) -> SendOutcome {
        match self.socket.emit(event, data) {
            Ok(()) => SendOutcome::Queued,
            Err(SendError::Socket(SocketError::InternalChannelFull)) => SendOutcome::BufferFull,
            Err(SendError::Socket(SocketError::Closed)) => SendOutcome::Closed,
            Err(error) => {
                tracing::error!(%error, event, "cannot serialise an event");
                SendOutcome::Closed
            }
        }
    }

    fn disconnect(&self) -> bool {
        self.socket.clone().disconnect().is_ok()
    }

    fn close(&self) {
        (self.close)();
    }
}

/// Returns the hub's id of a socket.
pub(super) fn id(sid: Sid) -> SocketId {
    let mut id = [0; 16];
    // A session id has 16 characters.
    for (to, from) in id.iter_mut().zip(sid.as_str().bytes()) {
        *to = from;
    }
    SocketId(id)
}
