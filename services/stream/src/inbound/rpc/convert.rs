//! Conversions between gRPC messages and the types of this service.

use chrono::{DateTime, Utc};
use primitives::search::parse_search_query;
use primitives::{CategoryId, FieldError, NodeName, StreamId, UserId};
use proto::stream::v1 as api;
use proto::time::timestamp;

use crate::domain::StreamStatus;
use crate::error::{Error, Result};
use crate::outbound::media_node::MediaNodes;
use crate::store::broadcasts::BroadcastView;
use crate::store::categories::{CategoryKey, CategoryRow};
use crate::store::recordings::RecordingOwner;
use crate::store::streams::{StreamSort, StreamView};

const MAX_OWNERS: usize = 1000;
const MAX_TAGS: usize = 20;

pub(super) fn stream(view: StreamView, stream_key: Option<String>, nodes: &MediaNodes) -> api::Stream {
    let StreamView {
        stream,
        owner,
        category,
    } = view;
    let playback = match (stream.is_live(), &stream.node) {
        (true, Some(node)) => nodes.playback_urls(node, &stream.playback_name),
        _ => None,
    };
    let status = match stream.status {
        StreamStatus::Live => api::StreamStatus::Live,
        StreamStatus::Ended => api::StreamStatus::Ended,
    };
    api::Stream {
        id: stream.id,
        user_id: stream.user_id,
        status: status.into(),
        start_time: stream.start_time.map(timestamp),
        end_time: stream.end_time.map(timestamp),
        viewer_count: unsigned(stream.viewer_count),
        title: stream.title,
        description: stream.description,
        thumbnail_url: stream.thumbnail_url,
        category: category.map(self::category),
        playback_urls: playback.map(|urls| api::PlaybackUrls {
            hls: urls.hls,
            dash: urls.dash,
        }),
        stream_key,
        username: owner.username,
        display_name: owner.display_name,
        created_at: Some(timestamp(stream.created_at)),
        updated_at: Some(timestamp(stream.updated_at)),
        version: stream.version,
        broadcast_id: stream.broadcast_id.unwrap_or(0),
    }
}

pub(super) fn category(row: CategoryRow) -> api::Category {
    api::Category {
        id: row.id,
        name: row.name,
        slug: row.slug,
        description: row.description,
        thumbnail_url: row.thumbnail_url,
        tags: row.tags.into_iter().flatten().collect(),
        created_at: Some(timestamp(row.created_at)),
        updated_at: Some(timestamp(row.updated_at)),
    }
}

pub(super) fn category_copy(row: CategoryRow) -> api::CategoryCopy {
    api::CategoryCopy {
        id: row.id,
        name: row.name,
        slug: row.slug,
        tags: row.tags.into_iter().flatten().collect(),
        version: row.version,
    }
}

pub(super) fn broadcast(row: BroadcastView, samples: Vec<(DateTime<Utc>, i32)>) -> api::Broadcast {
    api::Broadcast {
        id: row.id,
        started_at: Some(timestamp(row.started_at)),
        ended_at: row.ended_at.map(timestamp),
        end_reason: row
            .end_reason
            .map_or_else(String::new, |reason| reason.as_str().to_owned()),
        peak_viewers: unsigned(row.peak_viewers),
        curve: samples
            .into_iter()
            .map(|(at, viewers)| api::ViewerSample {
                at: Some(timestamp(at)),
                viewers: unsigned(viewers),
            })
            .collect(),
    }
}

pub(super) fn recording_owner(owner: RecordingOwner) -> api::RecordingOwner {
    api::RecordingOwner {
        stream_id: owner.stream_id.unwrap_or(0),
        user_id: owner.user_id,
        broadcast_id: owner.broadcast_id.unwrap_or(0),
        title: owner.title,
        description: owner.description,
        category_id: owner.category_id,
        key_fingerprint: owner.key_fingerprint,
        on_air: owner.on_air,
    }
}

/// Reports an impossible id as an unknown one.
pub(super) fn stream_id(id: i64) -> Result<StreamId> {
    StreamId::try_from(id).map_err(|_| Error::StreamNotFound)
}

pub(super) fn category_id(id: i64) -> Result<CategoryId> {
    CategoryId::try_from(id).map_err(|_| Error::CategoryNotFound)
}

pub(super) fn user_id(id: i64) -> Result<UserId> {
    UserId::try_from(id).map_err(|_| FieldError::invalid_id("userId").into())
}

pub(super) fn owners(users: api::UserIds) -> Result<Vec<i64>> {
    if users.ids.len() > MAX_OWNERS {
        return Err(FieldError::too_many("owners", MAX_OWNERS).into());
    }
    Ok(users.ids)
}

/// Parses a search query to `LIKE` patterns.
pub(super) fn patterns(query: Option<&str>) -> Result<Vec<String>> {
    Ok(query.map(parse_search_query).transpose()?.unwrap_or_default())
}

/// Tags are case-insensitive.
pub(super) fn tag(text: &str) -> Result<String> {
    Ok(primitives::text::tag(text)?.to_lowercase())
}

/// Removes duplicates.
pub(super) fn tags(tags: &[String]) -> Result<Vec<String>> {
    let mut unique = tags
        .iter()
        .map(|tag| self::tag(tag))
        .collect::<Result<Vec<_>, _>>()?;
    unique.sort();
    unique.dedup();
    if unique.len() > MAX_TAGS {
        return Err(FieldError::too_many("tags", MAX_TAGS).into());
    }
    Ok(unique)
}

/// Names of categories follow the rule of titles.
pub(super) fn new_category_name(text: &str) -> Result<String> {
    primitives::text::title(text).map_err(|error| error.at("name").into())
}

/// Parses an id, if all characters are digits, or else a slug.
pub(super) fn category_key(text: String) -> Result<CategoryKey> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text
            .parse()
            .map(CategoryKey::Id)
            .map_err(|_| Error::CategoryNotFound);
    }
    let slug = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=100).contains(&text.len()) && text.bytes().all(slug) {
        Ok(CategoryKey::Slug(text))
    } else {
        Err(Error::CategoryNotFound)
    }
}

pub(super) fn status(status: i32) -> Result<Option<StreamStatus>> {
    match api::StreamStatus::try_from(status) {
        Ok(api::StreamStatus::Unspecified) => Ok(None),
        Ok(api::StreamStatus::Live) => Ok(Some(StreamStatus::Live)),
        Ok(api::StreamStatus::Ended) => Ok(Some(StreamStatus::Ended)),
        Err(_) => Err(FieldError::not_one_of("status", &["live", "ended"]).into()),
    }
}

pub(super) fn sort(sort: i32) -> Result<StreamSort> {
    match api::StreamSort::try_from(sort) {
        Ok(api::StreamSort::Unspecified | api::StreamSort::Newest) => Ok(StreamSort::Newest),
        Ok(api::StreamSort::Viewers) => Ok(StreamSort::Viewers),
        Err(_) => Err(FieldError::not_one_of("sort", &["newest", "viewers"]).into()),
    }
}

pub(super) fn node(text: String) -> Result<NodeName> {
    NodeName::try_from(text)
        .map_err(|error| FieldError::new("node", "invalid_name", error.to_string()).into())
}

fn unsigned(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn category_key_is_an_id_or_a_slug() {
        assert!(matches!(
            category_key("12".into()),
            Ok(CategoryKey::Id(CategoryId(12)))
        ));
        assert!(matches!(
            category_key("just-chatting".into()),
            Ok(CategoryKey::Slug(_))
        ));
        for bad in ["", "0", "A", "a/b", "99999999999999999999"] {
            assert!(category_key(bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn unknown_enum_values_are_rejected() {
        assert!(status(99).is_err() && sort(99).is_err());
        assert_eq!(status(0).unwrap(), None);
        assert_eq!(sort(0).unwrap(), StreamSort::Newest);
    }
}
