//! One socket and the user behind it.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use identity::User;
use primitives::{StreamId, UserId};
use proto::CallContext;
use serde::Serialize;
use socketioxide::extract::SocketRef;
use socketioxide::socket::Sid;
use socketioxide::{SendError, SocketError};
use tokio_util::sync::CancellationToken;

use crate::domain::presence::Viewer;
use crate::domain::rate::Bucket;
use crate::hub::event::ServerEvent;
use crate::hub::lock;

/// Messages of histories that a socket gets at once, and a second in the long run. With it the memory of a
/// client that asks again and again but does not read has a bound: it is cut after 20 s.
const HISTORY_BURST: u32 = 2000;
const HISTORY_PER_SECOND: u32 = 500;
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

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// It is on its way.
    Yes,
    /// The socket's buffer has no room for it.
    Full,
    /// There is nobody to get it.
    Gone,
}

/// A socket that is connected, or just about to be.
pub(crate) struct Connection {
    socket: SocketRef,
    /// Ends the transport under the socket, for clients that do not read and those that come back by
    /// themselves.
    transport: Box<dyn Fn() + Send + Sync>,
    session: Mutex<Option<Session>>,
    /// The guest's name in leases: from the browser's cookie, or random.
    visitor: String,
    address: Option<IpAddr>,
    rooms: Mutex<HashSet<StreamId>>,
    /// Was too slow, and is being cut.
    cut: AtomicBool,
    histories: Mutex<Bucket>,
    since: Instant,
    departing: CancellationToken,
    gone: CancellationToken,
}

impl Connection {
    pub(crate) fn new(
        socket: SocketRef,
        session: Option<Session>,
        visitor: String,
        address: Option<IpAddr>,
        transport: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            socket,
            transport,
            session: Mutex::new(session),
            visitor,
            address,
            rooms: Mutex::default(),
            cut: AtomicBool::new(false),
            histories: Mutex::new(Bucket::new(HISTORY_BURST, HISTORY_PER_SECOND)),
            since: Instant::now(),
            departing: CancellationToken::new(),
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

    /// Where the client is.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.address
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

    /// Sends an event without waiting. A socket that has no room for it is cut.
    pub(crate) fn emit<E: ServerEvent>(&self, event: &E) {
        self.emit_as(E::NAME, event);
    }

    /// Sends an event whose name depends on what it answers.
    pub(crate) fn emit_as<T: Serialize>(&self, name: &str, data: &T) {
        if self.try_emit(name, data) == Sent::Full {
            self.cut_slow();
        }
    }

    /// Sends an event if there is room for it.
    pub(super) fn try_emit<T: Serialize + ?Sized>(&self, name: &str, data: &T) -> Sent {
        if self.cut.load(Ordering::Relaxed) {
            return Sent::Gone;
        }
        match self.socket.emit(name, data) {
            Ok(()) => Sent::Yes,
            Err(SendError::Socket(SocketError::InternalChannelFull)) => Sent::Full,
            Err(SendError::Socket(SocketError::Closed)) => Sent::Gone,
            Err(error) => {
                tracing::error!(%error, event = name, "an event could not be written");
                Sent::Gone
            }
        }
    }

    /// Ends a socket that does not keep up. Its client sees a broken connection, comes back and asks for what
    /// it missed.
    pub(super) fn cut_slow(&self) {
        if !self.cut.swap(true, Ordering::Relaxed) {
            metrics::counter!("gateway_socket_cut_total").increment(1);
            (self.transport)();
        }
    }

    /// Notes that the socket got so many messages of a history; answers how long it has to wait before the
    /// next one.
    pub(super) fn spend_history(&self, messages: usize) -> Duration {
        let messages = u32::try_from(messages).unwrap_or(u32::MAX);
        lock(&self.histories).spend(messages, Instant::now())
    }

    /// Asks for a socket's end as soon as no event of it is being handled.
    pub(super) fn depart(&self) {
        self.departing.cancel();
    }

    /// Ends when the socket is to be ended.
    pub(crate) fn departing(&self) -> &CancellationToken {
        &self.departing
    }

    /// Ends the transport without a goodbye, after what waits to be sent. To the client the connection is
    /// lost, and it comes back by itself, which it would not after a goodbye.
    pub(crate) fn hang_up(&self) {
        (self.transport)();
    }

    /// Tells a socket to go, and sees to it that it goes. Its client does not come back by itself.
    pub(crate) fn expel(self: &Arc<Self>) {
        if self.socket.clone().disconnect().is_err() {
            // Its buffer is full: there is no way to say anything.
            self.hang_up();
        }
        let this = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(GOODBYE).await;
            this.hang_up();
        });
    }
}
