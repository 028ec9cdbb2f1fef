//! The statement of a list: what is counted, the ids of the page, and then its rows.

use diesel::expression::ValidGrouping;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Integer, Timestamptz};

use super::{After, Count, KeyValue, List, SortKey};

diesel::postfix_operator!(InPage, " IN (SELECT page.id FROM page)", Bool, backend: Pg);

/// Rows that are read at once: the limit of a page is rounded up to one of these, so that there are few
/// statements to prepare. One more than a page has says whether another follows.
const FETCHED: [u32; 4] = [11, 21, 51, 101];

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
        // Either all is found already, or there is so much that the order finds a page sooner than the
        // condition does. Which it is is known before a row is read, so only one of the branches runs.
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

    /// A row comparison, which the index answers; the same written with OR is a filter over everything before
    /// it.
    fn push_after<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some(After { key, id }) = &self.after else {
            return Ok(());
        };
        let follows = if self.key == SortKey::AscendingId {
            ">"
        } else {
            "<"
        };
        out.push_sql(&format!(" WHERE (key, id) {follows} ("));
        match key {
            KeyValue::Time(time) => out.push_bind_param::<Timestamptz, _>(time)?,
            KeyValue::Number(number) => out.push_bind_param::<Integer, _>(number)?,
            KeyValue::Id => out.push_bind_param::<BigInt, _>(id)?,
        }
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(id)?;
        out.push_sql(")");
        Ok(())
    }

    /// The limit is written out: with a parameter the planner does not know that few rows are wanted. The
    /// offset is hidden from it as patterns are ([`opaque_pattern`](super::opaque_pattern)).
    fn push_order<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let order = match self.key {
            SortKey::AscendingId => "key, id",
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

    fn fetched(&self) -> u32 {
        let enough = FETCHED.into_iter().find(|rows| *rows > self.limit);
        enough.unwrap_or(self.limit.saturating_add(1))
    }
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
