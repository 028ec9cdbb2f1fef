use chrono::{DateTime, Utc};
use proto::time::datetime;
use proto::vod::v1::{Vod, VodCategory, VodStatus};
use serde::Serialize;
use utoipa::ToSchema;

use crate::inbound::rest::shape::{Found, PersonShape, TotalsShape};

/// A video on demand.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Vod)]
pub(in crate::inbound::rest) struct VodShape {
    id: i64,
    /// The stream that it was recorded from; null for an upload.
    stream_id: Option<i64>,
    user_id: i64,
    user: PersonShape,
    title: String,
    description: String,
    /// `processing`, `ready` or `failed`.
    status: &'static str,
    /// Only for the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<String>,
    /// Presigned, until `urlExpiresAt`; null until ready.
    video_url: Option<String>,
    url_expires_at: Option<DateTime<Utc>>,
    thumbnail_url: Option<String>,
    thumbnail_url_expires_at: Option<DateTime<Utc>>,
    category_id: Option<i64>,
    category: Option<VodCategoryShape>,
    duration_seconds: f64,
    view_count: u64,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VodCategory)]
struct VodCategoryShape {
    id: i64,
    name: String,
    slug: String,
}

impl From<VodCategory> for VodCategoryShape {
    fn from(category: VodCategory) -> Self {
        Self {
            id: category.id,
            name: category.name,
            slug: category.slug,
        }
    }
}

impl VodShape {
    pub(in crate::inbound::rest) fn new(vod: Vod, people: &Found) -> Self {
        let status = match vod.status() {
            VodStatus::Ready => "ready",
            VodStatus::Failed => "failed",
            VodStatus::Processing | VodStatus::Unspecified => "processing",
        };
        let found = people.get(&vod.user_id);
        Self {
            status,
            url_expires_at: datetime(vod.url_expires_at.as_ref()),
            thumbnail_url_expires_at: datetime(vod.thumbnail_url_expires_at.as_ref()),
            created_at: datetime(vod.created_at.as_ref()),
            updated_at: datetime(vod.updated_at.as_ref()),
            user: PersonShape::owner(found, vod.user_id, vod.username, vod.display_name),
            id: vod.id,
            stream_id: vod.stream_id,
            user_id: vod.user_id,
            title: vod.title,
            description: vod.description,
            failure_reason: vod.failure_reason,
            video_url: vod.video_url,
            thumbnail_url: vod.thumbnail_url,
            category_id: vod.category.as_ref().map(|category| category.id),
            category: vod.category.map(VodCategoryShape::from),
            duration_seconds: vod.duration_seconds,
            view_count: vod.view_count,
        }
    }
}

/// One VOD.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OneVod)]
pub(in crate::inbound::rest) struct OneVodShape {
    pub(in crate::inbound::rest) vod: VodShape,
}

/// A VOD that is new.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VodCreated)]
pub(in crate::inbound::rest) struct VodCreatedShape {
    /// A sentence for people.
    pub(in crate::inbound::rest) message: &'static str,
    pub(in crate::inbound::rest) vod: VodShape,
}

/// VODs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VodList)]
pub(in crate::inbound::rest) struct VodListShape {
    pub(in crate::inbound::rest) vods: Vec<VodShape>,
    #[serde(flatten)]
    pub(in crate::inbound::rest) totals: TotalsShape,
}

/// VODs that were found, and what was looked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VodSearch)]
pub(in crate::inbound::rest) struct VodSearchShape {
    #[serde(flatten)]
    pub(in crate::inbound::rest) found: VodListShape,
    pub(in crate::inbound::rest) search_criteria: VodCriteriaShape,
}

/// What was looked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VodCriteria)]
pub(in crate::inbound::rest) struct VodCriteriaShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::inbound::rest) search_query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::inbound::rest) tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::inbound::rest) uploader_username: Option<String>,
}
