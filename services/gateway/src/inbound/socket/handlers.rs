//! What each event of a client does.

use std::sync::Arc;

use identity::TokenError;
use primitives::{Error, ErrorKind};
use proto::chat::v1::SendMessageRequest;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::hub::connection::Connection;
use crate::hub::event::NotificationRoomJoined;
use crate::hub::line::Line;
use crate::inbound::socket::client::{
    Authenticate, Authenticated, ClientEvent, JoinStreamRoom, LeaveStreamRoom, OfStream, Said, Saying,
};
use crate::inbound::socket::{Sockets, handshake};
use crate::outbound::peers::{Answer, present};

/// Does what an event asks for. Answers what goes into the acknowledgement beside `ok`.
pub(super) async fn dispatch(
    sockets: &Arc<Sockets>,
    connection: &Arc<Connection>,
    name: &str,
    data: &Value,
) -> Result<Map<String, Value>, Error> {
    let unknown = || Error::new(ErrorKind::Invalid, "event.unknown", "There is no such event.");
    match ClientEvent::named(name).ok_or_else(unknown)? {
        ClientEvent::Authenticate => authenticate(sockets, connection, data).await.map(fields),
        ClientEvent::JoinNotificationRoom => join_notification_room(connection).map(fields),
        ClientEvent::JoinStreamRoom => join_stream_room(sockets, connection, data).await.map(fields),
        ClientEvent::LeaveStreamRoom => leave_stream_room(sockets, connection, data).map(fields),
        ClientEvent::ChatMessage => chat_message(sockets, connection, data).await.map(fields),
    }
}

fn fields(answer: impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(answer) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

async fn authenticate(
    sockets: &Arc<Sockets>,
    connection: &Arc<Connection>,
    data: &Value,
) -> Result<Authenticated, Error> {
    let Authenticate { token } = Authenticate::read(data)?;
    let session = handshake::sign_in(sockets, token).await?;
    let answer = Authenticated {
        user_id: session.user.id,
        expires_at: session.user.expires_at,
    };
    sockets.hub.sign_in(connection, session)?;
    if sockets.hub.close_revoked(connection) {
        return Err(TokenError::Revoked.into());
    }
    Ok(answer)
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
) -> Result<OfStream, Error> {
    let JoinStreamRoom { stream_id, after_seq } = JoinStreamRoom::read(data)?;
    let most_rooms = sockets.limits.gateway_socket_rooms;
    let context = connection.context(sockets.call_timeout);
    let joined = sockets
        .hub
        .join(connection, stream_id, after_seq, most_rooms, &context);
    joined.await?;
    Ok(OfStream { stream_id })
}

fn leave_stream_room(sockets: &Sockets, connection: &Connection, data: &Value) -> Result<OfStream, Error> {
    let LeaveStreamRoom { stream_id } = LeaveStreamRoom::read(data)?;
    sockets.hub.leave(connection, stream_id);
    Ok(OfStream { stream_id })
}

async fn chat_message(sockets: &Sockets, connection: &Connection, data: &Value) -> Result<Said, Error> {
    let saying = Saying::read(data)?;
    if connection.user_id().is_none() {
        return Err(Error::unauthenticated());
    }
    let request = SendMessageRequest {
        stream_id: saying.stream_id.0,
        message: saying.message,
        client_message_id: saying.client_message_id,
    };
    let context = connection.context(sockets.call_timeout);
    let answer = sockets
        .peers
        .chat(&context)
        .send_message(request)
        .await
        .answer()?;
    let message = present(answer.message, "message")?;
    // Those here need not wait for the broker; when its word comes, they have it already.
    sockets.hub.posted(saying.stream_id, [Line::from(&message)]);
    Ok(Said {
        id: message.id,
        seq: message.seq,
    })
}
