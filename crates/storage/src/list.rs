//! A page of a list and the length of the whole list, in one statement.
//!
//! A service says which rows belong to the list and how the rows of one page are read, with what stands
//! beside them ([`List::new`]). The statement between the two finds the page's ids by their sort key. Only
//! plain expressions of diesel are used, no literal SQL: such a statement is prepared once for a connection.

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

/// How the whole list is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Not at all.
    No,
    /// It was counted shortly before.
    Known(i64),
    /// Every row.
    All,
    /// No further than this. When there are no more, the page is taken from the rows that were counted, so a
    /// search looks once for what it finds.
    UpTo(i64),
}

/// What a list is sorted by, beside the id; the greatest comes first unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// A `timestamptz`.
    Time,
    /// An `integer`.
    Number,
    /// Nothing: the id is the key, selected twice.
    Id,
    /// The same, but the smallest comes first.
    AscendingId,
}

/// One page of a list. Load it as pairs of a row and the number of rows in the list.
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

/// The last row before the page.
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
    /// `matching` selects the sort key and the id of each row of the list, in no order. `rows` selects pairs,
    /// whose second is [`Total`], where [`in_page`] holds for the id, in the order of the list.
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

/// A page of rows with what is said beside them, when it is read.
pub type Loading<'a, T> = Pin<Box<dyn Future<Output = QueryResult<(Vec<T>, PageInfo)>> + Send + 'a>>;

/// Reads a page. `list` makes the statement for a page; `cursor` names a row. The future is boxed, for the
/// compiler cannot see that one with a statement in it may change threads.
///
/// # Errors
/// The database's.
pub fn load<'a, T, M, R>(
    conn: &'a mut AsyncPgConnection,
    request: PageRequest,
    list: impl Fn(PageRequest) -> List<M, R> + Send + 'a,
    cursor: impl FnOnce(&T) -> Cursor + Send + 'a,
) -> Loading<'a, T>
where
    T: Send + 'a,
    M: Send,
    R: Send,
    List<M, R>: LoadQuery<'a, AsyncPgConnection, (T, i64)> + 'a,
{
    Box::pin(async move {
        let here = list(request);
        let count = here.count;
        let fetched: Vec<(T, i64)> = here.load(conn).await?;
        if fetched.is_empty() && request.offset() > 0 {
            // Beyond the end there is no row to carry the total.
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
    /// Of a list that is short for each caller, or rarely asked for: counted with each page that has a
    /// number.
    #[must_use]
    pub fn always(page: PageRequest) -> Self {
        match page.start {
            PageStart::Page(_) => Self::All,
            PageStart::After(_) => Self::No,
        }
    }

    fn info(self, request: PageRequest, total: i64, next_cursor: Option<Cursor>) -> PageInfo {
        let most = match self {
            Self::UpTo(most) => most,
            Self::No | Self::Known(_) | Self::All => i64::MAX,
        };
        let told = matches!(request.start, PageStart::Page(_));
        PageInfo {
            total_items: told.then(|| u64::try_from(total.min(most)).unwrap_or(0)),
            total_items_capped: told && total > most,
            next_cursor,
        }
    }
}

/// A pattern of SQL's LIKE that the planner does not look into. It would make a plan for each pattern anew,
/// which takes as long as the search.
#[auto_type(no_type_alias)]
pub fn opaque_pattern(pattern: String) -> _ {
    let pattern: AsExprOf<String, Text> = pattern.into_sql::<Text>();
    diesel::dsl::select(pattern).single_value()
}
