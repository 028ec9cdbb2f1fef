//! Lists of streams: one statement for the rows of a page, whatever stands beside them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::page::PageStart;
use domain::{CategoryId, Cursor, PageInfo, PageRequest, UserId};

use super::{StreamRow, StreamView};
use crate::error::Result;
use crate::schema::{categories, owners, streams};
use crate::store::{Conn, Store};

/// Which streams.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Only live ones, or only those that are not.
    pub live: Option<bool>,
    /// Only those of a category.
    pub category: Option<CategoryId>,
    /// Only those of a user.
    pub owner: Option<UserId>,
    /// Only those of these users.
    pub owners: Option<Vec<i64>>,
    /// Only those of the user who is called so, without case.
    pub username: Option<String>,
    /// Only those whose category has a tag.
    pub tag: Option<String>,
    /// Only those whose search text matches all of these patterns.
    pub patterns: Vec<String>,
}

impl Filter {
    /// Where its total stops.
    fn most(&self) -> Option<i64> {
        let is_search = !self.patterns.is_empty() || self.tag.is_some() || self.username.is_some();
        is_search.then_some(MOST_FOUND)
    }
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
/// Where the total of a search stops.
const MOST_FOUND: i64 = 10_000;

/// How many streams a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Total {
    items: u64,
    /// There are more.
    capped: bool,
}

/// Totals of lists, counted at most once in five seconds for each filter.
#[derive(Debug, Clone, Default)]
pub struct Totals(Arc<Mutex<HashMap<Filter, (Instant, Total)>>>);

impl Totals {
    fn get(&self, filter: &Filter) -> Option<Total> {
        let totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        totals
            .get(filter)
            .filter(|(counted, _)| counted.elapsed() < TOTALS_AGE)
            .map(|(_, total)| *total)
    }

    fn put(&self, filter: Filter, total: Total) {
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
    /// A page of streams; totals may be five seconds old, and those of searches stop at 10,000.
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
        let wanted = filter.clone();
        let rows = self
            .database
            .read(async move |conn: &mut Conn| rows(conn, &wanted, sort, page).await);
        let mut streams = rows.await?;
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let more = streams.len() > limit;
        streams.truncate(limit);
        let last = streams.last().filter(|_| more);
        let next_cursor = last.map(|last| sort.cursor(&last.stream));
        self.freshen(&mut streams).await;
        let total = match page.start {
            PageStart::Page(_) => Some(self.total(filter, totals).await?),
            PageStart::After(_) => None,
        };
        Ok(Page {
            streams,
            info: PageInfo {
                total_items: total.map(|total| total.items),
                total_items_capped: total.is_some_and(|total| total.capped),
                next_cursor,
            },
        })
    }

    async fn total(&self, filter: Filter, totals: &Totals) -> Result<Total> {
        if let Some(total) = totals.get(&filter) {
            return Ok(total);
        }
        let most = filter.most();
        let wanted = filter.clone();
        let count: i64 = self
            .database
            .read(async move |conn: &mut Conn| {
                let matching = filtered!(streams::table.select(streams::id).into_boxed::<Pg>(), wanted);
                let counted = diesel::alias!(streams as counted);
                let count = match most {
                    None => {
                        let all = streams::table.select(diesel::dsl::count_star());
                        filtered!(all.into_boxed::<Pg>(), wanted).get_result(conn).await
                    }
                    Some(most) => {
                        let some = matching.limit(most + 1);
                        let found = counted.filter(counted.field(streams::id).eq_any(some));
                        found.count().get_result(conn).await
                    }
                };
                Ok::<_, crate::error::Error>(count?)
            })
            .await?;
        let total = Total::new(count, most);
        totals.put(filter, total);
        Ok(total)
    }
}

impl Total {
    fn new(count: i64, most: Option<i64>) -> Self {
        let capped = most.is_some_and(|most| count > most);
        let items = most.map_or(count, |most| count.min(most));
        let items = u64::try_from(items).unwrap_or(0);
        Self { items, capped }
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
        if let Some(owners) = &$filter.owners {
            query = query.filter(streams::user_id.eq_any(owners.clone()));
        }
        if let Some(username) = &$filter.username {
            let named = sql::<Bool>(
                "streams.user_id IN (SELECT named.id FROM owners named WHERE lower(named.username) = ",
            );
            query = query.filter(named.bind::<Text, _>(username.to_lowercase()).sql(")"));
        }
        if let Some(tag) = &$filter.tag {
            let tagged = sql::<Bool>(
                "streams.category_id IN (SELECT tagged.id FROM categories tagged WHERE tagged.tags @> ",
            );
            query = query.filter(tagged.bind::<Array<Text>, _>(vec![tag.clone()]).sql(")"));
        }
        for pattern in &$filter.patterns {
            query = query.filter(streams::search_text.like(pattern.clone()));
        }
        query
    }};
}
use filtered;

/// One row more than the page has, which says whether there is a next one.
async fn rows(conn: &mut Conn, filter: &Filter, sort: Sort, page: PageRequest) -> Result<Vec<StreamView>> {
    let joined = streams::table
        .inner_join(owners::table)
        .left_join(categories::table);
    let mut query = filtered!(joined.select(StreamView::as_select()).into_boxed::<Pg>(), filter);
    if let PageStart::After(after) = page.start {
        // A row comparison, which the index answers; the same written with OR is a filter over everything before it.
        query = match sort {
            Sort::Newest => {
                let time = after.time();
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
