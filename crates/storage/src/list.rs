//! Reads a page of a list and the length of the whole list in one statement.
//!
//! A service provides two queries ([`List::new`]): one selects the sort key and id of every row of the list,
//! the other reads the rows of one page with everything that is joined to them. The statement around both
//! finds the ids of the page. The queries consist of Diesel expressions without literal SQL, so PostgreSQL
//! prepares each statement once per connection.

use std::pin::Pin;

use chrono::{DateTime, Utc};
use diesel::dsl::{AsExprOf, auto_type};
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::methods::LoadQuery;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::page::PageStart;
use primitives::{Cursor, PageInfo, PageRequest};

mod statement;
mod totals;

pub use statement::{InPage, Total, in_page};
pub use totals::Totals;

/// How to count the whole list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    No,
    /// The length is known from a recent count.
    Known(i64),
    All,
    /// Up to this many rows. If there are no more, the page is taken from the counted rows, so that a search
    /// runs only once.
    UpTo(i64),
}

/// The sort order of a list: by this key and then by id, both descending unless noted otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// A `timestamptz`.
    Time,
    /// An `integer`.
    Number,
    /// The id itself, which the query selects twice.
    Id,
    /// The id itself, ascending.
    AscendingId,
}

/// The statement for one page. Loads pairs of a row and the length of the list.
#[derive(Debug, Clone)]
pub struct List<M, R> {
    matching: M,
    rows: R,
    key: SortKey,
    count: Count,
    after: Option<After>,
    limit: u32,
    offset: i64,
}

/// The position of the last row before the page.
#[derive(Debug, Clone, Copy)]
struct After {
    key: KeyValue,
    id: i64,
}

#[derive(Debug, Clone, Copy)]
enum KeyValue {
    Time(DateTime<Utc>),
    Number(i32),
    Id,
}

impl<M, R> List<M, R> {
    /// Creates the statement. `matching` selects the sort key and id of every row of the list, in any order.
    /// `rows` selects pairs of a row and [`Total`], filtered by [`in_page`] and in the order of the list.
    pub fn new(matching: M, rows: R, key: SortKey, count: Count, page: PageRequest) -> Self {
        let after = match page.start {
            PageStart::Page(_) => None,
            PageStart::After(cursor) => Some(After::new(key, cursor)),
        };
        Self {
            matching,
            rows,
            key,
            count,
            after,
            limit: page.limit,
            offset: i64::try_from(page.offset()).unwrap_or(i64::MAX),
        }
    }
}

impl After {
    fn new(key: SortKey, cursor: Cursor) -> Self {
        let value = match key {
            SortKey::Time => KeyValue::Time(cursor.time()),
            SortKey::Number => KeyValue::Number(i32::try_from(cursor.key).unwrap_or(i32::MAX)),
            SortKey::Id | SortKey::AscendingId => KeyValue::Id,
        };
        Self {
            key: value,
            id: cursor.id,
        }
    }
}

/// The future of [`load`].
pub type PageFuture<'a, T> = Pin<Box<dyn Future<Output = QueryResult<(Vec<T>, PageInfo)>> + Send + 'a>>;

/// Reads a page. `list` creates the statement of a page, `cursor` returns the position of a row.
///
/// The future is boxed, because the compiler cannot prove that it is `Send` while it contains a statement.
pub fn load<'a, T, M, R>(
    conn: &'a mut AsyncPgConnection,
    request: PageRequest,
    list: impl Fn(PageRequest) -> List<M, R> + Send + 'a,
    cursor: impl FnOnce(&T) -> Cursor + Send + 'a,
) -> PageFuture<'a, T>
where
    T: Send + 'a,
    M: Send,
    R: Send,
    List<M, R>: LoadQuery<'a, AsyncPgConnection, (T, i64)> + 'a,
{
    Box::pin(async move {
        let statement = list(request);
        let count = statement.count;
        let fetched: Vec<(T, i64)> = statement.load(conn).await?;
        if fetched.is_empty() && request.offset() > 0 {
            // Beyond the last page no row carries the total, so the first page provides it.
            let first: Vec<(T, i64)> = list(PageRequest::first(1)).load(conn).await?;
            let total = first.as_slice().first().map_or(0, |(_, total)| *total);
            return Ok((Vec::new(), count.info(request, total, None)));
        }
        let total = fetched.as_slice().first().map_or(0, |(_, total)| *total);
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let more = fetched.len() > limit;
        let rows: Vec<T> = fetched.into_iter().map(|(row, _)| row).take(limit).collect();
        let next_cursor = rows.last().filter(|_| more).map(cursor);
        Ok((rows, count.info(request, total, next_cursor)))
    })
}

impl Count {
    /// Counts all rows with each page that has a number. For lists that are short or rarely read.
    #[must_use]
    pub fn always(page: PageRequest) -> Self {
        match page.start {
            PageStart::Page(_) => Self::All,
            PageStart::After(_) => Self::No,
        }
    }

    fn info(self, request: PageRequest, total: i64, next_cursor: Option<Cursor>) -> PageInfo {
        let max = match self {
            Self::UpTo(max) => max,
            Self::No | Self::Known(_) | Self::All => i64::MAX,
        };
        let has_totals = matches!(request.start, PageStart::Page(_));
        PageInfo {
            total_items: has_totals.then(|| u64::try_from(total.min(max)).unwrap_or(0)),
            total_items_capped: has_totals && total > max,
            next_cursor,
        }
    }
}

/// Hides a `LIKE` pattern from the planner, in a subquery. Otherwise PostgreSQL would plan the statement for
/// each pattern, which takes as long as the search itself.
#[auto_type(no_type_alias)]
pub fn opaque_pattern(pattern: String) -> _ {
    let pattern: AsExprOf<String, Text> = pattern.into_sql::<Text>();
    diesel::dsl::select(pattern).single_value()
}
