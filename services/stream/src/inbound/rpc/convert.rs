//! Between the messages and our types.

use chrono::{DateTime, Utc};
use primitives::search::parse_search_query;
use primitives::{CategoryId, FieldError, StreamId, UserId};
use proto::stream::v1 as api;
use proto::time::timestamp;

use crate::config::is_node_name;
use crate::error::{Error, Result};
use crate::outbound::media_node::MediaNodes;
use crate::store::broadcasts::BroadcastView;
use crate::store::categories::{CategoryName, CategoryRow};
use crate::store::recordings::Resolved;
use crate::store::streams::{Sort, StreamView};

/// Users in one question for their streams.
const MOST_OWNERS: usize = 1000;
/// Tags of a category.
const MOST_TAGS: usize = 20;

pub(super) fn stream(view: StreamView, stream_key: Option<String>, nodes: &MediaNodes) -> api::Stream {
    let StreamView {
        stream,
        owner,
        category,
    } = view;
    let playback = match (stream.is_live(), &stream.node) {
        (true, Some(node)) => nodes.playback(node, &stream.playback_name),
        _ => None,
    };
    let status = if stream.is_live() {
        api::StreamStatus::Live
    } else {
        api::StreamStatus::Ended
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

pub(super) fn copy(row: CategoryRow) -> api::CategoryCopy {
    api::CategoryCopy {
        id: row.id,
        name: row.name,
        slug: row.slug,
        tags: row.tags.into_iter().flatten().collect(),
        version: row.version,
    }
}

pub(super) fn broadcast(row: BroadcastView, curve: Vec<(DateTime<Utc>, i32)>) -> api::Broadcast {
    api::Broadcast {
        id: row.id,
        started_at: Some(timestamp(row.started_at)),
        ended_at: row.ended_at.map(timestamp),
        end_reason: row.end_reason.unwrap_or_default(),
        peak_viewers: unsigned(row.peak_viewers),
        curve: curve
            .into_iter()
            .map(|(at, viewers)| api::ViewerSample {
                at: Some(timestamp(at)),
                viewers: unsigned(viewers),
            })
            .collect(),
    }
}

pub(super) fn recording_owner(resolved: Resolved) -> api::RecordingOwner {
    let Resolved {
        broadcast,
        key_fingerprint,
        on_air,
    } = resolved;
    api::RecordingOwner {
        stream_id: broadcast.stream_id.unwrap_or(0),
        user_id: broadcast.user_id,
        broadcast_id: broadcast.broadcast_id,
        title: broadcast.title,
        description: broadcast.description,
        category_id: broadcast.category_id,
        key_fingerprint,
        on_air,
    }
}

/// An id that cannot exist is one that does not.
pub(super) fn stream_id(id: i64) -> Result<StreamId> {
    StreamId::try_from(id).map_err(|_| Error::StreamNotFound)
}

pub(super) fn category_id(id: i64) -> Result<CategoryId> {
    CategoryId::try_from(id).map_err(|_| Error::CategoryNotFound)
}

pub(super) fn user_id(id: i64) -> Result<UserId> {
    UserId::try_from(id).map_err(|_| FieldError::invalid_id("userId").into())
}

/// Users whose streams are asked for.
pub(super) fn owners(users: api::UserIds) -> Result<Vec<i64>> {
    if users.ids.len() > MOST_OWNERS {
        return Err(FieldError::too_many("owners", MOST_OWNERS).into());
    }
    Ok(users.ids)
}

/// What is searched for; words without a letter or a digit find nothing.
pub(super) fn patterns(query: Option<&str>) -> Result<Vec<String>> {
    Ok(query.map(parse_search_query).transpose()?.unwrap_or_default())
}

/// A tag is the same without case.
pub(super) fn tag(text: &str) -> Result<String> {
    Ok(primitives::text::tag(text)?.to_lowercase())
}

/// The tags of a category, each once.
pub(super) fn tags(tags: &[String]) -> Result<Vec<String>> {
    let mut checked = tags
        .iter()
        .map(|tag| self::tag(tag))
        .collect::<Result<Vec<_>, _>>()?;
    checked.sort();
    checked.dedup();
    if checked.len() > MOST_TAGS {
        return Err(FieldError::too_many("tags", MOST_TAGS).into());
    }
    Ok(checked)
}

/// A category's name is as long as a stream's title.
pub(super) fn new_category_name(text: &str) -> Result<String> {
    primitives::text::title(text).map_err(|error| error.at("name").into())
}

pub(super) fn category_name(text: String) -> Result<CategoryName> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text
            .parse()
            .map(CategoryName::Id)
            .map_err(|_| Error::CategoryNotFound);
    }
    let slug = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=100).contains(&text.len()) && text.bytes().all(slug) {
        Ok(CategoryName::Slug(text))
    } else {
        Err(Error::CategoryNotFound)
    }
}

pub(super) fn live(status: i32) -> Result<Option<bool>> {
    match api::StreamStatus::try_from(status) {
        Ok(api::StreamStatus::Unspecified) => Ok(None),
        Ok(api::StreamStatus::Live) => Ok(Some(true)),
        Ok(api::StreamStatus::Ended) => Ok(Some(false)),
        Err(_) => Err(FieldError::new("status", "unknown", "is unknown").into()),
    }
}

pub(super) fn sort(sort: i32) -> Result<Sort> {
    match api::StreamSort::try_from(sort) {
        Ok(api::StreamSort::Unspecified | api::StreamSort::Newest) => Ok(Sort::Newest),
        Ok(api::StreamSort::Viewers) => Ok(Sort::Viewers),
        Err(_) => Err(FieldError::new("sort", "unknown", "is unknown").into()),
    }
}

pub(super) fn node(text: String) -> Result<String> {
    if is_node_name(&text) {
        Ok(text)
    } else {
        Err(FieldError::new("node", "invalid", "is not a node's name").into())
    }
}

fn unsigned(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_named_by_id_or_slug() {
        assert!(matches!(
            category_name("12".into()),
            Ok(CategoryName::Id(CategoryId(12)))
        ));
        assert!(matches!(
            category_name("just-chatting".into()),
            Ok(CategoryName::Slug(_))
        ));
        for bad in ["", "0", "A", "a/b", "99999999999999999999"] {
            assert!(category_name(bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn unknown_enumerators_are_refused() {
        assert!(live(99).is_err() && sort(99).is_err());
        assert_eq!(live(0).unwrap(), None);
        assert_eq!(sort(0).unwrap(), Sort::Newest);
    }
}
