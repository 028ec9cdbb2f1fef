//! What clients may say: their events, the data of each, and what goes into its acknowledgement.
//! `/asyncapi.json` describes the same.

use chrono::{DateTime, Utc};
use primitives::{Error, FieldError, StreamId, UserId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::hub::event::id;
use crate::inbound::socket::event::{described_stream_id, stream_id};

/// An event of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientEvent {
    Authenticate,
    JoinNotificationRoom,
    JoinStreamRoom,
    LeaveStreamRoom,
    ChatMessage,
}

impl ClientEvent {
    pub(super) const ALL: [Self; 5] = [
        Self::Authenticate,
        Self::JoinNotificationRoom,
        Self::JoinStreamRoom,
        Self::LeaveStreamRoom,
        Self::ChatMessage,
    ];

    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::JoinNotificationRoom => "join_notification_room",
            Self::JoinStreamRoom => "join_stream_room",
            Self::LeaveStreamRoom => "leave_stream_room",
            Self::ChatMessage => "chat_message",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }

    /// The event that tells a failure to clients that ask for no acknowledgement.
    pub(super) fn failure(self) -> Option<&'static str> {
        match self {
            Self::JoinNotificationRoom => Some("notification_room_join_error"),
            Self::JoinStreamRoom => Some("room_join_error"),
            Self::ChatMessage => Some("message_error"),
            Self::Authenticate | Self::LeaveStreamRoom => None,
        }
    }
}

/// Signs the socket in, for the first time or with the next token.
#[derive(ToSchema)]
pub(super) struct Authenticate {
    /// An access token.
    #[schema(min_length = 1)]
    pub(super) token: String,
}

/// Asks for the user's notifications. Has no data.
#[derive(ToSchema)]
pub(super) struct JoinNotificationRoom;

/// Comes into the room of a stream that is live. A socket that is in it already gets the history again.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct JoinStreamRoom {
    #[schema(schema_with = described_stream_id)]
    pub(super) stream_id: StreamId,
    /// The `seq` of the last message that the client has: the history is of the next 500. Without it, of the
    /// newest 20.
    #[schema(minimum = 0)]
    pub(super) after_seq: Option<i64>,
}

/// Leaves the room of a stream.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct LeaveStreamRoom {
    #[schema(schema_with = described_stream_id)]
    pub(super) stream_id: StreamId,
}

/// Says something in the room of a stream.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct Saying {
    #[schema(schema_with = described_stream_id)]
    pub(super) stream_id: StreamId,
    /// 1 to 500 characters, at most 2 KiB.
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]*$"
    )]
    pub(super) message: String,
    /// Makes a retry safe: the same id is the same message.
    #[schema(min_length = 1, max_length = 64, pattern = "^[ -~]*$")]
    pub(super) client_message_id: Option<String>,
}

impl Authenticate {
    pub(super) fn read(data: &Value) -> Result<Self, Error> {
        let token = data.get("token").and_then(Value::as_str);
        let token = token.filter(|token| !token.is_empty());
        Ok(Self {
            token: token.ok_or_else(Error::unauthenticated)?.to_owned(),
        })
    }
}

impl JoinStreamRoom {
    pub(super) fn read(data: &Value) -> Result<Self, Error> {
        let stream_id = stream_id(data)?;
        let invalid = || {
            Error::from(FieldError::new(
                "afterSeq",
                "invalid",
                "must be the number of a message",
            ))
        };
        let after_seq = match data.get("afterSeq") {
            None | Some(Value::Null) => None,
            Some(value) => {
                let seq = value.as_i64().filter(|seq| (0..i64::MAX).contains(seq));
                Some(seq.ok_or_else(invalid)?)
            }
        };
        Ok(Self { stream_id, after_seq })
    }
}

impl LeaveStreamRoom {
    pub(super) fn read(data: &Value) -> Result<Self, Error> {
        stream_id(data).map(|stream_id| Self { stream_id })
    }
}

impl Saying {
    pub(super) fn read(data: &Value) -> Result<Self, Error> {
        let text = |name: &'static str| match data.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Error::from(FieldError::new(name, "invalid", "must be a text"))),
        };
        Ok(Self {
            stream_id: stream_id(data)?,
            message: text("message")?.unwrap_or_default(),
            client_message_id: text("clientMessageId")?,
        })
    }
}

/// Who the socket is now, and until when.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authenticated {
    #[schema(schema_with = id)]
    pub(super) user_id: UserId,
    pub(super) expires_at: DateTime<Utc>,
}

/// The stream that was asked for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfStream {
    #[schema(schema_with = id)]
    pub(super) stream_id: StreamId,
}

/// The message is stored.
#[derive(Serialize, ToSchema)]
pub(super) struct Said {
    pub(super) id: String,
    /// Its place in the room's sequence.
    #[schema(minimum = 1)]
    pub(super) seq: i64,
}

/// Why an event was not done.
#[derive(Serialize, ToSchema)]
pub(super) struct Failure<'a> {
    /// Stable.
    #[schema(pattern = "^[a-z_]+\\.[a-z_]+$")]
    code: &'a str,
    /// One sentence for a person.
    message: &'a str,
}

impl<'a> From<&'a Error> for Failure<'a> {
    fn from(error: &'a Error) -> Self {
        Self {
            code: &error.code,
            message: &error.detail,
        }
    }
}
