//! The SQL of a list: it counts the list, finds the ids of the page and reads their rows.

use diesel::expression::ValidGrouping;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Integer, Timestamptz};

use super::{After, Count, KeyValue, List, SortKey};

diesel::postfix_operator!(InPage, " IN (SELECT page.id FROM page)", Bool, backend: Pg);

/// The limits in SQL: that of a page is rounded up to one of these, so that there are few statements to
/// prepare. One row more than the page has tells whether another page follows.
const SQL_LIMITS: [u32; 4] = [11, 21, 51, 101];

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
            Count::UpTo(max) => {
                out.push_sql("found (key, id) AS MATERIALIZED (SELECT * FROM ");
                self.push_matching(out.reborrow())?;
                out.push_sql(&format!(
                    " LIMIT {}), total (items) AS MATERIALIZED (SELECT count(*) FROM found)",
                    max.saturating_add(1)
                ));
            }
        }
        Ok(())
    }

    fn find_page<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Count::UpTo(max) = self.count else {
            out.push_sql("SELECT id FROM ");
            self.push_matching(out.reborrow())?;
            return self.push_order(out);
        };
        // Either the count has found all rows, or there are so many that reading in sort order reaches the
        // page sooner than the filter does. PostgreSQL evaluates the condition first and runs only one
        // branch.
        out.push_sql(&format!(
            "(SELECT id FROM found WHERE (SELECT items FROM total) <= {max}"
        ));
        self.push_order(out.reborrow())?;
        out.push_sql(") UNION ALL (SELECT id FROM ");
        self.push_matching(out.reborrow())?;
        out.push_sql(&format!(" WHERE (SELECT items FROM total) > {max}"));
        self.push_order(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }

    /// Pushes the rows of the list; those after the cursor if there is one.
    fn push_matching<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT * FROM (");
        self.matching.walk_ast(out.reborrow())?;
        out.push_sql(") listed (key, id)");
        self.push_after(out.reborrow())?;
        out.push_sql(") matching");
        Ok(())
    }

    /// Pushes a row comparison, which an index can answer. The same condition with `OR` would read all rows
    /// before the cursor.
    fn push_after<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some(After { key, id }) = &self.after else {
            return Ok(());
        };
        let operator = if self.key == SortKey::AscendingId {
            ">"
        } else {
            "<"
        };
        out.push_sql(&format!(" WHERE (key, id) {operator} ("));
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

    /// Pushes order, limit and offset. The limit is a literal, because the planner would not know from a
    /// parameter that few rows are wanted. The offset is hidden in a subquery, like
    /// [`opaque_pattern`](super::opaque_pattern).
    fn push_order<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let order = match self.key {
            SortKey::AscendingId => "key, id",
            SortKey::Time | SortKey::Number | SortKey::Id => "key DESC, id DESC",
        };
        out.push_sql(&format!(" ORDER BY {order} LIMIT {}", self.sql_limit()));
        if self.offset > 0 {
            out.push_sql(" OFFSET (SELECT ");
            out.push_bind_param::<BigInt, _>(&self.offset)?;
            out.push_sql(")");
        }
        Ok(())
    }

    fn sql_limit(&self) -> u32 {
        let sql_limit = SQL_LIMITS.into_iter().find(|rows| *rows > self.limit);
        sql_limit.unwrap_or(self.limit.saturating_add(1))
    }
}

/// The condition that the row with this id is on the page.
pub fn in_page<I: diesel::Expression<SqlType = BigInt>>(id: I) -> InPage<I> {
    InPage::new(id)
}

/// The length of the whole list, as a column.
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
