//! Authenticates a socket before its client learns that it is connected.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use primitives::Error;
use serde_json::Value;
use socketioxide::extract::{AckSender, SocketRef};

use crate::domain::address;
use crate::hub::connection::Connection;
use crate::inbound::socket::handle::{self, SocketHandle};
use crate::inbound::socket::intake::Intake;
use crate::inbound::socket::packet::RawEvent;
use crate::inbound::socket::transport::Peer;
use crate::inbound::socket::{Sockets, visitor, worker};

/// Query parameters that may contain a token. Every proxy on the way would log it.
const TOKEN_NAMES: [&str; 4] = ["token", "access_token", "auth", "authorization"];

/// A stable code, which becomes the message of the client's `connect_error`.
#[derive(Debug)]
pub(super) struct ConnectError(String);

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        Self(error.code.into_owned())
    }
}

/// Authenticates a socket, adds it to the hub and starts its worker.
pub(super) async fn connect(
    sockets: Arc<Sockets>,
    socket: SocketRef,
    auth: Option<Value>,
) -> Result<(), ConnectError> {
    let request = socket.req_parts();
    if has_token_in_url(request) {
        return Err(ConnectError("auth.token_in_url".to_owned()));
    }
    let session = match token(auth.as_ref())? {
        Some(token) => Some(sockets.verify(token).await?),
        None => None,
    };
    let first = socket.req_parts();
    let (visitor, address) = (visitor::of(first), client_address(&sockets, first));
    let transport = Box::new(SocketHandle {
        close: sockets.transports.closer(socket.id.to_string(), first),
        socket: socket.clone(),
    });
    let id = handle::id(socket.id);
    let connection = Arc::new(Connection::new(id, transport, session, visitor, address));
    sockets.hub.add(&connection).inspect_err(|error| {
        let code = error.code.to_string();
        metrics::counter!("gateway_socket_refused_total", "code" => code).increment(1);
    })?;

    let (intake, events) = Intake::new(&sockets.limits);
    // Weak: the socket owns the closure, and the connection owns the socket.
    let (intake, sender) = (Arc::new(intake), Arc::downgrade(&connection));
    // Runs in the task that reads the packets, so events are queued in the order in which they were sent.
    socket.on_fallback(move |ack: AckSender, event: RawEvent| {
        if let Some(sender) = sender.upgrade() {
            intake.take(&sender, event, ack);
        }
        std::future::ready(())
    });
    let (hub, closed) = (sockets.hub.clone(), connection.clone());
    socket.on_disconnect(move || {
        let (hub, closed) = (hub.clone(), closed.clone());
        // In its own task: a socket may be closed while its room is locked, and removing it locks the room.
        async move { hub.remove(&closed) }
    });
    let workers = sockets.workers.clone();
    workers.spawn(worker::run(sockets, connection, events));
    Ok(())
}

/// Checks the token again, in case it was revoked while the socket was connecting.
pub(super) fn connected(sockets: &Sockets, socket: &SocketRef) {
    let connections = &sockets.hub.connections;
    if let Some(connection) = connections.find(handle::id(socket.id)) {
        connections.disconnect_if_revoked(&connection);
    }
}

fn token(auth: Option<&Value>) -> Result<Option<String>, ConnectError> {
    match auth.and_then(|auth| auth.get("token")) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(token)) if token.is_empty() => Ok(None),
        Some(Value::String(token)) => Ok(Some(token.clone())),
        Some(_) => Err(ConnectError("auth.token_invalid".to_owned())),
    }
}

fn has_token_in_url(request: &Parts) -> bool {
    let query = request.uri.query().unwrap_or_default();
    serde_urlencoded::from_str::<Vec<(String, String)>>(query)
        .unwrap_or_default()
        .iter()
        .any(|(name, _)| TOKEN_NAMES.contains(&name.to_ascii_lowercase().as_str()))
}

fn client_address(sockets: &Sockets, request: &Parts) -> Option<std::net::IpAddr> {
    let Peer(peer) = request.extensions.get::<Peer>()?;
    let forwarded = request.headers.get_all(address::FORWARDED_FOR).iter();
    let forwarded = forwarded.map(http::HeaderValue::as_bytes);
    Some(address::client(peer.ip(), forwarded, &sockets.trusted))
}
