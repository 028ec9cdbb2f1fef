use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::event::ChatMessage;
use crate::inbound::field::{ChatText, ClientMessageId, Id, Limit, PageNumber, Seq};

/// The path of a chat room.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct ByRoom {
    #[param(inline)]
    pub stream_id: Id,
}

/// The path of a user in a chat room.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct ByRoomUser {
    #[param(inline)]
    pub stream_id: Id,
    #[param(inline)]
    pub user_id: Id,
}

/// The path of a message.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub struct ByMessage {
    #[param(inline)]
    pub stream_id: Id,
    pub message_id: String,
}

/// A page of messages, or those next to a sequence number.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessageQuery {
    #[serde(default)]
    #[param(inline)]
    pub page: PageNumber,
    #[serde(default)]
    #[param(inline)]
    pub limit: Limit,
    /// Returns the newest messages below this sequence number
    #[param(inline)]
    pub before: Option<Seq>,
    /// Returns the oldest messages above this sequence number
    #[param(inline)]
    pub after: Option<Seq>,
}

/// A message to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendMessage {
    /// 1 to 500 characters.
    #[schema(inline)]
    pub message: ChatText,
    /// Makes a retry safe: a message with the same id is sent once.
    #[schema(inline)]
    pub client_message_id: Option<ClientMessageId>,
}

/// Messages of a room, oldest first. Only pages by number have totals.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatPage {
    pub message: &'static str,
    pub data: Vec<ChatMessage>,
    /// There are more messages in the requested direction.
    pub truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_messages: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_pages: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_page: Option<u32>,
}

/// A message that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatSent {
    pub message: &'static str,
    pub data: ChatMessage,
}
