//! Categories.

mod edit;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use primitives::{CategoryId, Cursor, PageInfo, PageRequest};
use storage::list::{self, Count, List, SortKey, Total, in_page};

use super::{CATEGORY_PICTURES, Conn, Store};
use crate::error::{Error, Result};
use crate::schema::categories;

pub use edit::{CategoryUpdate, NewCategory};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = categories, check_for_backend(Pg))]
pub struct CategoryRow {
    pub id: i64,
    pub name: String,
    pub slug: String,
    pub description: String,
    pub thumbnail_url: Option<String>,
    pub thumbnail_url_expires_at: Option<DateTime<Utc>>,
    pub b2_thumbnail_file_id: Option<String>,
    pub b2_thumbnail_file_name: Option<String>,
    pub tags: Vec<Option<String>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

objects::image_columns!(
    CategoryRow,
    b2_thumbnail_file_name,
    thumbnail_url,
    thumbnail_url_expires_at,
    b2_thumbnail_file_id
);

/// Identifies a category in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CategoryKey {
    Id(CategoryId),
    Slug(String),
}

/// Narrows a query to the category with a key. A macro, since the types of the queries differ.
macro_rules! with_key {
    ($query:expr, $key:expr) => {{
        let query = $query.into_boxed::<Pg>();
        match $key {
            CategoryKey::Id(id) => query.filter(categories::id.eq(id.0)),
            CategoryKey::Slug(slug) => query.filter(categories::slug.eq(slug)),
        }
    }};
}
use with_key;

impl Store {
    pub async fn category(&self, key: CategoryKey) -> Result<CategoryRow> {
        let read = async move |conn: &mut Conn| {
            let query = with_key!(categories::table, key);
            let found = query.select(CategoryRow::as_select()).first(conn).await;
            found.optional()?.ok_or(Error::CategoryNotFound)
        };
        let mut row = self.database.read(read).await?;
        self.pictures.renew(CATEGORY_PICTURES, vec![row.shown()]).await;
        Ok(row)
    }

    /// Returns a page of categories, ordered by id. With a tag, only those that have it.
    pub async fn category_list(
        &self,
        tag: Option<String>,
        page: PageRequest,
    ) -> Result<(Vec<CategoryRow>, PageInfo)> {
        let read = self.database.read(async move |conn: &mut Conn| {
            let count = Count::always(page);
            let list = |page| {
                let mut keys = categories::table
                    .select((categories::id, categories::id))
                    .into_boxed::<Pg>();
                if let Some(tag) = &tag {
                    keys = keys.filter(categories::tags.contains(vec![Some(tag.clone())]));
                }
                let rows = categories::table
                    .filter(in_page(categories::id))
                    .order(categories::id)
                    .select((CategoryRow::as_select(), Total));
                List::new(keys, rows, SortKey::AscendingId, count, page)
            };
            let cursor = |last: &CategoryRow| Cursor::from_id(last.id);
            Ok::<_, Error>(list::load(conn, page, list, cursor).await?)
        });
        let (mut rows, info): (Vec<CategoryRow>, PageInfo) = read.await?;
        let shown = rows.iter_mut().map(CategoryRow::shown);
        self.pictures.renew(CATEGORY_PICTURES, shown.collect()).await;
        Ok((rows, info))
    }

    /// Returns all categories, for copies in other services. There are too few for pages.
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
