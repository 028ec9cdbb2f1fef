//! Handles one socket's events in order, and signs its user out when the token expires.

use std::sync::Arc;
use std::time::Duration;

use primitives::{Error, ErrorKind};
use socketioxide::extract::AckSender;
use tokio::sync::mpsc;

use crate::event::TokenExpired;
use crate::hub::connection::Connection;
use crate::inbound::socket::client::{ClientEvent, EventError};
use crate::inbound::socket::packet::{Incoming, accept, reject};
use crate::inbound::socket::{Sockets, handlers};

/// Longer waits are split: tokio's timers are limited to about two years.
const MAX_SLEEP: Duration = Duration::from_secs(3600);

/// Runs until the socket closes or its end is requested. The current event is finished first.
pub(super) async fn run(
    sockets: Arc<Sockets>,
    connection: Arc<Connection>,
    mut events: mpsc::Receiver<Incoming>,
) {
    loop {
        tokio::select! {
            biased;
            () = connection.closed().cancelled() => return,
            () = connection.close_requested().cancelled() => return connection.close(),
            () = expiry(&sockets, &connection) => expire(&sockets, &connection),
            incoming = events.recv() => {
                let Some(incoming) = incoming else { return };
                // Boxed, so that idle sockets do not reserve memory for it.
                Box::pin(handle(&sockets, &connection, incoming)).await;
            }
        }
    }
}

async fn handle(sockets: &Arc<Sockets>, connection: &Arc<Connection>, incoming: Incoming) {
    let Incoming { name, data, ack } = incoming;
    // The timer may be late, for example after the machine was suspended.
    if connection
        .expires_at()
        .is_some_and(|at| at <= sockets.clock.now())
    {
        expire(sockets, connection);
    }
    let outcome = handlers::dispatch(sockets, connection, &name, &data).await;
    match outcome {
        Ok(answer) => accept(ack, answer),
        Err(error) => rejected(connection, &name, ack, &error),
    }
}

/// Rejects an event: in its acknowledgement, and with the error event for clients that request none.
pub(super) fn rejected(connection: &Connection, name: &str, ack: AckSender, error: &Error) {
    if let Some(event) = ClientEvent::named(name).and_then(ClientEvent::error_event) {
        connection.emit_as(event, &EventError::from(error));
    }
    reject(ack, error);
}

pub(super) fn too_fast() -> Error {
    Error::new(
        ErrorKind::RateLimited,
        "event.too_many",
        "Too many events. Slow down.",
    )
    .retry_after(Duration::from_secs(1))
}

/// Waits until the socket's token expires; forever for a guest.
async fn expiry(sockets: &Sockets, connection: &Connection) {
    let Some(expires_at) = connection.expires_at() else {
        return std::future::pending().await;
    };
    loop {
        let left = (expires_at - sockets.clock.now()).to_std().unwrap_or_default();
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(MAX_SLEEP)).await;
    }
}

fn expire(sockets: &Sockets, connection: &Arc<Connection>) {
    sockets.hub.sign_out(connection);
    connection.emit(&TokenExpired {});
}
