//! Lists of streams: one statement for the rows of a page, whatever stands beside them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::page::PageStart;
use domain::{CategoryId, Cursor, PageInfo, PageRequest, UserId};

use super::{StreamRow, StreamView};
use crate::error::Result;
use crate::schema::{categories, owners, streams};
use crate::store::{Conn, Store};

/// Which streams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Only live ones, or only those that are not.
    pub live: Option<bool>,
    /// Only those of a category.
    pub category: Option<CategoryId>,
    /// Only those of a user.
    pub owner: Option<UserId>,
}

/// In which order; ids decide between equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Those that began last come first; those that never did, by their creation.
    Newest,
    /// The most watched come first.
    Viewers,
}

/// A page of streams.
#[derive(Debug)]
pub struct Page {
    /// The streams.
    pub streams: Vec<StreamView>,
    /// What is said beside them.
    pub info: PageInfo,
}

/// How long a total may be told again.
const TOTALS_AGE: Duration = Duration::from_secs(5);
/// Filters whose totals are remembered.
const MOST_TOTALS: usize = 1000;

/// Totals of lists, counted at most once in five seconds for each filter.
#[derive(Debug, Clone, Default)]
pub struct Totals(Arc<Mutex<HashMap<Filter, (Instant, u64)>>>);

impl Totals {
    fn get(&self, filter: Filter) -> Option<u64> {
        let totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        totals
            .get(&filter)
            .filter(|(counted, _)| counted.elapsed() < TOTALS_AGE)
            .map(|(_, total)| *total)
    }

    fn put(&self, filter: Filter, total: u64) {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if totals.len() >= MOST_TOTALS {
            totals.retain(|_, (counted, _)| counted.elapsed() < TOTALS_AGE);
        }
        if totals.len() < MOST_TOTALS {
            totals.insert(filter, (Instant::now(), total));
        }
    }
}

impl Store {
    /// A page of streams; totals may be five seconds old.
    ///
    /// # Errors
    /// What the database says.
    pub async fn stream_list(
        &self,
        filter: Filter,
        sort: Sort,
        page: PageRequest,
        totals: &Totals,
    ) -> Result<Page> {
        let rows = self
            .database
            .read(async move |conn: &mut Conn| rows(conn, filter, sort, page).await);
        let mut streams = rows.await?;
        let wanted = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let more = streams.len() > wanted;
        streams.truncate(wanted);
        let next_cursor = streams
            .last()
            .filter(|_| more)
            .map(|last| sort.cursor(&last.stream));
        let total_items = match page.start {
            PageStart::Page(_) => Some(self.total(filter, totals).await?),
            PageStart::After(_) => None,
        };
        Ok(Page {
            streams,
            info: PageInfo {
                total_items,
                total_items_capped: false,
                next_cursor,
            },
        })
    }

    async fn total(&self, filter: Filter, totals: &Totals) -> Result<u64> {
        if let Some(total) = totals.get(filter) {
            return Ok(total);
        }
        let count: i64 = self
            .database
            .read(async move |conn: &mut Conn| {
                let matching = filtered!(
                    streams::table
                        .select(diesel::dsl::count_star())
                        .into_boxed::<Pg>(),
                    filter
                );
                Ok::<_, crate::error::Error>(matching.get_result(conn).await?)
            })
            .await?;
        let total = u64::try_from(count).unwrap_or(0);
        totals.put(filter, total);
        Ok(total)
    }
}

impl Sort {
    fn cursor(self, stream: &StreamRow) -> Cursor {
        let key = match self {
            Self::Newest => stream.sort_time.timestamp_micros(),
            Self::Viewers => stream.viewer_count.into(),
        };
        Cursor { key, id: stream.id }
    }
}

macro_rules! filtered {
    ($query:expr, $filter:expr) => {{
        let mut query = $query;
        if let Some(live) = $filter.live {
            query = query.filter(streams::status.eq(if live { "live" } else { "ended" }));
        }
        if let Some(category) = $filter.category {
            query = query.filter(streams::category_id.eq(category.0));
        }
        if let Some(owner) = $filter.owner {
            query = query.filter(streams::user_id.eq(owner.0));
        }
        query
    }};
}
use filtered;

/// One row more than the page has, which says whether there is a next one.
async fn rows(conn: &mut Conn, filter: Filter, sort: Sort, page: PageRequest) -> Result<Vec<StreamView>> {
    let joined = streams::table
        .inner_join(owners::table)
        .left_join(categories::table);
    let mut query = filtered!(joined.select(StreamView::as_select()).into_boxed::<Pg>(), filter);
    if let PageStart::After(after) = page.start {
        // A row comparison, which the index answers; the same written with OR is a filter over everything before it.
        query = match sort {
            Sort::Newest => {
                let time = chrono::DateTime::from_timestamp_micros(after.key).unwrap_or_default();
                query.filter(
                    sql::<Bool>("(streams.sort_time, streams.id) < (")
                        .bind::<Timestamptz, _>(time)
                        .sql(", ")
                        .bind::<BigInt, _>(after.id)
                        .sql(")"),
                )
            }
            Sort::Viewers => query.filter(
                sql::<Bool>("(streams.viewer_count, streams.id) < (")
                    .bind::<Integer, _>(i32::try_from(after.key).unwrap_or(i32::MAX))
                    .sql(", ")
                    .bind::<BigInt, _>(after.id)
                    .sql(")"),
            ),
        };
    }
    let query = match sort {
        Sort::Newest => query.order((streams::sort_time.desc(), streams::id.desc())),
        Sort::Viewers => query.order((streams::viewer_count.desc(), streams::id.desc())),
    };
    let offset = i64::try_from(page.offset()).unwrap_or(i64::MAX);
    Ok(query
        .limit(i64::from(page.limit) + 1)
        .offset(offset)
        .load(conn)
        .await?)
}
