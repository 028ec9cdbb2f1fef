//! Who a new socket is, decided before its client is told that it is connected.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use primitives::Error;
use serde_json::Value;
use socketioxide::extract::{AckSender, SocketRef};

use crate::domain::address;
use crate::hub::connection::{Connection, Session};
use crate::inbound::socket::event::RawEvent;
use crate::inbound::socket::intake::Intake;
use crate::inbound::socket::transport::Peer;
use crate::inbound::socket::{Sockets, visitor, worker};

/// Names under which a token in the URL would be logged by every proxy on the way.
const TOKEN_NAMES: [&str; 4] = ["token", "access_token", "auth", "authorization"];

/// Becomes the message of the client's `connect_error`: a stable code.
#[derive(Debug)]
pub(super) struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self(error.code.into_owned())
    }
}

/// Authenticates a socket and sets up its queue; the client hears of it after this.
pub(super) async fn connect(
    sockets: Arc<Sockets>,
    socket: SocketRef,
    auth: Option<Value>,
) -> Result<(), Refused> {
    let request = socket.req_parts();
    if has_token_in_url(request) {
        return Err(Refused("auth.token_in_url".to_owned()));
    }
    let session = match token(auth.as_ref())? {
        Some(token) => Some(sign_in(&sockets, token).await?),
        None => None,
    };
    let first = socket.req_parts();
    let (visitor, address) = (visitor::of(first), client_address(&sockets, first));
    let cut = sockets.transports.cutter(socket.id.to_string(), first);
    let connection = Arc::new(Connection::new(socket.clone(), session, visitor, address, cut));
    sockets.hub.add(&connection).inspect_err(|error| {
        let code = error.code.to_string();
        metrics::counter!("gateway_socket_refused_total", "code" => code).increment(1);
    })?;

    let (intake, events) = Intake::new(&sockets.limits);
    // Weak: the closure lives in the socket, and the connection holds the socket.
    let (intake, speaker) = (Arc::new(intake), Arc::downgrade(&connection));
    // The closure runs where the packet was read, so the queue has the order of the wire.
    socket.on_fallback(move |ack: AckSender, event: RawEvent| {
        if let Some(speaker) = speaker.upgrade() {
            intake.take(&speaker, event, ack);
        }
        std::future::ready(())
    });
    let (hub, leaver) = (sockets.hub.clone(), connection.clone());
    socket.on_disconnect(move || {
        let (hub, leaver) = (hub.clone(), leaver.clone());
        // In a task of its own: a socket may be closed by whoever holds its room's lock, and leaving takes
        // that lock.
        async move { hub.remove(&leaver) }
    });
    let workers = sockets.workers.clone();
    workers.spawn(worker::run(sockets, connection, events));
    Ok(())
}

/// Looks at the token again, now that the socket is connected: when it was revoked while the socket was
/// connecting, there was nothing to close yet.
pub(super) fn connected(sockets: &Sockets, socket: &SocketRef) {
    if let Some(connection) = sockets.hub.find(socket.id) {
        sockets.hub.close_revoked(&connection);
    }
}

/// Verifies a token as a request's would be.
pub(super) async fn sign_in(sockets: &Sockets, token: String) -> Result<Session, Error> {
    let user = sockets.verifier.authenticate(&token).await?;
    Ok(Session { user, token })
}

fn token(auth: Option<&Value>) -> Result<Option<String>, Refused> {
    match auth.and_then(|auth| auth.get("token")) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(token)) if token.is_empty() => Ok(None),
        Some(Value::String(token)) => Ok(Some(token.clone())),
        Some(_) => Err(Refused("auth.token_invalid".to_owned())),
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
