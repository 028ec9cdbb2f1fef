//! Lists of streams: one statement for the rows of a page, whatever stands beside them.

use diesel::dsl::{AsSelect, auto_type};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Text;
use primitives::{CategoryId, Cursor, PageInfo, PageRequest, UserId};
use storage::list::{self, InPage, List, SortKey, Total, in_page, opaque_pattern};

use super::{StreamRow, StreamView};
use crate::error::{Error, Result};
use crate::schema::streams::BoxedQuery;
use crate::schema::{categories, owners, streams};
use crate::store::{Conn, Store};

diesel::define_sql_function! {
    /// PostgreSQL's `lower`.
    fn lower(text: Text) -> Text;
}

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
    fn is_search(&self) -> bool {
        !self.patterns.is_empty() || self.tag.is_some() || self.username.is_some()
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

/// Lengths of lists of streams.
pub type Totals = storage::list::Totals<Filter>;

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
        let count = totals.count(&filter, filter.is_search(), page);
        let wanted = filter.clone();
        let (mut streams, info): (Vec<StreamView>, PageInfo) = self
            .database
            .read(async move |conn: &mut Conn| {
                let cursor = |last: &StreamView| sort.cursor(&last.stream);
                let loaded = match sort {
                    Sort::Newest => {
                        let list = |page| {
                            let keys = streams::table.select((streams::sort_time, streams::id));
                            let rows = rows().order((streams::sort_time.desc(), streams::id.desc()));
                            let keys = filtered(keys.into_boxed(), &wanted);
                            List::new(keys, rows, SortKey::Time, count, page)
                        };
                        list::load(conn, page, list, cursor).await
                    }
                    Sort::Viewers => {
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
        self.freshen(&mut streams).await;
        Ok(Page { streams, info })
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

/// Sort keys and ids.
type Keys<K> = BoxedQuery<'static, Pg, K>;

/// Those that belong to the list.
fn filtered<K>(mut query: Keys<K>, filter: &Filter) -> Keys<K> {
    if let Some(live) = filter.live {
        query = query.filter(streams::status.eq(if live { "live" } else { "ended" }));
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

/// The rows of a page with what stands beside them.
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
