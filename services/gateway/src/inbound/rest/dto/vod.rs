use chrono::{DateTime, Utc};
use proto::time::datetime;
use proto::vod::v1 as vod;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Totals;
use crate::inbound::field::{
    BodyId, CategoryChoice, Description, Flag, Id, ObjectKey, SearchQuery, Tag, Title,
};
use crate::outbound::people::{Found, Person};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct VodFilter {
    #[param(inline)]
    pub user_id: Option<Id>,
    #[param(inline)]
    pub category_id: Option<Id>,
    #[param(inline)]
    pub stream_id: Option<Id>,
}

/// A search for VODs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct VodSearchQuery {
    /// Words, or parts of words with at least three letters
    #[param(inline)]
    pub search_query: Option<SearchQuery>,
    /// A tag of the category
    #[param(inline)]
    pub tag: Option<Tag>,
    /// The whole username, in any case
    pub uploader_username: Option<String>,
}

/// A new VOD.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewVod {
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

/// An update of a VOD; absent fields stay the same.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VodFields {
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

/// An object of the bucket to import as a VOD.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VodImport {
    /// An object in the folder `imports/` of the deployment's prefix, such as `imports/2026/talk.mp4`.
    #[schema(inline)]
    pub object_key: ObjectKey,
    /// 3 to 255 characters.
    #[schema(inline)]
    pub title: Title,
    /// Up to 5,000 characters.
    #[serde(default)]
    #[schema(inline)]
    pub description: Description,
    /// An id, as a number or as digits.
    #[serde(default)]
    #[schema(inline)]
    pub category_id: CategoryChoice,
    /// The owner of the VOD; the caller by default.
    #[schema(inline)]
    pub user_id: Option<BodyId>,
}

/// A video on demand.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Vod {
    pub id: i64,
    /// The stream that was recorded; null for an upload.
    pub stream_id: Option<i64>,
    pub user_id: i64,
    pub user: Person,
    pub title: String,
    pub description: String,
    /// `processing`, `ready` or `failed`.
    pub status: &'static str,
    /// Only for the owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// A presigned URL, valid until `urlExpiresAt`; null until the VOD is ready.
    pub video_url: Option<String>,
    pub url_expires_at: Option<DateTime<Utc>>,
    pub thumbnail_url: Option<String>,
    pub thumbnail_url_expires_at: Option<DateTime<Utc>>,
    pub category_id: Option<i64>,
    pub category: Option<VodCategory>,
    pub duration_seconds: f64,
    pub view_count: u64,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct VodCategory {
    pub id: i64,
    pub name: String,
    pub slug: String,
}

impl From<vod::VodCategory> for VodCategory {
    fn from(category: vod::VodCategory) -> Self {
        Self {
            id: category.id,
            name: category.name,
            slug: category.slug,
        }
    }
}

impl Vod {
    pub fn new(vod: vod::Vod, people: &Found) -> Self {
        let status = match vod.status() {
            vod::VodStatus::Ready => "ready",
            vod::VodStatus::Failed => "failed",
            vod::VodStatus::Processing | vod::VodStatus::Unspecified => "processing",
        };
        Self {
            status,
            url_expires_at: datetime(vod.url_expires_at.as_ref()),
            thumbnail_url_expires_at: datetime(vod.thumbnail_url_expires_at.as_ref()),
            created_at: datetime(vod.created_at.as_ref()),
            updated_at: datetime(vod.updated_at.as_ref()),
            user: Person::owner(people, vod.user_id, vod.username, vod.display_name),
            id: vod.id,
            stream_id: vod.stream_id,
            user_id: vod.user_id,
            title: vod.title,
            description: vod.description,
            failure_reason: vod.failure_reason,
            video_url: vod.video_url,
            thumbnail_url: vod.thumbnail_url,
            category_id: vod.category.as_ref().map(|category| category.id),
            category: vod.category.map(VodCategory::from),
            duration_seconds: vod.duration_seconds,
            view_count: vod.view_count,
        }
    }
}

/// A VOD.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneVod {
    pub vod: Vod,
}

/// A new VOD.
#[derive(Debug, Serialize, ToSchema)]
pub struct VodCreated {
    /// An English sentence.
    pub message: &'static str,
    pub vod: Vod,
}

/// A page of VODs.
#[derive(Debug, Serialize, ToSchema)]
pub struct VodList {
    pub vods: Vec<Vod>,
    #[serde(flatten)]
    pub totals: Totals,
}

/// Search results, with the criteria.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VodSearch {
    #[serde(flatten)]
    pub found: VodList,
    pub search_criteria: VodCriteria,
}

/// The criteria of a search.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VodCriteria {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uploader_username: Option<String>,
}
