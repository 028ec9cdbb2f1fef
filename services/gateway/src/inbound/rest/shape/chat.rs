use serde::Serialize;
use utoipa::ToSchema;

use crate::hub::line::Line;

/// Messages of a room, oldest first. Totals come with pages by number only.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatPage)]
pub(in crate::inbound::rest) struct ChatPageShape {
    pub(in crate::inbound::rest) message: &'static str,
    pub(in crate::inbound::rest) data: Vec<Line>,
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
    pub(in crate::inbound::rest) data: Line,
}
