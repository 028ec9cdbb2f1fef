//! Categories.

mod change;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use objects::{Doomed, Shown};
use primitives::{CategoryId, Cursor, PageInfo, PageRequest};
use storage::list::{self, Count, List, SortKey, Total, in_page};

use super::{CATEGORY_PICTURES, Conn, Store};
use crate::error::{Error, Result};
use crate::schema::categories;

pub use change::{Change, NewCategory};

/// A category as it is stored.
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

impl CategoryRow {
    pub(super) fn shown(&mut self) -> Shown<'_> {
        Shown {
            id: self.id,
            key: self.b2_thumbnail_file_name.as_deref(),
            url: &mut self.thumbnail_url,
            expires_at: &mut self.thumbnail_url_expires_at,
        }
    }

    /// The object of its picture.
    fn picture(&self) -> Option<Doomed> {
        let key = self.b2_thumbnail_file_name.clone()?;
        let version_id = self.b2_thumbnail_file_id.clone();
        Some(Doomed { key, version_id })
    }
}

/// How a category is named in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CategoryName {
    /// By id, when all digits.
    Id(CategoryId),
    /// By slug.
    Slug(String),
}

macro_rules! named {
    ($query:expr, $name:expr) => {{
        let query = $query.into_boxed::<Pg>();
        match $name {
            CategoryName::Id(id) => query.filter(categories::id.eq(id.0)),
            CategoryName::Slug(slug) => query.filter(categories::slug.eq(slug)),
        }
    }};
}
use named;

impl Store {
    /// One category.
    ///
    /// # Errors
    /// [`Error::CategoryNotFound`].
    pub async fn category(&self, name: CategoryName) -> Result<CategoryRow> {
        let read = async move |conn: &mut Conn| {
            let query = named!(categories::table, name);
            let found = query.select(CategoryRow::as_select()).first(conn).await;
            found.optional()?.ok_or(Error::CategoryNotFound)
        };
        let mut row = self.database.read(read).await?;
        self.pictures.renew(CATEGORY_PICTURES, vec![row.shown()]).await;
        Ok(row)
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
