//! One socket and the user behind it.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::{StreamId, UserId};
use identity::User;
use proto::CallContext;
use serde::Serialize;
use socketioxide::extract::SocketRef;
use socketioxide::socket::Sid;
use socketioxide::{SendError, SocketError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::domain::presence::Viewer;
use crate::hub::lock;

/// Packets that a slow socket may miss before it is disconnected: it comes back and asks for what it missed.
const MAX_DROPPED: u32 = 8;
/// What a client that was told to go has to close its transport itself.
const GOODBYE: Duration = Duration::from_secs(1);

/// A user who is signed in, and the token that says so.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) user: User,
    pub(crate) token: String,
}

/// A place in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// There was none before.
    New,
    /// Inside already, or waiting for the next start.
    Had,
    /// There are too many already.
    None,
}

/// A socket that is connected, or just about to be.
pub(crate) struct Connection {
    socket: SocketRef,
    /// Cuts the transport under the socket, for clients that do not read.
    transport: Box<dyn Fn() + Send + Sync>,
    session: Mutex<Option<Session>>,
    /// The guest's name in leases; random, as long as the socket lives.
    visitor: String,
    address: Option<IpAddr>,
    rooms: Mutex<HashSet<StreamId>>,
    dropped: AtomicU32,
    since: Instant,
    gone: CancellationToken,
}

impl Connection {
    pub(crate) fn new(
        socket: SocketRef,
        session: Option<Session>,
        address: Option<IpAddr>,
        transport: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            socket,
            transport,
            session: Mutex::new(session),
            visitor: Uuid::new_v4().simple().to_string(),
            address,
            rooms: Mutex::default(),
            dropped: AtomicU32::new(0),
            since: Instant::now(),
            gone: CancellationToken::new(),
        }
    }

    pub(crate) fn id(&self) -> Sid {
        self.socket.id
    }

    pub(crate) fn session(&self) -> Option<Session> {
        lock(&self.session).clone()
    }

    pub(super) fn set_session(&self, session: Option<Session>) {
        *lock(&self.session) = session;
    }

    pub(crate) fn user_id(&self) -> Option<UserId> {
        lock(&self.session).as_ref().map(|session| session.user.id)
    }

    /// When the user's token expires; never for a guest.
    pub(crate) fn expires_at(&self) -> Option<DateTime<Utc>> {
        lock(&self.session)
            .as_ref()
            .map(|session| session.user.expires_at)
    }

    pub(crate) fn viewer(&self) -> Viewer {
        self.user_id()
            .map_or_else(|| Viewer::Guest(self.visitor.clone()), Viewer::User)
    }

    /// The context of a call that this socket's event needs.
    pub(crate) fn context(&self, timeout: Duration) -> CallContext {
        CallContext {
            user_token: lock(&self.session).as_ref().map(|session| session.token.clone()),
            client_address: self.address,
            ..CallContext::background(timeout)
        }
    }

    pub(crate) fn rooms(&self) -> Vec<StreamId> {
        lock(&self.rooms).iter().copied().collect()
    }

    /// Takes a place in a room.
    pub(super) fn take_room(&self, stream: StreamId, most: usize) -> Place {
        let mut rooms = lock(&self.rooms);
        if rooms.contains(&stream) {
            return Place::Had;
        }
        if rooms.len() >= most {
            return Place::None;
        }
        rooms.insert(stream);
        Place::New
    }

    pub(super) fn drop_room(&self, stream: StreamId) {
        lock(&self.rooms).remove(&stream);
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.socket.connected()
    }

    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    pub(super) fn mark_gone(&self) {
        self.gone.cancel();
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.is_cancelled()
    }

    /// Ends when the socket is gone.
    pub(crate) fn gone(&self) -> &CancellationToken {
        &self.gone
    }

    /// Sends an event without waiting. A socket that does not keep up loses it, and after some losses the connection.
    pub(crate) fn emit<T: Serialize + ?Sized>(&self, event: &str, data: &T) {
        if self.dropped.load(Ordering::Relaxed) >= MAX_DROPPED {
            // It has a gap already: nothing more, but the goodbye as soon as there is room for it.
            return self.close();
        }
        match self.socket.emit(event, data) {
            Ok(()) => metrics::counter!("gateway_socket_emits_total").increment(1),
            Err(SendError::Socket(SocketError::InternalChannelFull)) => self.lost(),
            Err(SendError::Socket(SocketError::Closed)) => {}
            Err(error) => tracing::error!(%error, event, "an event could not be written"),
        }
    }

    fn lost(&self) {
        metrics::counter!("gateway_socket_dropped_total").increment(1);
        if self.dropped.fetch_add(1, Ordering::Relaxed) + 1 == MAX_DROPPED {
            metrics::counter!("gateway_socket_cut_total").increment(1);
            self.close();
        }
    }

    /// Says goodbye and closes: politely first, then the transport.
    pub(crate) fn close(&self) {
        if self.socket.clone().disconnect().is_err() {
            // Its buffer is full: there is no way to say anything.
            (self.transport)();
        }
    }

    /// Closes the transport of a socket that was told to go, when it is still there.
    pub(crate) async fn cut(&self) {
        tokio::time::sleep(GOODBYE).await;
        (self.transport)();
    }
}
