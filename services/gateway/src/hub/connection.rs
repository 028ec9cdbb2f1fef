//! One socket and the user behind it.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use identity::User;
use primitives::{StreamId, UserId};
use proto::CallContext;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::domain::presence::Viewer;
use crate::domain::rate::Bucket;
use crate::event::ServerEvent;
use crate::hub::lock::lock;

/// Messages of histories that a socket may get at once, and per second in the long run. This bounds the
/// memory used by a client that joins repeatedly without reading: it is disconnected after 20 s.
const HISTORY_BURST: u32 = 2000;
const HISTORY_PER_SECOND: u32 = 500;
/// How long a client has to close its transport after it got a disconnect packet.
const DISCONNECT_GRACE: Duration = Duration::from_secs(1);

/// Identifies a socket among those of this gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SocketId(pub(crate) [u8; 16]);

/// The protocol under a socket. No method waits.
pub(crate) trait Transport: Send + Sync {
    fn is_connected(&self) -> bool;
    /// Queues an event.
    fn send(&self, event: &str, data: &RawValue) -> SendOutcome;
    /// Queues a disconnect packet, after which the client does not reconnect by itself. Returns false if the
    /// buffer is full.
    fn disconnect(&self) -> bool;
    /// Closes the transport without a disconnect packet, after what is queued was sent: the client reconnects
    /// by itself.
    fn close(&self);
}

/// A signed-in user and their access token.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) user: User,
    pub(crate) token: String,
}

/// Whether a socket may join a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomSlot {
    New,
    /// The socket is in the room, or waits for the stream's next start.
    Existing,
    LimitReached,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SendOutcome {
    Queued,
    BufferFull,
    Closed,
}

/// A socket that is connected or about to be.
pub(crate) struct Connection {
    id: SocketId,
    transport: Box<dyn Transport>,
    session: Mutex<Option<Session>>,
    /// The guest's name in viewer leases: from the browser's cookie, or random.
    visitor: String,
    address: Option<IpAddr>,
    rooms: Mutex<HashSet<StreamId>>,
    /// The socket was too slow and is being closed.
    too_slow: AtomicBool,
    history_allowance: Mutex<Bucket>,
    created_at: Instant,
    close_requested: CancellationToken,
    closed: CancellationToken,
}

impl Connection {
    pub(crate) fn new(
        id: SocketId,
        transport: Box<dyn Transport>,
        session: Option<Session>,
        visitor: String,
        address: Option<IpAddr>,
    ) -> Self {
        Self {
            id,
            transport,
            session: Mutex::new(session),
            visitor,
            address,
            rooms: Mutex::default(),
            too_slow: AtomicBool::new(false),
            history_allowance: Mutex::new(Bucket::new(HISTORY_BURST, HISTORY_PER_SECOND)),
            created_at: Instant::now(),
            close_requested: CancellationToken::new(),
            closed: CancellationToken::new(),
        }
    }

    pub(crate) fn id(&self) -> SocketId {
        self.id
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

    /// Returns when the user's token expires; `None` for a guest.
    pub(crate) fn expires_at(&self) -> Option<DateTime<Utc>> {
        lock(&self.session)
            .as_ref()
            .map(|session| session.user.expires_at)
    }

    pub(crate) fn viewer(&self) -> Viewer {
        self.user_id()
            .map_or_else(|| Viewer::Guest(self.visitor.clone()), Viewer::User)
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Returns the context for a call on behalf of this socket.
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

    /// Notes that the socket joins a room, if it is in fewer than `max`.
    pub(super) fn add_room(&self, stream: StreamId, max: usize) -> RoomSlot {
        let mut rooms = lock(&self.rooms);
        if rooms.contains(&stream) {
            return RoomSlot::Existing;
        }
        if rooms.len() >= max {
            return RoomSlot::LimitReached;
        }
        rooms.insert(stream);
        RoomSlot::New
    }

    pub(super) fn remove_room(&self, stream: StreamId) {
        lock(&self.rooms).remove(&stream);
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.transport.is_connected()
    }

    pub(super) fn age(&self) -> Duration {
        self.created_at.elapsed()
    }

    pub(super) fn mark_closed(&self) {
        self.closed.cancel();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Is cancelled when the socket has closed.
    pub(crate) fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    /// Sends an event, or disconnects the socket if its buffer is full.
    pub(crate) fn emit<E: ServerEvent>(&self, event: &E) {
        self.emit_as(E::NAME, event);
    }

    /// Like [`emit`](Self::emit), for events that share a type.
    pub(crate) fn emit_as<T: Serialize>(&self, name: &str, data: &T) {
        if let Some(data) = serialise(name, data)
            && self.try_emit(name, &data) == SendOutcome::BufferFull
        {
            self.disconnect_slow();
        }
    }

    /// Sends a serialised event if the buffer has room for it.
    pub(super) fn try_emit(&self, name: &str, data: &RawValue) -> SendOutcome {
        if self.too_slow.load(Ordering::Relaxed) {
            return SendOutcome::Closed;
        }
        self.transport.send(name, data)
    }

    /// Closes a socket that does not keep up. The client reconnects and asks for what it missed.
    pub(super) fn disconnect_slow(&self) {
        if !self.too_slow.swap(true, Ordering::Relaxed) {
            metrics::counter!("gateway_socket_cut_total").increment(1);
            self.transport.close();
        }
    }

    /// Counts messages of a history; returns how long the socket has to wait before its next event.
    pub(super) fn count_history(&self, messages: usize) -> Duration {
        let messages = u32::try_from(messages).unwrap_or(u32::MAX);
        lock(&self.history_allowance).spend(messages, Instant::now())
    }

    /// Requests the socket to be closed after the event that is being handled.
    pub(super) fn request_close(&self) {
        self.close_requested.cancel();
    }

    /// Is cancelled when the socket is to be closed.
    pub(crate) fn close_requested(&self) -> &CancellationToken {
        &self.close_requested
    }

    /// Closes the transport so that the client reconnects by itself.
    pub(crate) fn close(&self) {
        self.transport.close();
    }

    /// Disconnects the client so that it does not reconnect by itself.
    pub(crate) fn disconnect(self: &Arc<Self>) {
        if !self.transport.disconnect() {
            // The buffer has no room for the packet.
            self.close();
        }
        let this = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(DISCONNECT_GRACE).await;
            this.close();
        });
    }
}

/// Serialises the data of an event.
pub(super) fn serialise<T: Serialize>(name: &str, data: &T) -> Option<Box<RawValue>> {
    to_raw_value(data)
        .inspect_err(|error| tracing::error!(%error, event = name, "cannot serialise an event"))
        .ok()
}
