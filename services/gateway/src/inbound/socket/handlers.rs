//! Handles the client events.

use std::sync::Arc;

use identity::TokenError;
use primitives::{Error, ErrorKind};
use proto::chat::v1::SendMessageRequest;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::event::{ChatMessage, NotificationRoomJoined};
use crate::hub::connection::Connection;
use crate::inbound::socket::Sockets;
use crate::inbound::socket::client::{
    Authenticate, Authenticated, ClientEvent, JoinStreamRoom, LeaveStreamRoom, MessageSent, SendMessage,
    StreamRoom, read,
};
use crate::outbound::peers::{Answer, present};

/// Handles an event; returns the reply for the acknowledgement.
pub(super) async fn dispatch(
    sockets: &Arc<Sockets>,
    connection: &Arc<Connection>,
    name: &str,
    data: &Value,
) -> Result<Map<String, Value>, Error> {
    let unknown = || Error::new(ErrorKind::Invalid, "event.unknown", "Event not found.");
    match ClientEvent::named(name).ok_or_else(unknown)? {
        ClientEvent::Authenticate => authenticate(sockets, connection, data).await.map(fields),
        ClientEvent::JoinNotificationRoom => join_notification_room(connection).map(fields),
        ClientEvent::JoinStreamRoom => join_stream_room(sockets, connection, data).await.map(fields),
        ClientEvent::LeaveStreamRoom => leave_stream_room(sockets, connection, data).map(fields),
        ClientEvent::SendMessage => send_message(sockets, connection, data).await.map(fields),
    }
}

fn fields(reply: impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(reply) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

async fn authenticate(
    sockets: &Arc<Sockets>,
    connection: &Arc<Connection>,
    data: &Value,
) -> Result<Authenticated, Error> {
    let Authenticate { token } = read(data)?;
    let session = sockets.verify(token.0).await?;
    let reply = Authenticated {
        user_id: session.user.id,
        expires_at: session.user.expires_at,
    };
    sockets.hub.sign_in(connection, session)?;
    if sockets.hub.connections.disconnect_if_revoked(connection) {
        return Err(TokenError::Revoked.into());
    }
    Ok(reply)
}

fn join_notification_room(connection: &Connection) -> Result<NotificationRoomJoined, Error> {
    let user = connection.user_id().ok_or_else(Error::unauthenticated)?;
    let joined = NotificationRoomJoined {
        room: format!("user_{user}"),
    };
    connection.emit(&joined);
    Ok(joined)
}

async fn join_stream_room(
    sockets: &Arc<Sockets>,
    connection: &Arc<Connection>,
    data: &Value,
) -> Result<StreamRoom, Error> {
    let JoinStreamRoom { stream_id, after_seq } = read(data)?;
    let (stream_id, max_rooms) = (stream_id.0, sockets.limits.gateway_socket_rooms);
    let context = connection.context(sockets.call_timeout);
    let joined = sockets
        .hub
        .membership
        .join(connection, stream_id, after_seq.0, max_rooms, &context);
    joined.await?;
    Ok(StreamRoom { stream_id })
}

fn leave_stream_room(sockets: &Sockets, connection: &Connection, data: &Value) -> Result<StreamRoom, Error> {
    let LeaveStreamRoom { stream_id } = read(data)?;
    let stream_id = stream_id.0;
    sockets.hub.membership.leave(connection, stream_id);
    Ok(StreamRoom { stream_id })
}

async fn send_message(
    sockets: &Sockets,
    connection: &Connection,
    data: &Value,
) -> Result<MessageSent, Error> {
    if connection.user_id().is_none() {
        return Err(Error::unauthenticated());
    }
    let SendMessage {
        stream_id,
        message,
        client_message_id,
    } = read(data)?;
    let request = SendMessageRequest {
        stream_id: stream_id.0.0,
        message: message.0,
        client_message_id: client_message_id.map(|id| id.0),
    };
    let context = connection.context(sockets.call_timeout);
    let answer = sockets
        .peers
        .chat(&context)
        .send_message(request)
        .await
        .answer()?;
    let message = present(answer.message, "message")?;
    // Sockets of this gateway need not wait for the realtime message, which is then a duplicate.
    sockets
        .hub
        .delivery
        .deliver(stream_id.0, [ChatMessage::from(&message)]);
    Ok(MessageSent {
        id: message.id,
        seq: message.seq,
    })
}
