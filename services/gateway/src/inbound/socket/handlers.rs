//! What each event of a client does.

use std::sync::Arc;

use domain::{Error, ErrorKind};
use identity::TokenError;
use proto::chat::v1::SendMessageRequest;
use serde_json::{Map, Value, json};

use crate::hub::connection::Connection;
use crate::hub::event::NotificationRoomJoined;
use crate::hub::line::Line;
use crate::inbound::socket::event::stream_id;
use crate::inbound::socket::{Sockets, handshake};
use crate::outbound::peers::{Answer, present};

/// What goes into the acknowledgement beside `ok`.
type Answered = Result<Map<String, Value>, Error>;

/// Does what an event asks for.
pub(super) async fn dispatch(
    sockets: &Arc<Sockets>,
    connection: &Arc<Connection>,
    name: &str,
    data: &Value,
) -> Answered {
    match name {
        "authenticate" => authenticate(sockets, connection, data).await,
        "join_notification_room" => join_notification_room(connection),
        "join_stream_room" => join_stream_room(sockets, connection, data).await,
        "leave_stream_room" => leave_stream_room(sockets, connection, data),
        "chat_message" => chat_message(sockets, connection, data).await,
        _ => Err(Error::new(
            ErrorKind::Invalid,
            "event.unknown",
            "There is no such event.",
        )),
    }
}

/// The event that tells a failure to clients that ask for no acknowledgement.
pub(super) fn error_event(name: &str) -> Option<&'static str> {
    match name {
        "join_notification_room" => Some("notification_room_join_error"),
        "join_stream_room" => Some("room_join_error"),
        "chat_message" => Some("message_error"),
        _ => None,
    }
}

async fn authenticate(sockets: &Arc<Sockets>, connection: &Arc<Connection>, data: &Value) -> Answered {
    let token = data
        .get("token")
        .and_then(Value::as_str)
        .filter(|token| !token.is_empty());
    let token = token.ok_or_else(Error::unauthenticated)?.to_owned();
    let session = handshake::sign_in(sockets, token).await?;
    let answer = fields(json!({ "userId": session.user.id, "expiresAt": session.user.expires_at }));
    sockets.hub.sign_in(connection, session)?;
    if sockets.hub.close_revoked(connection) {
        return Err(TokenError::Revoked.into());
    }
    Ok(answer)
}

fn join_notification_room(connection: &Connection) -> Answered {
    let user = connection.user_id().ok_or_else(Error::unauthenticated)?;
    let room = format!("user_{user}");
    let answer = fields(json!({ "room": room }));
    connection.emit(&NotificationRoomJoined { room });
    Ok(answer)
}

async fn join_stream_room(sockets: &Arc<Sockets>, connection: &Arc<Connection>, data: &Value) -> Answered {
    let stream = stream_id(data)?;
    let after = match data.get("afterSeq") {
        None | Some(Value::Null) => None,
        Some(value) => Some(
            value
                .as_i64()
                .filter(|seq| (0..i64::MAX).contains(seq))
                .ok_or_else(|| Error::invalid("afterSeq", "must be the number of a message"))?,
        ),
    };
    let context = connection.context(sockets.call_timeout);
    sockets
        .hub
        .join(
            connection,
            stream,
            after,
            sockets.limits.gateway_socket_rooms,
            &context,
        )
        .await?;
    Ok(fields(json!({ "streamId": stream })))
}

fn leave_stream_room(sockets: &Sockets, connection: &Connection, data: &Value) -> Answered {
    let stream = stream_id(data)?;
    sockets.hub.leave(connection, stream);
    Ok(fields(json!({ "streamId": stream })))
}

async fn chat_message(sockets: &Sockets, connection: &Connection, data: &Value) -> Answered {
    let stream = stream_id(data)?;
    if connection.user_id().is_none() {
        return Err(Error::unauthenticated());
    }
    let text = |name: &'static str| match data.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::invalid(name, "must be a text")),
    };
    let request = SendMessageRequest {
        stream_id: stream.0,
        message: text("message")?.unwrap_or_default(),
        client_message_id: text("clientMessageId")?,
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
    sockets.hub.posted(stream, [Line::from(&message)]);
    Ok(fields(json!({ "id": message.id, "seq": message.seq })))
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
