//! Page requests and page infos as messages.
//!
//! Protobuf has no absent number, so a `page` or `limit` of 0 takes its default.

use primitives::page::PageStart;
use primitives::{Cursor, FieldError};

use crate::common::v1::{PageInfo, PageRequest};

/// Reads a page request; an absent message is the first page.
///
/// # Errors
/// A page or limit out of range, or an invalid cursor.
pub fn parse(message: Option<PageRequest>) -> Result<primitives::PageRequest, FieldError> {
    let message = message.unwrap_or_default();
    let given = |number: u32| (number > 0).then_some(number);
    primitives::PageRequest::parse(
        given(message.page),
        given(message.limit),
        message.cursor.as_deref(),
    )
}

/// Writes a page request.
#[must_use]
pub fn message(request: &primitives::PageRequest) -> PageRequest {
    let (page, cursor) = match request.start {
        PageStart::Page(page) => (page, None),
        PageStart::After(cursor) => (0, Some(cursor.encode())),
    };
    PageRequest {
        page,
        limit: request.limit,
        cursor,
    }
}

/// Writes what is known of a list beyond the rows of one page; the last page has an empty `next_cursor`.
#[must_use]
pub fn info(info: primitives::PageInfo) -> PageInfo {
    PageInfo {
        total_items: info.total_items,
        total_items_capped: info.total_items_capped,
        next_cursor: info.next_cursor.map(Cursor::encode).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use primitives::page::{MAX_LIMIT, MAX_PAGE};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn absent_page_is_the_first() {
        let first = primitives::PageRequest::parse(None, None, None);
        assert_eq!(parse(None), first);
        assert_eq!(parse(Some(PageRequest::default())), first);
    }

    proptest! {
        #[test]
        fn request_round_trip(page in 1..=MAX_PAGE, limit in 1..=MAX_LIMIT, after: Option<(i64, i64)>) {
            let start = match after {
                Some((key, id)) => PageStart::After(Cursor { key, id }),
                None => PageStart::Page(page),
            };
            let request = primitives::PageRequest { start, limit };
            prop_assert_eq!(parse(Some(message(&request))), Ok(request));
        }

        #[test]
        fn any_message_is_a_valid_request_or_a_field_error(page: u32, limit: u32, cursor: Option<String>) {
            match parse(Some(PageRequest { page, limit, cursor })) {
                Ok(request) => prop_assert!((1..=MAX_LIMIT).contains(&request.limit)),
                Err(field) => prop_assert!(["page", "limit", "cursor"].contains(&field.path.as_ref())),
            }
        }
    }
}
