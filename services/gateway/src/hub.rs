//! Who is connected to this gateway and in which rooms: the gateway's only state, in memory, and gone with
//! the process.
//!
//! Cast: a [`Connection`] is one socket with the user behind it. A [`room::Room`] is one stream's chat; it is
//! held in memory while someone is in it, or was in it when the stream ended and waits for the next start.
//! [`Leases`] says to the stream service who watches. Everything that is sent to a socket is sent while its
//! room is locked, and sending never waits: so what a socket is sent is in order, and a slow one delays
//! nobody: it lags behind (`members`).

pub(crate) mod connection;
mod drain;
pub(crate) mod event;
pub(crate) mod leases;
pub(crate) mod line;
mod members;
mod news;
mod repair;
pub(crate) mod room;
mod rooms;
mod watch;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::Bindings;
use identity::Verifier;
use primitives::address::network;
use primitives::{Error, StreamId, UserId};
use socketioxide::socket::Sid;

use crate::domain::parties::{Most, Parties};
use crate::domain::presence::{Presence, Viewer};
use crate::hub::connection::{Connection, Session};
use crate::hub::drain::Drain;
use crate::hub::leases::Leases;
use crate::hub::rooms::Rooms;
use crate::outbound::peers::Peers;

/// How long a socket that authenticated may take until it is connected.
const CONNECTING: Duration = Duration::from_secs(10);

/// Sockets, users, rooms.
pub(crate) struct Hub {
    sockets: Mutex<HashMap<Sid, Arc<Connection>>>,
    parties: Mutex<Parties<Sid>>,
    rooms: Arc<Rooms>,
    presence: Mutex<Presence>,
    leases: Leases,
    drain: Drain,
    peers: Peers,
    verifier: Verifier,
}

impl Hub {
    pub(crate) fn new(peers: Peers, verifier: Verifier, bindings: Bindings, most: Most) -> Self {
        Self {
            sockets: Mutex::default(),
            parties: Mutex::new(Parties::new(most)),
            rooms: Arc::new(Rooms::new(bindings)),
            presence: Mutex::default(),
            leases: Leases::default(),
            drain: Drain::default(),
            peers,
            verifier,
        }
    }

    /// A socket came. It is refused when its user or its address has too many already.
    pub(crate) fn add(&self, connection: &Arc<Connection>) -> Result<(), Error> {
        let address = connection.address().map(network);
        lock(&self.parties).enter(connection.id(), connection.user_id(), address)?;
        let mut sockets = lock(&self.sockets);
        sockets.insert(connection.id(), connection.clone());
        metrics::gauge!("gateway_sockets").set(count(sockets.len()));
        drop(sockets);
        if self.is_draining() {
            // Who sends all away may have looked before it was here.
            connection.depart();
        }
        Ok(())
    }

    /// A socket is gone.
    pub(crate) fn remove(&self, connection: &Arc<Connection>) {
        connection.mark_gone();
        let id = connection.id();
        let mut sockets = lock(&self.sockets);
        if sockets.get(&id).is_some_and(|here| Arc::ptr_eq(here, connection)) {
            sockets.remove(&id);
            lock(&self.parties).leave(id);
        }
        metrics::gauge!("gateway_sockets").set(count(sockets.len()));
        drop(sockets);
        for stream in connection.rooms() {
            self.leave(connection, stream);
        }
    }

    /// Somebody signs in on a socket, or does it again. Nothing changes when the user has too many sockets
    /// already.
    pub(crate) fn sign_in(&self, connection: &Arc<Connection>, session: Session) -> Result<(), Error> {
        lock(&self.parties).identify(connection.id(), Some(session.user.id))?;
        self.identify(connection, Some(session));
        Ok(())
    }

    /// Nobody is signed in on a socket any more.
    pub(crate) fn sign_out(&self, connection: &Arc<Connection>) {
        // For a guest there is always a place.
        let _ = lock(&self.parties).identify(connection.id(), None);
        self.identify(connection, None);
    }

    /// The viewer behind a socket may be another.
    fn identify(&self, connection: &Arc<Connection>, session: Option<Session>) {
        let before = connection.viewer();
        connection.set_session(session);
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
        let ids = lock(&self.parties).of_user(user);
        let sockets = lock(&self.sockets);
        ids.iter().filter_map(|id| sockets.get(id).cloned()).collect()
    }

    /// A socket by its id.
    pub(crate) fn find(&self, id: Sid) -> Option<Arc<Connection>> {
        lock(&self.sockets).get(&id).cloned()
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

    /// Closes a socket whose token has been revoked; true when it was. Asked again once the socket is known
    /// under its user, since a revocation between the token's verification and then found nothing to close.
    pub(crate) fn close_revoked(&self, connection: &Arc<Connection>) -> bool {
        let session = connection.session();
        let revoked = session.is_some_and(|session| self.verifier.is_revoked(&session.user));
        if revoked {
            connection.expel();
        }
        revoked
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
