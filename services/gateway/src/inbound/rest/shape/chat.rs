use chrono::{DateTime, Utc};
use proto::chat::v1::Message;
use proto::time::datetime;
use serde::Serialize;
use utoipa::ToSchema;

/// A chat message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatMessage)]
pub(in crate::inbound::rest) struct ChatMessageShape {
    id: String,
    /// Its place in the room's sequence.
    seq: i64,
    stream_id: i64,
    user_id: i64,
    username: String,
    message: String,
    timestamp: Option<DateTime<Utc>>,
}

impl From<Message> for ChatMessageShape {
    fn from(message: Message) -> Self {
        Self {
            timestamp: datetime(message.timestamp.as_ref()),
            id: message.id,
            seq: message.seq,
            stream_id: message.stream_id,
            user_id: message.user_id,
            username: message.username,
            message: message.message,
        }
    }
}

/// Messages of a room, oldest first. Totals come with pages by number only.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatPage)]
pub(in crate::inbound::rest) struct ChatPageShape {
    pub(in crate::inbound::rest) message: &'static str,
    pub(in crate::inbound::rest) data: Vec<ChatMessageShape>,
    /// There are more in the direction asked for.
    pub(in crate::inbound::rest) truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::inbound::rest) total_messages: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::inbound::rest) total_pages: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::inbound::rest) current_page: Option<u32>,
}

/// A message that was sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChatSent)]
pub(in crate::inbound::rest) struct SentShape {
    pub(in crate::inbound::rest) message: &'static str,
    pub(in crate::inbound::rest) data: ChatMessageShape,
}
