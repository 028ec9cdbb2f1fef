//! A notification as clients get it, over REST and over sockets.

use chrono::{DateTime, Utc};
use proto::notification::v1 as notification;
use proto::time::datetime;
use serde::Serialize;
use utoipa::ToSchema;

use crate::outbound::people::{Found, Person};

/// A notification. Clients may build their own sentence from `type`, `actor` and `subject`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewNotification)]
pub(crate) struct Notification {
    pub(crate) id: i64,
    /// `new_follower`, `stream_started` or `new_vod`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The notification as an English sentence.
    pub(crate) message: String,
    /// Who caused it: the follower, the streamer or the uploader. Null if the account was deleted.
    #[schema(required)]
    pub(crate) actor: Option<Person>,
    /// The stream or VOD that it is about; null for a new follower.
    #[schema(required)]
    pub(crate) subject: Option<Subject>,
    pub(crate) related_entity_id: i64,
    /// `user`, `stream` or `vod`.
    pub(crate) related_entity_type: String,
    #[schema(required)]
    pub(crate) created_at: Option<DateTime<Utc>>,
}

/// A stream or VOD as it was when the notification was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Subject {
    pub(crate) id: i64,
    pub(crate) title: String,
}

impl From<notification::Subject> for Subject {
    fn from(subject: notification::Subject) -> Self {
        Self {
            id: subject.id,
            title: subject.title,
        }
    }
}

impl Notification {
    pub(crate) fn new(notification: notification::Notification, people: &Found) -> Self {
        Self {
            actor: people.get(&notification.actor_id).cloned(),
            subject: notification.subject.map(Subject::from),
            created_at: datetime(notification.created_at.as_ref()),
            id: notification.id,
            kind: notification.r#type,
            message: notification.message,
            related_entity_id: notification.related_entity_id,
            related_entity_type: notification.related_entity_type,
        }
    }
}
