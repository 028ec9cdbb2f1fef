//! Lists of streams. One statement reads the rows of a page with their owners and categories.

use diesel::dsl::{AsSelect, auto_type};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Text;
use primitives::{CategoryId, Cursor, PageInfo, PageRequest, UserId};
use storage::list::{self, InPage, List, SortKey, Total, in_page, opaque_pattern};

use super::{StreamRow, StreamView};
use crate::domain::StreamStatus;
use crate::error::{Error, Result};
use crate::schema::streams::BoxedQuery;
use crate::schema::{categories, owners, streams};
use crate::store::{Conn, Store};

diesel::define_sql_function! {
    fn lower(text: Text) -> Text;
}

/// Selects the streams that match all given criteria.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct StreamFilter {
    pub status: Option<StreamStatus>,
    pub category: Option<CategoryId>,
    pub owner: Option<UserId>,
    pub owners: Option<Vec<i64>>,
    /// The owner's username, in any case.
    pub username: Option<String>,
    /// A tag of the category.
    pub tag: Option<String>,
    /// `LIKE` patterns that must all match the search text.
    pub patterns: Vec<String>,
}

impl StreamFilter {
    fn is_search(&self) -> bool {
        !self.patterns.is_empty() || self.tag.is_some() || self.username.is_some()
    }
}

/// The order of a list. Ids break ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamSort {
    /// By the start of the latest broadcast, or else by creation; newest first.
    Newest,
    /// By the number of viewers, highest first.
    Viewers,
}

#[derive(Debug)]
pub struct StreamPage {
    pub streams: Vec<StreamView>,
    pub info: PageInfo,
}

/// Caches the lengths of lists.
pub type Totals = storage::list::Totals<StreamFilter>;

impl Store {
    /// Returns a page of streams. Totals may be 5 s old, and those of searches stop at 10,000.
    pub async fn stream_list(
        &self,
        filter: StreamFilter,
        sort: StreamSort,
        page: PageRequest,
        totals: &Totals,
    ) -> Result<StreamPage> {
        let count = totals.count(&filter, filter.is_search(), page);
        let wanted = filter.clone();
        let (mut streams, info): (Vec<StreamView>, PageInfo) = self
            .database
            .read(async move |conn: &mut Conn| {
                let cursor = |last: &StreamView| sort.cursor(&last.stream);
                let loaded = match sort {
                    StreamSort::Newest => {
                        let list = |page| {
                            let keys = streams::table.select((streams::sort_time, streams::id));
                            let rows = rows().order((streams::sort_time.desc(), streams::id.desc()));
                            let keys = filtered(keys.into_boxed(), &wanted);
                            List::new(keys, rows, SortKey::Time, count, page)
                        };
                        list::load(conn, page, list, cursor).await
                    }
                    StreamSort::Viewers => {
                        let list = |page| {
                            let keys = streams::table.select((streams::viewer_count, streams::id));
                            let rows = rows().order((streams::viewer_count.desc(), streams::id.desc()));
                            let keys = filtered(keys.into_boxed(), &wanted);
                            List::new(keys, rows, SortKey::Number, count, page)
                        };
                        list::load(conn, page, list, cursor).await
                    }
                };
                Ok::<_, Error>(loaded?)
            })
            .await?;
        totals.insert(filter, count, &info);
        self.renew_picture_urls(&mut streams).await;
        Ok(StreamPage { streams, info })
    }
}

impl StreamSort {
    fn cursor(self, stream: &StreamRow) -> Cursor {
        let key = match self {
            Self::Newest => stream.sort_time.timestamp_micros(),
            Self::Viewers => stream.viewer_count.into(),
        };
        Cursor { key, id: stream.id }
    }
}

/// A query for sort keys and ids.
type Keys<K> = BoxedQuery<'static, Pg, K>;

fn filtered<K>(mut query: Keys<K>, filter: &StreamFilter) -> Keys<K> {
    if let Some(status) = filter.status {
        query = query.filter(streams::status.eq(status));
    }
    if let Some(category) = filter.category {
        query = query.filter(streams::category_id.eq(category.0));
    }
    if let Some(owner) = filter.owner {
        query = query.filter(streams::user_id.eq(owner.0));
    }
    if let Some(owners) = &filter.owners {
        query = query.filter(streams::user_id.eq_any(owners.clone()));
    }
    if let Some(username) = &filter.username {
        let named = owners::table.filter(lower(owners::username).eq(username.to_lowercase()));
        query = query.filter(streams::user_id.eq_any(named.select(owners::id)));
    }
    if let Some(tag) = &filter.tag {
        let tagged = categories::table.filter(categories::tags.contains(vec![tag.clone()]));
        query = query.filter(streams::category_id.eq_any(tagged.select(categories::id.nullable())));
    }
    for pattern in &filter.patterns {
        query = query.filter(streams::search_text.like(opaque_pattern(pattern.clone())));
    }
    query
}

/// Selects the rows of a page with their owners and categories.
#[auto_type(no_type_alias)]
fn rows() -> _ {
    let view: AsSelect<StreamView, Pg> = StreamView::as_select();
    let listed: InPage<streams::id> = in_page(streams::id);
    streams::table
        .inner_join(owners::table)
        .left_join(categories::table)
        .filter(listed)
        .select((view, Total))
}
