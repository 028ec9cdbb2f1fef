use chrono::{DateTime, Utc};
use proto::stream::v1 as stream;
use proto::time::datetime;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Totals;
use crate::inbound::field::{CategoryName, Description, Flag, Tag, Tags};

/// The path of a category.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ByCategory {
    /// Id or slug
    pub category: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CategorySearch {
    /// The whole tag, in any case
    #[param(inline)]
    pub tag: Tag,
}

/// A new category.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewCategory {
    /// 3 to 255 characters. The slug, which names the category in URLs, is derived from it.
    #[schema(inline)]
    pub name: CategoryName,
    /// Up to 5,000 characters.
    #[schema(inline)]
    pub description: Option<Description>,
    /// At most 20 tags of 1 to 30 characters, separated by commas or as an array.
    #[schema(inline, required = false)]
    pub tags: Option<Tags>,
}

/// An update of a category; absent fields stay the same.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryFields {
    /// 3 to 255 characters. The slug, which names the category in URLs, is derived from it.
    #[schema(inline)]
    pub name: Option<CategoryName>,
    /// Up to 5,000 characters.
    #[schema(inline)]
    pub description: Option<Description>,
    /// At most 20 tags of 1 to 30 characters, separated by commas or as an array.
    #[schema(inline)]
    pub tags: Option<Tags>,
    /// Removes the thumbnail.
    #[serde(default)]
    #[schema(inline)]
    pub remove_thumbnail: Flag,
}

/// A category of streams and VODs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Category {
    pub id: i64,
    /// The English name.
    pub name: String,
    /// Names the category in URLs. The slugs of the built-in categories never change, so clients can
    /// translate them.
    pub slug: String,
    pub description: String,
    pub thumbnail_url: Option<String>,
    pub tags: Vec<String>,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
}

impl From<stream::Category> for Category {
    fn from(category: stream::Category) -> Self {
        Self {
            created_at: datetime(category.created_at.as_ref()),
            updated_at: datetime(category.updated_at.as_ref()),
            id: category.id,
            name: category.name,
            slug: category.slug,
            description: category.description,
            thumbnail_url: category.thumbnail_url,
            tags: category.tags,
        }
    }
}

/// A page of categories.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryList {
    pub categories: Vec<Category>,
    #[serde(flatten)]
    pub totals: Totals,
}
