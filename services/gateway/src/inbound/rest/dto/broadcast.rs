use chrono::{DateTime, Utc};
use proto::stream::v1 as stream;
use proto::time::datetime;
use serde::Serialize;
use utoipa::ToSchema;

use super::Totals;

/// A broadcast: one time on air.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Broadcast {
    pub id: i64,
    pub started_at: Option<DateTime<Utc>>,
    /// Absent while on air.
    pub ended_at: Option<DateTime<Utc>>,
    /// Such as `publisher_gone`; empty while on air.
    pub end_reason: String,
    pub peak_viewers: u32,
    /// Viewers per minute.
    pub curve: Vec<ViewerSample>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ViewerSample {
    pub at: Option<DateTime<Utc>>,
    pub viewers: u32,
}

impl From<stream::ViewerSample> for ViewerSample {
    fn from(sample: stream::ViewerSample) -> Self {
        Self {
            at: datetime(sample.at.as_ref()),
            viewers: sample.viewers,
        }
    }
}

impl From<stream::Broadcast> for Broadcast {
    fn from(broadcast: stream::Broadcast) -> Self {
        Self {
            id: broadcast.id,
            started_at: datetime(broadcast.started_at.as_ref()),
            ended_at: datetime(broadcast.ended_at.as_ref()),
            end_reason: broadcast.end_reason,
            peak_viewers: broadcast.peak_viewers,
            curve: broadcast.curve.into_iter().map(ViewerSample::from).collect(),
        }
    }
}

/// A refused publish.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublishRejection {
    pub at: Option<DateTime<Utc>>,
    /// Such as `already_live` or `wrong_key`.
    pub reason: String,
}

impl From<stream::PublishRejection> for PublishRejection {
    fn from(rejection: stream::PublishRejection) -> Self {
        Self {
            at: datetime(rejection.at.as_ref()),
            reason: rejection.reason,
        }
    }
}

/// The broadcasts of a stream.
#[derive(Debug, Serialize, ToSchema)]
pub struct BroadcastList {
    pub broadcasts: Vec<Broadcast>,
    /// The latest publish rejections, newest first; only for the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusals: Option<Vec<PublishRejection>>,
    #[serde(flatten)]
    pub totals: Totals,
}
