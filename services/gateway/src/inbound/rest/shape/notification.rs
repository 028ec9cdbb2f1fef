use chrono::{DateTime, Utc};
use proto::notification::v1::Notification;
use proto::time::datetime;
use serde::Serialize;
use utoipa::ToSchema;

use crate::inbound::rest::shape::TotalsShape;

/// A notification.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Notification)]
pub(in crate::inbound::rest) struct NotificationShape {
    id: i64,
    /// `new_follower`, `stream_started` or `new_vod`.
    #[serde(rename = "type")]
    kind: String,
    message: String,
    is_read: bool,
    related_entity_id: i64,
    /// `user`, `stream` or `vod`.
    related_entity_type: String,
    created_at: Option<DateTime<Utc>>,
}

impl From<Notification> for NotificationShape {
    fn from(notification: Notification) -> Self {
        Self {
            created_at: datetime(notification.created_at.as_ref()),
            id: notification.id,
            kind: notification.r#type,
            message: notification.message,
            is_read: notification.is_read,
            related_entity_id: notification.related_entity_id,
            related_entity_type: notification.related_entity_type,
        }
    }
}

/// The caller's notifications, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationList)]
pub(in crate::inbound::rest) struct NotificationListShape {
    pub(in crate::inbound::rest) notifications: Vec<NotificationShape>,
    #[serde(flatten)]
    pub(in crate::inbound::rest) totals: TotalsShape,
}

/// How many are unread.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Unread)]
pub(in crate::inbound::rest) struct UnreadShape {
    pub(in crate::inbound::rest) unread_count: u64,
}

/// Some were read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Read)]
pub(in crate::inbound::rest) struct ReadShape {
    pub(in crate::inbound::rest) success: bool,
    pub(in crate::inbound::rest) affected_count: u64,
    /// The one that was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::inbound::rest) notification: Option<NotificationShape>,
}
