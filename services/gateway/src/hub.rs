//! Who is connected to this gateway and in which rooms: the gateway's only state, in memory, and gone with the process.
//!
//! Cast: a [`Connection`] is one socket with the user behind it. A [`room::Room`] is one stream's chat; it is held in memory while
//! someone is in it, or was in it when the stream ended and waits for the next start. [`Leases`] says to the stream service who
//! watches. Everything that is sent to a socket is sent while its room is locked, and sending never waits: so what a socket is
//! sent is in order, and a slow one delays nobody: it lags behind (`members`).

pub(crate) mod connection;
pub(crate) mod event;
pub(crate) mod leases;
pub(crate) mod line;
mod members;
pub(crate) mod room;
mod rooms;
mod watch;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::Bindings;
use domain::{StreamId, UserId};
use identity::Verifier;
use socketioxide::socket::Sid;

use crate::domain::presence::{Presence, Viewer};
use crate::hub::connection::{Connection, Session};
use crate::hub::leases::Leases;
use crate::hub::rooms::Rooms;
use crate::outbound::peers::Peers;

/// How long a socket that authenticated may take until it is connected.
const CONNECTING: Duration = Duration::from_secs(10);

/// Sockets, users, rooms.
pub(crate) struct Hub {
    sockets: Mutex<HashMap<Sid, Arc<Connection>>>,
    users: Mutex<HashMap<UserId, HashSet<Sid>>>,
    rooms: Arc<Rooms>,
    presence: Mutex<Presence>,
    leases: Leases,
    peers: Peers,
    verifier: Verifier,
}

impl Hub {
    pub(crate) fn new(peers: Peers, verifier: Verifier, bindings: Bindings) -> Self {
        Self {
            sockets: Mutex::default(),
            users: Mutex::default(),
            rooms: Arc::new(Rooms::new(bindings)),
            presence: Mutex::default(),
            leases: Leases::default(),
            peers,
            verifier,
        }
    }

    /// A socket came.
    pub(crate) fn add(&self, connection: Arc<Connection>) {
        if let Some(user) = connection.user_id() {
            lock(&self.users).entry(user).or_default().insert(connection.id());
        }
        let mut sockets = lock(&self.sockets);
        sockets.insert(connection.id(), connection);
        metrics::gauge!("gateway_sockets").set(count(sockets.len()));
    }

    /// A socket is gone.
    pub(crate) fn remove(&self, connection: &Arc<Connection>) {
        connection.mark_gone();
        let mut sockets = lock(&self.sockets);
        sockets.remove(&connection.id());
        metrics::gauge!("gateway_sockets").set(count(sockets.len()));
        drop(sockets);
        self.forget_user(connection);
        for stream in connection.rooms() {
            self.leave(connection, stream);
        }
    }

    fn forget_user(&self, connection: &Connection) {
        let Some(user) = connection.user_id() else { return };
        let mut users = lock(&self.users);
        if let Some(sockets) = users.get_mut(&user) {
            sockets.remove(&connection.id());
            if sockets.is_empty() {
                users.remove(&user);
            }
        }
    }

    /// The user behind a socket changes: signed in again, or a guest from now on.
    pub(crate) fn identify(&self, connection: &Arc<Connection>, session: Option<Session>) {
        let before = connection.viewer();
        self.forget_user(connection);
        connection.set_session(session);
        if let Some(user) = connection.user_id() {
            lock(&self.users).entry(user).or_default().insert(connection.id());
        }
        let after = connection.viewer();
        if before != after {
            for stream in connection.rooms() {
                self.enter(stream, &after);
                let renamed = self
                    .rooms
                    .get(stream)
                    .is_some_and(|room| room.rename(connection.id(), &after));
                self.exit(stream, if renamed { &before } else { &after });
            }
        }
    }

    /// The sockets of a user.
    pub(crate) fn of_user(&self, user: UserId) -> Vec<Arc<Connection>> {
        let ids: Vec<Sid> = lock(&self.users)
            .get(&user)
            .into_iter()
            .flatten()
            .copied()
            .collect();
        let sockets = lock(&self.sockets);
        ids.iter().filter_map(|id| sockets.get(id).cloned()).collect()
    }

    /// All sockets.
    pub(crate) fn all(&self) -> Vec<Arc<Connection>> {
        lock(&self.sockets).values().cloned().collect()
    }

    /// Removes sockets that ended without a word: a transport may close while its socket is still connecting.
    pub(crate) fn sweep(&self) {
        for connection in self.all() {
            if !connection.is_connected() && connection.age() > CONNECTING {
                self.remove(&connection);
            }
        }
    }

    fn enter(&self, stream: StreamId, viewer: &Viewer) {
        lock(&self.presence).enter(stream, viewer);
        self.leases.renew_soon(stream, viewer);
    }

    fn exit(&self, stream: StreamId, viewer: &Viewer) {
        if lock(&self.presence).leave(stream, viewer) {
            self.leases.release_soon(stream, viewer);
        }
    }
}

/// A lock whose holder never panics half-way through a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number for a gauge.
fn count(n: usize) -> f64 {
    u32::try_from(n).unwrap_or(u32::MAX).into()
}
