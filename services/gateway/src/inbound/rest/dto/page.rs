use primitives::PageRequest;
use primitives::page::PageStart;
use proto::common::v1::PageInfo;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::inbound::field::{Cursor, Id, Limit, PageNumber};

/// A page of a list, by number or by cursor.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    #[serde(default)]
    #[param(inline)]
    pub page: PageNumber,
    #[serde(default)]
    #[param(inline)]
    pub limit: Limit,
    #[param(inline)]
    pub cursor: Option<Cursor>,
}

impl From<PageQuery> for PageRequest {
    fn from(query: PageQuery) -> Self {
        let by_number = PageStart::Page(query.page.0);
        Self {
            start: query
                .cursor
                .map_or(by_number, |cursor| PageStart::After(cursor.0)),
            limit: query.limit.0,
        }
    }
}

/// The path of something that is named by `id`.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ById {
    #[param(inline)]
    pub id: Id,
}

/// Totals of a page by number, and the place where the next page begins.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_items: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_pages: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_page: Option<u32>,
    /// Counting stopped at `totalItems`; there may be more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub total_items_capped: bool,
    /// For the parameter `cursor`; absent at the end.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub next_cursor: String,
}

impl Totals {
    pub fn new(page: &PageRequest, info: Option<PageInfo>) -> Self {
        let info = info.unwrap_or_default();
        let (total_items, current_page) = match page.start {
            PageStart::Page(number) => (Some(info.total_items.unwrap_or_default()), Some(number)),
            PageStart::After(_) => (None, None),
        };
        Self {
            total_items,
            total_pages: total_items.map(|total| total.div_ceil(u64::from(page.limit))),
            current_page,
            total_items_capped: info.total_items_capped && total_items.is_some(),
            next_cursor: info.next_cursor,
        }
    }
}

/// A confirmation.
#[derive(Debug, Serialize, ToSchema)]
pub struct Done {
    pub success: bool,
    /// An English sentence.
    pub message: &'static str,
}

impl Done {
    pub fn new(message: &'static str) -> Self {
        Self {
            success: true,
            message,
        }
    }
}
