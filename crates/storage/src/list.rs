//! A page of a list and the length of the whole list, in one statement.
//!
//! A service says which rows belong to the list and how the rows of one page are read, with what stands beside them
//! ([`List::new`]). The statement between the two finds the page's ids by their sort key. Only plain expressions of diesel are used,
//! no literal SQL: such a statement is prepared once for a connection.

use std::pin::Pin;

use chrono::{DateTime, Utc};
use diesel::dsl::{AsExprOf, auto_type};
use diesel::expression::ValidGrouping;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Integer, Text, Timestamptz};
use diesel_async::methods::LoadQuery;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::page::PageStart;
use domain::{Cursor, PageInfo, PageRequest};

mod totals;

pub use totals::Totals;

diesel::postfix_operator!(InPage, " IN (SELECT page.id FROM page)", Bool, backend: Pg);

/// Rows that are read at once: the limit of a page is rounded up to one of these, so that there are few statements to prepare. One
/// more than a page has says whether another follows.
const FETCHED: [u32; 4] = [11, 21, 51, 101];

/// How the whole list is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Not at all.
    No,
    /// It was counted shortly before.
    Known(i64),
    /// Every row.
    All,
    /// No further than this. When there are no more, the page is taken from the rows that were counted, so a search looks once for
    /// what it finds.
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
    RisingId,
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

#[derive(Debug, Clone, Copy)]
enum After {
    Time(DateTime<Utc>, i64),
    Number(i32, i64),
    Id(i64),
    RisingId(i64),
}

impl<M, R> List<M, R> {
    /// `matching` selects the sort key and the id of each row of the list, in no order. `rows` selects pairs, whose second is
    /// [`Total`], where [`in_page`] holds for the id, in the order of the list.
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

    fn fetched(&self) -> u32 {
        let enough = FETCHED.into_iter().find(|rows| *rows > self.limit);
        enough.unwrap_or(self.limit.saturating_add(1))
    }
}

impl After {
    fn new(key: SortKey, cursor: Cursor) -> Self {
        match key {
            SortKey::Time => Self::Time(cursor.time(), cursor.id),
            SortKey::Id => Self::Id(cursor.id),
            SortKey::RisingId => Self::RisingId(cursor.id),
            SortKey::Number => Self::Number(i32::try_from(cursor.key).unwrap_or(i32::MAX), cursor.id),
        }
    }
}

/// A page of rows with what is said beside them, when it is read.
pub type Loading<'a, T> = Pin<Box<dyn Future<Output = QueryResult<(Vec<T>, PageInfo)>> + Send + 'a>>;

/// Reads a page. `list` makes the statement for a page; `cursor` names a row. The future is boxed, for the compiler cannot see that
/// one with a statement in it may change threads.
///
/// # Errors
/// The database's.
pub fn load<'a, T, M, R>(
    conn: &'a mut AsyncPgConnection,
    request: PageRequest,
    count: Count,
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
        let fetched: Vec<(T, i64)> = list(request).load(conn).await?;
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
    /// Of a list that is short for each caller, or rarely asked for: counted with each page that has a number.
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

impl<M, R> QueryId for List<M, R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<M, R: Query> Query for List<M, R> {
    type SqlType = R::SqlType;
}

impl<M: QueryFragment<Pg>, R: QueryFragment<Pg>> QueryFragment<Pg> for List<M, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH ");
        self.count_items(out.reborrow())?;
        out.push_sql(", page (id) AS (");
        self.find_page(out.reborrow())?;
        out.push_sql(") ");
        self.rows.walk_ast(out)
    }
}

impl<M: QueryFragment<Pg>, R> List<M, R> {
    fn count_items<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match &self.count {
            Count::No => out.push_sql("total (items) AS (SELECT 0::bigint)"),
            Count::Known(items) => {
                out.push_sql("total (items) AS (SELECT ");
                out.push_bind_param::<BigInt, _>(items)?;
                out.push_sql(")");
            }
            Count::All => {
                out.push_sql("total (items) AS MATERIALIZED (SELECT count(*) FROM ");
                self.push_matching(out.reborrow())?;
                out.push_sql(")");
            }
            Count::UpTo(most) => {
                out.push_sql("found (key, id) AS MATERIALIZED (SELECT * FROM ");
                self.push_matching(out.reborrow())?;
                out.push_sql(&format!(
                    " LIMIT {}), total (items) AS MATERIALIZED (SELECT count(*) FROM found)",
                    most.saturating_add(1)
                ));
            }
        }
        Ok(())
    }

    fn find_page<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Count::UpTo(most) = self.count else {
            out.push_sql("SELECT id FROM ");
            self.push_matching(out.reborrow())?;
            return self.push_order(out);
        };
        // Either all is found already, or there is so much that the order finds a page sooner than the condition does. Which it is
        // is known before a row is read, so only one of the branches runs.
        out.push_sql(&format!(
            "(SELECT id FROM found WHERE (SELECT items FROM total) <= {most}"
        ));
        self.push_order(out.reborrow())?;
        out.push_sql(") UNION ALL (SELECT id FROM ");
        self.push_matching(out.reborrow())?;
        out.push_sql(&format!(" WHERE (SELECT items FROM total) > {most}"));
        self.push_order(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }

    /// The rows of the list, from where the page begins when it goes by cursor.
    fn push_matching<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT * FROM (");
        self.matching.walk_ast(out.reborrow())?;
        out.push_sql(") listed (key, id)");
        self.push_after(out.reborrow())?;
        out.push_sql(") matching");
        Ok(())
    }

    /// A row comparison, which the index answers; the same written with OR is a filter over everything before it.
    fn push_after<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let id = match &self.after {
            None => return Ok(()),
            Some(After::Time(time, id)) => {
                out.push_sql(" WHERE (key, id) < (");
                out.push_bind_param::<Timestamptz, _>(time)?;
                out.push_sql(", ");
                id
            }
            Some(After::Number(number, id)) => {
                out.push_sql(" WHERE (key, id) < (");
                out.push_bind_param::<Integer, _>(number)?;
                out.push_sql(", ");
                id
            }
            Some(After::Id(id)) => {
                out.push_sql(" WHERE id < (");
                id
            }
            Some(After::RisingId(id)) => {
                out.push_sql(" WHERE id > (");
                id
            }
        };
        out.push_bind_param::<BigInt, _>(id)?;
        out.push_sql(")");
        Ok(())
    }

    /// The limit is written out: with a parameter the planner does not know that few rows are wanted. The offset is hidden from it as
    /// patterns are ([`unseen`]).
    fn push_order<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let order = match self.key {
            SortKey::RisingId => "key, id",
            SortKey::Time | SortKey::Number | SortKey::Id => "key DESC, id DESC",
        };
        out.push_sql(&format!(" ORDER BY {order} LIMIT {}", self.fetched()));
        if self.offset > 0 {
            out.push_sql(" OFFSET (SELECT ");
            out.push_bind_param::<BigInt, _>(&self.offset)?;
            out.push_sql(")");
        }
        Ok(())
    }
}

/// A pattern of SQL's LIKE that the planner does not look into. It would make a plan for each pattern anew, which takes as long as
/// the search.
#[auto_type(no_type_alias)]
pub fn unseen(pattern: String) -> _ {
    let pattern: AsExprOf<String, Text> = pattern.into_sql::<Text>();
    diesel::dsl::select(pattern).single_value()
}

/// Whether a row is on the page.
pub fn in_page<I: diesel::Expression<SqlType = BigInt>>(id: I) -> InPage<I> {
    InPage::new(id)
}

/// The length of the whole list, beside each row.
#[derive(Debug, Clone, Copy, QueryId, ValidGrouping)]
pub struct Total;

impl diesel::Expression for Total {
    type SqlType = BigInt;
}

impl<S> SelectableExpression<S> for Total {}

impl<S> AppearsOnTable<S> for Total {}

impl QueryFragment<Pg> for Total {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT items FROM total)");
        Ok(())
    }
}
