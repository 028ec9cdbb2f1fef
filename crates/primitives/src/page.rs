//! Pages by number, and cursors for lists that grow without end.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};

use crate::field::FieldError;

/// Most rows on a page.
pub const MAX_LIMIT: u32 = 100;
/// Rows on a page when the caller does not say.
pub const DEFAULT_LIMIT: u32 = 10;
/// The last page by number; deeper pages go by cursor.
pub const MAX_PAGE: u32 = 1000;

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Where it begins.
    pub start: PageStart,
    /// Rows on the page, 1 to [`MAX_LIMIT`].
    pub limit: u32,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// A page by number, from 1; answered with totals.
    Page(u32),
    /// After the row that a cursor names; answered without totals.
    After(Cursor),
}

impl PageRequest {
    /// Checks a request as it came from outside; absent values take their defaults.
    ///
    /// # Errors
    /// The field that is out of its range, or a cursor that we did not make.
    pub fn parse(page: Option<u32>, limit: Option<u32>, cursor: Option<&str>) -> Result<Self, FieldError> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(FieldError::out_of_range("limit", 1, MAX_LIMIT));
        }
        let page = page.unwrap_or(1);
        if !(1..=MAX_PAGE).contains(&page) {
            return Err(FieldError::out_of_range("page", 1, MAX_PAGE));
        }
        let cursor = cursor.map(Cursor::decode).transpose()?;
        let start = cursor.map_or(PageStart::Page(page), PageStart::After);
        Ok(Self { start, limit })
    }

    /// The first page.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self {
            start: PageStart::Page(1),
            limit,
        }
    }

    /// Rows before the page; 0 when it goes by cursor.
    #[must_use]
    pub fn offset(&self) -> u64 {
        match self.start {
            PageStart::Page(page) => u64::from(page.saturating_sub(1)) * u64::from(self.limit),
            PageStart::After(_) => 0,
        }
    }
}

/// What is said beside the rows of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageInfo {
    /// Rows in the whole list; absent when the page went by cursor.
    pub total_items: Option<u64>,
    /// The total stopped at its bound.
    pub total_items_capped: bool,
    /// Where the next page begins; absent at the end.
    pub next_cursor: Option<Cursor>,
}

/// The sort key and id of a row. Opaque to clients: base64url of the two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// What the list is sorted by, such as microseconds since 1970 or viewers.
    pub key: i64,
    /// Decides between rows of the same key.
    pub id: i64,
}

impl Cursor {
    /// Of a list that is sorted by its ids alone.
    #[must_use]
    pub fn of_id(id: i64) -> Self {
        Self { key: id, id }
    }

    /// The text that clients hand back.
    #[must_use]
    pub fn encode(self) -> String {
        let mut bytes = [0; 16];
        let (key, id) = bytes.split_at_mut(8);
        key.copy_from_slice(&self.key.to_be_bytes());
        id.copy_from_slice(&self.id.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The key as a time. A cursor of another list may hold anything; one that no calendar knows is before or
    /// after all rows.
    #[must_use]
    pub fn time(self) -> DateTime<Utc> {
        // PostgreSQL's own range is wider.
        const LAST: i64 = 253_402_300_799_000_000;
        DateTime::from_timestamp_micros(self.key.clamp(0, LAST)).unwrap_or_default()
    }

    /// Reads a text that [`Cursor::encode`] made.
    ///
    /// # Errors
    /// Anything else.
    pub fn decode(text: &str) -> Result<Self, FieldError> {
        let invalid = || FieldError::new("cursor", "invalid_cursor", "is not a cursor of this list");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let bytes: [u8; 16] = bytes.try_into().map_err(|_| invalid())?;
        let both = u128::from_be_bytes(bytes);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "each half of the 128 bits is one number"
        )]
        #[expect(clippy::cast_possible_wrap, reason = "the bits are those of an i64")]
        let (key, id) = ((both >> 64) as u64 as i64, both as u64 as i64);
        Ok(Self { key, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Datelike;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_went(key: i64, id: i64) {
            let cursor = Cursor { key, id };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
            let time = cursor.time();
            prop_assert!((1970..10_000).contains(&time.year()));
            prop_assert!(time.year() < 9999 || key > time.timestamp_micros() || key == time.timestamp_micros());
        }

        #[test]
        fn no_text_breaks_the_decoder(text: String) {
            if let Ok(cursor) = Cursor::decode(&text) {
                prop_assert_eq!(cursor.encode(), text);
            }
        }
    }

    #[test]
    fn a_page_has_bounds() {
        assert_eq!(
            PageRequest::parse(None, None, None),
            Ok(PageRequest {
                start: PageStart::Page(1),
                limit: DEFAULT_LIMIT
            })
        );
        assert_eq!(
            PageRequest::parse(Some(3), Some(20), None).map(|p| p.offset()),
            Ok(40)
        );
        for (page, limit, cursor) in [
            (Some(0), None, None),
            (None, Some(0), None),
            (None, Some(101), None),
            (Some(u32::MAX), None, None),
            (None, None, Some("x")),
        ] {
            assert!(
                PageRequest::parse(page, limit, cursor).is_err(),
                "{page:?} {limit:?} {cursor:?}"
            );
        }
    }
}
