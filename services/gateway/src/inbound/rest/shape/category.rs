use chrono::{DateTime, Utc};
use proto::stream::v1::Category;
use proto::time::datetime;
use serde::Serialize;
use utoipa::ToSchema;

use crate::inbound::rest::shape::TotalsShape;

/// A category of streams and VODs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Category)]
pub(in crate::inbound::rest) struct CategoryShape {
    id: i64,
    name: String,
    slug: String,
    description: String,
    thumbnail_url: Option<String>,
    tags: Vec<String>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

impl From<Category> for CategoryShape {
    fn from(category: Category) -> Self {
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

/// Categories.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CategoryList)]
pub(in crate::inbound::rest) struct CategoryListShape {
    pub(in crate::inbound::rest) categories: Vec<CategoryShape>,
    #[serde(flatten)]
    pub(in crate::inbound::rest) totals: TotalsShape,
}
