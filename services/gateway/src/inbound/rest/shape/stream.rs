use chrono::{DateTime, Utc};
use proto::stream::v1::{Broadcast, PlaybackUrls, PublishRefusal, Stream, StreamStatus, ViewerSample};
use proto::time::datetime;
use serde::Serialize;
use utoipa::ToSchema;

use crate::inbound::rest::shape::{CategoryShape, Found, PersonShape, TotalsShape};

/// A stream: a title, a key and a chat room that outlive each time on air.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Stream)]
pub(in crate::inbound::rest) struct StreamShape {
    id: i64,
    user_id: i64,
    title: String,
    description: String,
    /// `live` or `ended`.
    status: &'static str,
    start_time: Option<DateTime<Utc>>,
    /// When media stopped.
    end_time: Option<DateTime<Utc>>,
    /// Distinct viewers now.
    current_viewer_count: u32,
    thumbnail_url: Option<String>,
    /// Only while live.
    playback_urls: Option<PlaybackShape>,
    user: PersonShape,
    category_id: Option<i64>,
    category: Option<CategoryShape>,
    /// For the encoder, as one text; only for the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_key: Option<String>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

/// Absolute addresses of what is on air.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlaybackUrls)]
pub(in crate::inbound::rest) struct PlaybackShape {
    hls: String,
    dash: String,
}

impl From<PlaybackUrls> for PlaybackShape {
    fn from(urls: PlaybackUrls) -> Self {
        Self {
            hls: urls.hls,
            dash: urls.dash,
        }
    }
}

impl StreamShape {
    pub(in crate::inbound::rest) fn new(stream: Stream, people: &Found) -> Self {
        let status = if stream.status() == StreamStatus::Live {
            "live"
        } else {
            "ended"
        };
        let found = people.get(&stream.user_id);
        Self {
            status,
            start_time: datetime(stream.start_time.as_ref()),
            end_time: datetime(stream.end_time.as_ref()),
            created_at: datetime(stream.created_at.as_ref()),
            updated_at: datetime(stream.updated_at.as_ref()),
            user: PersonShape::owner(found, stream.user_id, stream.username, stream.display_name),
            id: stream.id,
            user_id: stream.user_id,
            title: stream.title,
            description: stream.description,
            current_viewer_count: stream.viewer_count,
            thumbnail_url: stream.thumbnail_url,
            playback_urls: stream.playback_urls.map(PlaybackShape::from),
            category_id: stream.category.as_ref().map(|category| category.id),
            category: stream.category.map(CategoryShape::from),
            stream_key: stream.stream_key,
        }
    }
}

/// One stream. The RTMP address is only for the owner.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OneStream)]
pub(in crate::inbound::rest) struct OneStreamShape {
    pub(in crate::inbound::rest) stream: StreamShape,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::inbound::rest) rtmp_url: Option<String>,
}

/// A stream that has just been made, with what its encoder needs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatedStream)]
pub(in crate::inbound::rest) struct CreatedStreamShape {
    #[serde(flatten)]
    pub(in crate::inbound::rest) stream: StreamShape,
    /// The encoder's server.
    pub(in crate::inbound::rest) rtmp_url: String,
}

/// The answer to the making of a stream.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StreamCreated)]
pub(in crate::inbound::rest) struct StreamCreatedShape {
    pub(in crate::inbound::rest) success: bool,
    pub(in crate::inbound::rest) message: &'static str,
    pub(in crate::inbound::rest) data: CreatedStreamShape,
}

/// A stream to which something was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StreamData)]
pub(in crate::inbound::rest) struct StreamDataShape {
    pub(in crate::inbound::rest) success: bool,
    pub(in crate::inbound::rest) message: &'static str,
    pub(in crate::inbound::rest) data: StreamShape,
}

/// A new key; the one before it is dead.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Key)]
pub(in crate::inbound::rest) struct KeyShape {
    pub(in crate::inbound::rest) success: bool,
    pub(in crate::inbound::rest) message: &'static str,
    pub(in crate::inbound::rest) stream_key: String,
    pub(in crate::inbound::rest) rtmp_url: String,
}

/// Streams.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StreamList)]
pub(in crate::inbound::rest) struct StreamListShape {
    pub(in crate::inbound::rest) streams: Vec<StreamShape>,
    /// Equal to `totalItems`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::inbound::rest) total_streams: Option<u64>,
    #[serde(flatten)]
    pub(in crate::inbound::rest) totals: TotalsShape,
}

/// Streams that were found, and what was looked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StreamSearch)]
pub(in crate::inbound::rest) struct StreamSearchShape {
    #[serde(flatten)]
    pub(in crate::inbound::rest) found: StreamListShape,
    pub(in crate::inbound::rest) search_criteria: StreamCriteriaShape,
}

/// What was looked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StreamCriteria)]
pub(in crate::inbound::rest) struct StreamCriteriaShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::inbound::rest) search_query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::inbound::rest) tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::inbound::rest) streamer_username: Option<String>,
}

/// One time on air.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Broadcast)]
pub(in crate::inbound::rest) struct BroadcastShape {
    id: i64,
    started_at: Option<DateTime<Utc>>,
    /// Absent while on air.
    ended_at: Option<DateTime<Utc>>,
    /// Such as `publisher_gone`; empty while on air.
    end_reason: String,
    peak_viewers: u32,
    /// Viewers by minute.
    curve: Vec<SampleShape>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ViewerSample)]
struct SampleShape {
    at: Option<DateTime<Utc>>,
    viewers: u32,
}

impl From<ViewerSample> for SampleShape {
    fn from(sample: ViewerSample) -> Self {
        Self {
            at: datetime(sample.at.as_ref()),
            viewers: sample.viewers,
        }
    }
}

impl From<Broadcast> for BroadcastShape {
    fn from(broadcast: Broadcast) -> Self {
        Self {
            id: broadcast.id,
            started_at: datetime(broadcast.started_at.as_ref()),
            ended_at: datetime(broadcast.ended_at.as_ref()),
            end_reason: broadcast.end_reason,
            peak_viewers: broadcast.peak_viewers,
            curve: broadcast.curve.into_iter().map(SampleShape::from).collect(),
        }
    }
}

/// Why an encoder was turned away.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PublishRefusal)]
pub(in crate::inbound::rest) struct RefusalShape {
    at: Option<DateTime<Utc>>,
    /// Such as `already_live` or `wrong_key`.
    reason: String,
}

impl From<PublishRefusal> for RefusalShape {
    fn from(refusal: PublishRefusal) -> Self {
        Self {
            at: datetime(refusal.at.as_ref()),
            reason: refusal.reason,
        }
    }
}

/// A stream's times on air.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BroadcastList)]
pub(in crate::inbound::rest) struct BroadcastListShape {
    pub(in crate::inbound::rest) broadcasts: Vec<BroadcastShape>,
    /// The latest refusals, newest first; only for the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::inbound::rest) refusals: Option<Vec<RefusalShape>>,
    #[serde(flatten)]
    pub(in crate::inbound::rest) totals: TotalsShape,
}
