use primitives::PageRequest;
use primitives::page::PageStart;
use proto::common::v1::PageInfo;
use serde::Serialize;
use utoipa::ToSchema;

/// What is said beside the rows of a page: totals when it went by number, and where the next page begins.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Totals)]
pub(in crate::inbound::rest) struct TotalsShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    total_items: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_pages: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_page: Option<u32>,
    /// There are at least `totalItems`; nobody counted on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    total_items_capped: bool,
    /// For the parameter `cursor`; absent at the end.
    #[serde(skip_serializing_if = "String::is_empty")]
    next_cursor: String,
}

impl TotalsShape {
    pub(in crate::inbound::rest) fn new(page: &PageRequest, info: Option<PageInfo>) -> Self {
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

    pub(in crate::inbound::rest) fn total_items(&self) -> Option<u64> {
        self.total_items
    }
}
