//! One socket's events, one after another, and the end of its token.

use std::sync::Arc;
use std::time::Duration;

use primitives::{Error, ErrorKind};
use tokio::sync::mpsc;

use crate::hub::connection::Connection;
use crate::hub::event::TokenExpired;
use crate::inbound::socket::client::{ClientEvent, Failure};
use crate::inbound::socket::event::{Incoming, accept, refuse};
use crate::inbound::socket::{Sockets, handlers};

/// A token that expires later than this is looked at again; timers of years do not exist.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// Works until the socket is gone, or is to be ended: the event at hand is finished first.
pub(super) async fn run(
    sockets: Arc<Sockets>,
    connection: Arc<Connection>,
    mut events: mpsc::Receiver<Incoming>,
) {
    loop {
        tokio::select! {
            biased;
            () = connection.gone().cancelled() => return,
            () = connection.departing().cancelled() => return connection.hang_up(),
            () = expiry(&sockets, &connection) => expire(&sockets, &connection),
            incoming = events.recv() => {
                let Some(incoming) = incoming else { return };
                // Boxed, so that a socket that is idle has no room for it.
                Box::pin(handle(&sockets, &connection, incoming)).await;
            }
        }
    }
}

async fn handle(sockets: &Arc<Sockets>, connection: &Arc<Connection>, incoming: Incoming) {
    let Incoming { name, data, ack } = incoming;
    // The clock may have gone on since the last look, as after a machine slept.
    if connection
        .expires_at()
        .is_some_and(|at| at <= sockets.clock.now())
    {
        expire(sockets, connection);
    }
    let outcome = handlers::dispatch(sockets, connection, &name, &data).await;
    match outcome {
        Ok(answer) => accept(ack, answer),
        Err(error) => refused(connection, Incoming { name, data, ack }, &error),
    }
}

/// The acknowledgement, and the event that clients without acknowledgements listen to.
pub(super) fn refused(connection: &Connection, incoming: Incoming, error: &Error) {
    if let Some(event) = ClientEvent::named(&incoming.name).and_then(ClientEvent::failure) {
        connection.emit_as(event, &Failure::from(error));
    }
    refuse(incoming.ack, error);
}

pub(super) fn too_fast() -> Error {
    Error::new(
        ErrorKind::RateLimited,
        "event.too_many",
        "Too many events, slow down.",
    )
    .retry_after(Duration::from_secs(1))
}

/// Ends when the socket's token does; never for a guest.
async fn expiry(sockets: &Sockets, connection: &Connection) {
    let Some(expires_at) = connection.expires_at() else {
        return std::future::pending().await;
    };
    loop {
        let left = (expires_at - sockets.clock.now()).to_std().unwrap_or_default();
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
    }
}

/// A guest from now on, who may watch but not speak.
fn expire(sockets: &Sockets, connection: &Arc<Connection>) {
    sockets.hub.sign_out(connection);
    connection.emit(&TokenExpired {});
}
