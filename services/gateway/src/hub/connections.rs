//! All sockets of this gateway, by id and by user.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use identity::{Revocation, User, Verifier};
use primitives::address::network;
use primitives::{Error, UserId};

use crate::domain::connection_limits::{ConnectionCounts, ConnectionLimits};
use crate::event::ServerEvent;
use crate::hub::connection::{Connection, SocketId};
use crate::hub::gauges;
use crate::hub::lock::lock;

pub(crate) struct Connections {
    sockets: Mutex<HashMap<SocketId, Arc<Connection>>>,
    counts: Mutex<ConnectionCounts<SocketId>>,
    verifier: Verifier,
}

impl Connections {
    pub(super) fn new(limits: ConnectionLimits, verifier: Verifier) -> Self {
        Self {
            sockets: Mutex::default(),
            counts: Mutex::new(ConnectionCounts::new(limits)),
            verifier,
        }
    }

    pub(super) fn insert(&self, connection: &Arc<Connection>) -> Result<(), Error> {
        let address = connection.address().map(network);
        lock(&self.counts).add(connection.id(), connection.user_id(), address)?;
        let mut sockets = lock(&self.sockets);
        sockets.insert(connection.id(), connection.clone());
        gauges::set("gateway_sockets", sockets.len());
        Ok(())
    }

    pub(super) fn remove(&self, connection: &Arc<Connection>) {
        connection.mark_closed();
        let id = connection.id();
        let mut sockets = lock(&self.sockets);
        if sockets
            .get(&id)
            .is_some_and(|known| Arc::ptr_eq(known, connection))
        {
            sockets.remove(&id);
            lock(&self.counts).remove(id);
        }
        gauges::set("gateway_sockets", sockets.len());
    }

    /// Counts a socket for another user, or for none.
    pub(super) fn set_user(&self, connection: &Connection, user: Option<UserId>) -> Result<(), Error> {
        Ok(lock(&self.counts).set_user(connection.id(), user)?)
    }

    pub(crate) fn find(&self, id: SocketId) -> Option<Arc<Connection>> {
        lock(&self.sockets).get(&id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Connection>> {
        lock(&self.sockets).values().cloned().collect()
    }

    pub(crate) fn has_user(&self, user: UserId) -> bool {
        lock(&self.counts).has_user(user)
    }

    /// Sends an event to all sockets of a user.
    pub(crate) fn emit_to_user<E: ServerEvent>(&self, user: UserId, event: &E) {
        let ids = lock(&self.counts).of_user(user);
        let sockets: Vec<_> = {
            let sockets = lock(&self.sockets);
            ids.iter().filter_map(|id| sockets.get(id).cloned()).collect()
        };
        sockets.iter().for_each(|socket| socket.emit(event));
    }

    /// Disconnects a socket if its token has been revoked; returns whether it was. Called again once the
    /// socket is listed, because a revocation between the token's verification and then finds no socket to
    /// close.
    pub(crate) fn disconnect_if_revoked(&self, connection: &Arc<Connection>) -> bool {
        let session = connection.session();
        let revoked = session.is_some_and(|session| self.verifier.is_revoked(&session.user));
        if revoked {
            connection.disconnect();
        }
        revoked
    }

    /// Disconnects the sockets whose token a revocation refuses.
    pub(crate) fn disconnect_revoked_by(&self, revocation: &Revocation) {
        self.disconnect_users(|user| revocation.revokes(user));
    }

    /// Disconnects all sockets whose token is revoked, after revocations were missed.
    pub(crate) fn disconnect_all_revoked(&self) {
        self.disconnect_users(|user| self.verifier.is_revoked(user));
    }

    fn disconnect_users(&self, refuses: impl Fn(&User) -> bool) {
        for connection in self.all() {
            if connection.session().is_some_and(|session| refuses(&session.user)) {
                connection.disconnect();
            }
        }
    }
}
