//! Pages by number, and cursors for lists that are too long for page numbers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};

use crate::field::FieldError;

/// Maximum rows of a page.
pub const MAX_LIMIT: u32 = 100;
/// Rows of a page if the client does not ask for a number.
pub const DEFAULT_LIMIT: u32 = 10;
/// The last page that has a number; later rows need a cursor.
pub const MAX_PAGE: u32 = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    pub start: PageStart,
    /// Maximum number of rows, 1 to [`MAX_LIMIT`].
    pub limit: u32,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// A page number, from 1. The answer has totals.
    Page(u32),
    /// After the row of a cursor. The answer has no totals.
    After(Cursor),
}

impl PageRequest {
    /// Validates the parameters of a request. A cursor overrides the page number.
    ///
    /// # Errors
    /// `out_of_range` for `page` or `limit`, `invalid_cursor` for `cursor`.
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

    /// Returns the first page.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self {
            start: PageStart::Page(1),
            limit,
        }
    }

    /// Returns the number of rows before the page; 0 if it has a cursor.
    #[must_use]
    pub fn offset(&self) -> u64 {
        match self.start {
            PageStart::Page(page) => u64::from(page.saturating_sub(1)) * u64::from(self.limit),
            PageStart::After(_) => 0,
        }
    }
}

/// The part of an answer that describes the list rather than the rows of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageInfo {
    /// Rows in the whole list; absent if the request had a cursor.
    pub total_items: Option<u64>,
    /// Counting stopped at its limit: the list has at least `total_items` rows.
    pub total_items_capped: bool,
    /// Where the next page begins; absent on the last page.
    pub next_cursor: Option<Cursor>,
}

/// The position of a row in a list. Clients see it as an opaque string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The value that the list is sorted by, such as a viewer count or microseconds since 1970.
    pub key: i64,
    /// The id of the row, which orders rows with equal keys.
    pub id: i64,
}

impl Cursor {
    /// Returns a position in a list that is sorted by id.
    #[must_use]
    pub fn from_id(id: i64) -> Self {
        Self { key: id, id }
    }

    /// Encodes both numbers as 22 characters of base64url.
    #[must_use]
    pub fn encode(self) -> String {
        let mut bytes = [0; 16];
        let (key, id) = bytes.split_at_mut(8);
        key.copy_from_slice(&self.key.to_be_bytes());
        id.copy_from_slice(&self.id.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the key as a time. A client may send the cursor of another list, so a key out of range becomes
    /// the first or last time of the years 1970 to 9999, which every store accepts.
    #[must_use]
    pub fn time(self) -> DateTime<Utc> {
        const LAST: i64 = 253_402_300_799_000_000;
        DateTime::from_timestamp_micros(self.key.clamp(0, LAST)).unwrap_or_default()
    }

    /// Decodes what [`Cursor::encode`] returned.
    ///
    /// # Errors
    /// `invalid_cursor` for any other text.
    pub fn decode(text: &str) -> Result<Self, FieldError> {
        let invalid = || FieldError::new("cursor", "invalid_cursor", "is not a valid cursor");
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
        fn cursor_round_trip(key: i64, id: i64) {
            let cursor = Cursor { key, id };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
            let time = cursor.time();
            prop_assert!((1970..10_000).contains(&time.year()));
            prop_assert!(time.year() < 9999 || key >= time.timestamp_micros());
        }

        #[test]
        fn decoder_accepts_only_what_the_encoder_returns(text: String) {
            if let Ok(cursor) = Cursor::decode(&text) {
                prop_assert_eq!(cursor.encode(), text);
            }
        }

        /// Every valid request is accepted as given, and every other one names the field that is wrong.
        #[test]
        fn page_and_limit_have_bounds(page: Option<u32>, limit in prop::option::of(0..200_u32)) {
            match PageRequest::parse(page, limit, None) {
                Ok(request) => {
                    prop_assert_eq!(request.limit, limit.unwrap_or(DEFAULT_LIMIT));
                    prop_assert_eq!(request.start, PageStart::Page(page.unwrap_or(1)));
                    prop_assert!(request.offset() <= u64::from((MAX_PAGE - 1) * MAX_LIMIT));
                }
                Err(field) if field.path == "limit" => {
                    prop_assert!(limit.is_some_and(|limit| !(1..=MAX_LIMIT).contains(&limit)));
                }
                Err(field) => {
                    prop_assert_eq!(field.path, "page");
                    prop_assert!(page.is_some_and(|page| !(1..=MAX_PAGE).contains(&page)));
                }
            }
        }
    }

    #[test]
    fn absent_parameters_take_their_defaults() {
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
