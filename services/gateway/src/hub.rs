//! The connected sockets, the users behind them and the chat rooms they are in. This is the gateway's only
//! state; it lives in memory and is lost when the process stops.
//!
//! The hub sits between `inbound`, which brings it sockets, client events and bus events, and `outbound`,
//! from which it fetches rooms and messages. It knows no protocol: a socket is a [`connection::Transport`],
//! which `inbound::socket` implements.
//!
//! | module | responsibility |
//! | --- | --- |
//! | [`connections`] | all sockets, by id and by user, and their limits; closes them when a token is revoked |
//! | [`connection`] | one socket: its session, its rooms, and how it is sent events and closed |
//! | [`rooms`] | the rooms in memory and their bindings to the broker |
//! | [`room`] | one room: the order of its messages, their delivery, and the stream's live state |
//! | [`membership`] | how sockets join and leave rooms |
//! | [`viewers`] | presence in rooms, and the viewer leases that report it to the stream service |
//! | [`delivery`] | the way of a message into its room, and how a gap is filled |
//! | [`repair`] | finds messages and live states that no realtime message announced |
//! | [`drain`] | closes all sockets before the process stops |
//! | [`upstream`] | the calls to the stream and chat services |
//!
//! Everything that is sent to the sockets of a room is sent while the room is locked, so each socket gets it
//! in order. Sending never waits: a slow socket lags and delays no other (see [`room`]).

pub(crate) mod connection;
pub(crate) mod connections;
pub(crate) mod delivery;
mod drain;
mod gauges;
pub(crate) mod lock;
pub(crate) mod membership;
pub(crate) mod repair;
pub(crate) mod room;
pub(crate) mod rooms;
mod upstream;
pub(crate) mod viewers;

use std::sync::Arc;
use std::time::Duration;

use bus::KeyBindings;
use identity::Verifier;
use primitives::Error;

use crate::domain::connection_limits::ConnectionLimits;
use crate::hub::connection::{Connection, Session};
use crate::hub::connections::Connections;
use crate::hub::delivery::Delivery;
use crate::hub::drain::Drain;
use crate::hub::membership::Membership;
use crate::hub::repair::Repair;
use crate::hub::rooms::Rooms;
use crate::hub::upstream::Upstream;
use crate::hub::viewers::Viewers;
use crate::outbound::peers::Peers;

/// A socket that authenticated but is not connected after this time is removed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Hub {
    pub(crate) connections: Connections,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) viewers: Arc<Viewers>,
    pub(crate) membership: Arc<Membership>,
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) repair: Repair,
    pub(crate) drain: Drain,
}

impl Hub {
    pub(crate) fn new(
        peers: Peers,
        verifier: Verifier,
        bindings: KeyBindings,
        limits: ConnectionLimits,
    ) -> Self {
        let upstream = Upstream::new(peers);
        let rooms = Arc::new(Rooms::new(bindings));
        let viewers = Arc::new(Viewers::new(upstream.clone()));
        let membership = Arc::new(Membership::new(&rooms, &viewers, &upstream));
        let delivery = Arc::new(Delivery::new(&rooms, &upstream));
        Self {
            connections: Connections::new(limits, verifier),
            repair: Repair::new(&rooms, &membership, &delivery, &upstream),
            drain: Drain::default(),
            rooms,
            viewers,
            membership,
            delivery,
        }
    }

    /// Adds a socket, unless its user or its address has too many.
    pub(crate) fn add(&self, connection: &Arc<Connection>) -> Result<(), Error> {
        self.connections.insert(connection)?;
        if self.drain.has_begun() {
            // The drain may have listed the sockets before this one was added.
            connection.request_close();
        }
        Ok(())
    }

    /// Removes a closed socket from its rooms and from the hub.
    pub(crate) fn remove(&self, connection: &Arc<Connection>) {
        self.connections.remove(connection);
        self.membership.leave_all(connection);
    }

    /// Signs a user in on a socket, or renews the session. Changes nothing if the user has too many sockets.
    pub(crate) fn sign_in(&self, connection: &Arc<Connection>, session: Session) -> Result<(), Error> {
        self.connections.set_user(connection, Some(session.user.id))?;
        self.set_session(connection, Some(session));
        Ok(())
    }

    /// Makes a socket a guest's.
    pub(crate) fn sign_out(&self, connection: &Arc<Connection>) {
        // Cannot fail: guests have no limit per user.
        let _ = self.connections.set_user(connection, None);
        self.set_session(connection, None);
    }

    fn set_session(&self, connection: &Arc<Connection>, session: Option<Session>) {
        let before = connection.viewer();
        connection.set_session(session);
        self.membership.viewer_changed(connection, &before);
    }

    /// Removes sockets whose transport closed before they were connected, which no event reports.
    pub(crate) fn remove_stale(&self) {
        for connection in self.connections.all() {
            if !connection.is_connected() && connection.age() > CONNECT_TIMEOUT {
                self.remove(&connection);
            }
        }
    }

    /// Closes all sockets over a period of time, in random order.
    pub(crate) async fn close_all(&self, period: Duration) {
        self.drain.run(&self.connections, period).await;
    }
}
