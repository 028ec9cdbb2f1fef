//! The events that clients send. Each is declared once: its name, its data, and the reply in its
//! acknowledgement. The fields check themselves when they are read and describe the same bounds in
//! `/asyncapi.json`.

use chrono::{DateTime, Utc};
use primitives::{Error, ErrorKind, FieldError, StreamId, UserId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::event::{NotificationRoomJoined, id};
use crate::inbound::field::{self, AccessToken, ChatText, ClientMessageId, LastSeq, ReadError, StreamRef};

/// Visits the types of every client event.
pub(super) trait ClientEventVisitor {
    fn visit<Data: ToSchema, Reply: ToSchema>(&mut self, event: ClientEvent);
}

/// Declares client events: name, type of the data, type of the reply. `or` names the event that reports an
/// error to clients that request no acknowledgement.
macro_rules! client_events {
    (@error) => { None };
    (@error $error:literal) => { Some($error) };
    ($($name:literal $event:ident -> $reply:ident $(or $error:literal)?;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum ClientEvent { $($event,)* }

        impl ClientEvent {
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$event => $name,)* }
            }

            pub(super) fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$event),)*
                    _ => None,
                }
            }

            pub(super) fn error_event(self) -> Option<&'static str> {
                match self { $(Self::$event => client_events!(@error $($error)?),)* }
            }
        }

        /// Calls the visitor with every client event.
        pub(super) fn visit_all(visitor: &mut impl ClientEventVisitor) {
            $(visitor.visit::<$event, $reply>(ClientEvent::$event);)*
        }
    };
}

client_events! {
    "authenticate" Authenticate -> Authenticated;
    "join_notification_room" JoinNotificationRoom -> NotificationRoomJoined or "notification_room_join_error";
    "join_stream_room" JoinStreamRoom -> StreamRoom or "room_join_error";
    "leave_stream_room" LeaveStreamRoom -> StreamRoom;
    "chat_message" SendMessage -> MessageSent or "message_error";
}

/// Signs in on the socket, or renews its token.
#[derive(Deserialize, ToSchema)]
pub(super) struct Authenticate {
    /// An access token.
    #[schema(inline)]
    pub(super) token: AccessToken,
}

/// Subscribes to the user's notifications. Has no data.
#[derive(ToSchema)]
pub(super) struct JoinNotificationRoom;

/// Joins the chat room of a live stream. A socket that is already in the room gets the history again.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JoinStreamRoom {
    #[schema(inline)]
    pub(super) stream_id: StreamRef,
    /// The `seq` of the last message that the client has. The history then contains up to 500 messages after
    /// it; otherwise the newest 20.
    #[serde(default)]
    #[schema(inline)]
    pub(super) after_seq: LastSeq,
}

/// Leaves the chat room of a stream.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LeaveStreamRoom {
    #[schema(inline)]
    pub(super) stream_id: StreamRef,
}

/// Sends a message to the chat room of a stream.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendMessage {
    #[schema(inline)]
    pub(super) stream_id: StreamRef,
    /// 1 to 500 characters and at most 2 KiB.
    #[schema(inline)]
    pub(super) message: ChatText,
    /// Makes a retry safe: a message with the same id is stored once.
    #[schema(inline)]
    pub(super) client_message_id: Option<ClientMessageId>,
}

/// The signed-in user, and when the token expires.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authenticated {
    #[schema(schema_with = id)]
    pub(super) user_id: UserId,
    pub(super) expires_at: DateTime<Utc>,
}

/// The stream whose room was joined or left.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamRoom {
    #[schema(schema_with = id)]
    pub(super) stream_id: StreamId,
}

/// The message was stored.
#[derive(Serialize, ToSchema)]
pub(super) struct MessageSent {
    pub(super) id: String,
    /// Its sequence number in the room.
    #[schema(minimum = 1)]
    pub(super) seq: i64,
}

/// Why an event was rejected.
#[derive(Serialize, ToSchema)]
pub(super) struct EventError<'a> {
    /// Stable.
    #[schema(pattern = "^[a-z_]+\\.[a-z_]+$")]
    code: &'a str,
    /// One English sentence.
    message: &'a str,
}

impl<'a> From<&'a Error> for EventError<'a> {
    fn from(error: &'a Error) -> Self {
        Self {
            code: &error.code,
            message: &error.detail,
        }
    }
}

/// Reads the data of an event.
pub(super) fn read<T: DeserializeOwned>(data: &Value) -> Result<T, Error> {
    // Without an object, all fields are missing.
    let empty = json!({});
    let fields = if data.is_object() { data } else { &empty };
    field::read(fields).map_err(|error| match error {
        ReadError::Syntax => Error::new(ErrorKind::Invalid, "event.malformed", "The event is malformed."),
        ReadError::Field(field) => error_of(field),
    })
}

fn error_of(field: FieldError) -> Error {
    match (field.path.as_ref(), field.code.as_ref()) {
        ("streamId", "required") => {
            Error::new(ErrorKind::Invalid, "stream.id_required", "Stream ID is required.")
        }
        ("streamId", _) => Error::new(ErrorKind::NotFound, "stream.not_found", "Stream not found."),
        ("token", _) => Error::unauthenticated(),
        _ => field.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_id_is_a_number_or_digits() {
        let stream_id = |data: &Value| read::<LeaveStreamRoom>(data).map(|data| data.stream_id.0);
        assert_eq!(stream_id(&json!({"streamId": 7})), Ok(StreamId(7)));
        assert_eq!(stream_id(&json!({"streamId": "7"})), Ok(StreamId(7)));
        for missing in [
            json!(null),
            json!({}),
            json!({"streamId": null}),
            json!({"streamId": ""}),
            json!("7"),
        ] {
            let error = stream_id(&missing).unwrap_err();
            assert_eq!(error.detail, "Stream ID is required.", "{missing}");
        }
        for bad in [
            json!(0),
            json!(-1),
            json!(1.5),
            json!("07"),
            json!(true),
            json!("a".repeat(1000)),
        ] {
            let error = stream_id(&json!({"streamId": bad})).unwrap_err();
            assert_eq!(error.detail, "Stream not found.", "{bad}");
        }
    }

    #[test]
    fn invalid_fields_are_rejected() {
        let join = |after: Value| {
            let data = json!({"streamId": 1, "afterSeq": after});
            read::<JoinStreamRoom>(&data).map(|data| data.after_seq.0)
        };
        assert_eq!((join(json!(null)), join(json!(0))), (Ok(None), Ok(Some(0))));
        for bad in [json!(-1), json!("x"), json!(1.5), json!(i64::MAX)] {
            assert_eq!(join(bad.clone()).unwrap_err().code, "request.invalid", "{bad}");
        }
        for bad in [
            json!({}),
            json!({"token": null}),
            json!({"token": ""}),
            json!({"token": 1}),
        ] {
            let error = read::<Authenticate>(&bad).err();
            assert_eq!(error, Some(Error::unauthenticated()), "{bad}");
        }
    }
}
