use proto::notification::v1 as notification;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Totals;
use crate::inbound::field::Flag;
use crate::outbound::notification::Notification;
use crate::outbound::people::Found;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct NotificationFilter {
    #[param(inline)]
    pub is_read: Option<Flag>,
}

/// A notification in the caller's list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Notification)]
pub struct ListedNotification {
    #[serde(flatten)]
    pub notification: Notification,
    pub is_read: bool,
}

impl ListedNotification {
    pub fn new(notification: notification::Notification, people: &Found) -> Self {
        Self {
            is_read: notification.is_read,
            notification: Notification::new(notification, people),
        }
    }
}

/// The caller's notifications, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationList {
    pub notifications: Vec<ListedNotification>,
    #[serde(flatten)]
    pub totals: Totals,
}

/// The number of unread notifications.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    pub unread_count: u64,
}

/// Notifications that were marked as read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Read {
    pub success: bool,
    pub affected_count: u64,
    /// The notification, if the request named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification: Option<ListedNotification>,
}
