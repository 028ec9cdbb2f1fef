use chrono::{DateTime, Utc};
use proto::stream::v1 as stream;
use proto::time::datetime;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Category, Totals};
use crate::inbound::field::{
    CategoryChoice, Description, Flag, Id, SearchQuery, StreamSortName, StreamStatusName, Tag, Title,
};
use crate::outbound::people::{Found, Person};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct StreamFilter {
    /// live or ended
    #[param(inline)]
    pub status: Option<StreamStatusName>,
    #[param(inline)]
    pub category_id: Option<Id>,
    #[param(inline)]
    pub user_id: Option<Id>,
    /// Only streams of users that the caller follows (the 1,000 followed last)
    #[param(inline)]
    pub following: Option<Flag>,
    /// newest or viewers
    #[param(inline)]
    pub sort: Option<StreamSortName>,
}

/// A search for streams.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct StreamSearchQuery {
    /// Words, or parts of words with at least three letters
    #[param(inline)]
    pub search_query: Option<SearchQuery>,
    /// A tag of the category
    #[param(inline)]
    pub tag: Option<Tag>,
    /// The whole username, in any case
    pub streamer_username: Option<String>,
}

/// A new stream.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewStream {
    /// 3 to 255 characters.
    #[schema(inline)]
    pub title: Title,
    /// Up to 5,000 characters.
    #[schema(inline)]
    pub description: Option<Description>,
    /// An id, as a number or as digits.
    #[serde(default)]
    #[schema(inline)]
    pub category_id: CategoryChoice,
}

/// An update of a stream; absent fields stay the same.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamFields {
    /// 3 to 255 characters.
    #[schema(inline)]
    pub title: Option<Title>,
    /// Up to 5,000 characters.
    #[schema(inline)]
    pub description: Option<Description>,
    /// An id, as a number or as digits; null or an empty text removes the category.
    #[serde(default)]
    #[schema(inline)]
    pub category_id: CategoryChoice,
    /// Removes the thumbnail.
    #[serde(default)]
    #[schema(inline)]
    pub remove_thumbnail: Flag,
}

/// A stream: a title, a stream key and a chat room, which outlive each broadcast.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stream {
    pub id: i64,
    pub user_id: i64,
    pub title: String,
    pub description: String,
    /// `live` or `ended`.
    pub status: &'static str,
    pub start_time: Option<DateTime<Utc>>,
    /// When the video stopped.
    pub end_time: Option<DateTime<Utc>>,
    pub current_viewer_count: u32,
    pub thumbnail_url: Option<String>,
    /// Null unless the stream is live.
    pub playback_urls: Option<PlaybackUrls>,
    pub user: Person,
    pub category_id: Option<i64>,
    pub category: Option<Category>,
    /// For the encoder, as one text; only for the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_key: Option<String>,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
}

/// Absolute URLs of the playlists.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaybackUrls {
    pub hls: String,
    pub dash: String,
}

impl From<stream::PlaybackUrls> for PlaybackUrls {
    fn from(urls: stream::PlaybackUrls) -> Self {
        Self {
            hls: urls.hls,
            dash: urls.dash,
        }
    }
}

impl Stream {
    pub fn new(stream: stream::Stream, people: &Found) -> Self {
        let status = match stream.status() {
            stream::StreamStatus::Live => "live",
            stream::StreamStatus::Ended | stream::StreamStatus::Unspecified => "ended",
        };
        Self {
            status,
            start_time: datetime(stream.start_time.as_ref()),
            end_time: datetime(stream.end_time.as_ref()),
            created_at: datetime(stream.created_at.as_ref()),
            updated_at: datetime(stream.updated_at.as_ref()),
            user: Person::owner(people, stream.user_id, stream.username, stream.display_name),
            id: stream.id,
            user_id: stream.user_id,
            title: stream.title,
            description: stream.description,
            current_viewer_count: stream.viewer_count,
            thumbnail_url: stream.thumbnail_url,
            playback_urls: stream.playback_urls.map(PlaybackUrls::from),
            category_id: stream.category.as_ref().map(|category| category.id),
            category: stream.category.map(Category::from),
            stream_key: stream.stream_key,
        }
    }
}

/// A stream. The RTMP URL is only for the owner.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OneStream {
    pub stream: Stream,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtmp_url: Option<String>,
}

/// A new stream, with what its encoder needs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedStream {
    #[serde(flatten)]
    pub stream: Stream,
    /// The server of the encoder.
    pub rtmp_url: String,
}

/// The answer to a created stream.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamCreated {
    pub success: bool,
    pub message: &'static str,
    pub data: CreatedStream,
}

/// The answer to a changed stream.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamData {
    pub success: bool,
    pub message: &'static str,
    pub data: Stream,
}

/// A new stream key; the old one is revoked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    pub success: bool,
    pub message: &'static str,
    pub stream_key: String,
    pub rtmp_url: String,
}

/// A page of streams.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamList {
    pub streams: Vec<Stream>,
    /// Equal to `totalItems`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_streams: Option<u64>,
    #[serde(flatten)]
    pub totals: Totals,
}

/// Search results, with the criteria.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamSearch {
    #[serde(flatten)]
    pub found: StreamList,
    pub search_criteria: StreamCriteria,
}

/// The criteria of a search.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamCriteria {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streamer_username: Option<String>,
}
