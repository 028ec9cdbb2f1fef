//! Categories.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::page::PageStart;
use domain::{CategoryId, Cursor, PageInfo, PageRequest};

use super::{Conn, Store};
use crate::error::{Error, Result};
use crate::schema::categories;

/// A category as it is stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = categories, check_for_backend(Pg))]
#[expect(missing_docs, reason = "each is the column of that name")]
pub struct CategoryRow {
    pub id: i64,
    pub name: String,
    pub slug: String,
    pub description: String,
    pub thumbnail_url: Option<String>,
    pub tags: Vec<Option<String>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// How a category is named in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CategoryName {
    /// By id, when all digits.
    Id(CategoryId),
    /// By slug.
    Slug(String),
}

impl Store {
    /// One category.
    ///
    /// # Errors
    /// [`Error::CategoryNotFound`].
    pub async fn category(&self, name: CategoryName) -> Result<CategoryRow> {
        self.database
            .read(async move |conn: &mut Conn| {
                let query = categories::table
                    .select(CategoryRow::as_select())
                    .into_boxed::<Pg>();
                let query = match name {
                    CategoryName::Id(id) => query.filter(categories::id.eq(id.0)),
                    CategoryName::Slug(slug) => query.filter(categories::slug.eq(slug)),
                };
                query.first(conn).await.optional()?.ok_or(Error::CategoryNotFound)
            })
            .await
    }

    /// A page of categories in the order of their ids, perhaps only those with a tag.
    ///
    /// # Errors
    /// What the database says.
    pub async fn category_list(
        &self,
        tag: Option<String>,
        page: PageRequest,
    ) -> Result<(Vec<CategoryRow>, PageInfo)> {
        self.database
            .read(async move |conn: &mut Conn| {
                let mut query = categories::table
                    .select(CategoryRow::as_select())
                    .into_boxed::<Pg>();
                let mut count = categories::table
                    .select(diesel::dsl::count_star())
                    .into_boxed::<Pg>();
                if let Some(tag) = tag {
                    query = query.filter(categories::tags.contains(vec![Some(tag.clone())]));
                    count = count.filter(categories::tags.contains(vec![Some(tag)]));
                }
                let total = match page.start {
                    PageStart::Page(_) => Some(count.get_result::<i64>(conn).await?),
                    PageStart::After(after) => {
                        query = query.filter(categories::id.gt(after.id));
                        None
                    }
                };
                let offset = i64::try_from(page.offset()).unwrap_or(i64::MAX);
                let limit = i64::from(page.limit);
                let mut rows = query
                    .order(categories::id)
                    .limit(limit + 1)
                    .offset(offset)
                    .load(conn)
                    .await?;
                let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
                rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                Ok((rows, page_info(total, more)))
            })
            .await
            .map(|(rows, mut info): (Vec<CategoryRow>, PageInfo)| {
                info.next_cursor = info
                    .next_cursor
                    .and(rows.last().map(|last| Cursor { key: 0, id: last.id }));
                (rows, info)
            })
    }

    /// All categories, for copies elsewhere; there are never so many that pages are needed.
    ///
    /// # Errors
    /// What the database says.
    pub async fn category_snapshot(&self) -> Result<Vec<CategoryRow>> {
        self.database
            .read(async move |conn: &mut Conn| {
                Ok(categories::table
                    .order(categories::id)
                    .select(CategoryRow::as_select())
                    .load(conn)
                    .await?)
            })
            .await
    }
}

fn page_info(total: Option<i64>, more: bool) -> PageInfo {
    PageInfo {
        total_items: total.map(|total| u64::try_from(total).unwrap_or(0)),
        total_items_capped: false,
        next_cursor: more.then_some(Cursor { key: 0, id: 0 }),
    }
}
