//! What admins do to categories.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use objects::{Doomed, Picture};
use proto::events::v1 as events;
use proto::events::v1::event::Payload;

use super::{CategoryName, CategoryRow, named};
use crate::domain::slug;
use crate::error::{Error, Result};
use crate::schema::categories;
use crate::store::search::forget_category_in;
use crate::store::{Conn, Store};

/// What a category is made of, checked.
#[derive(Debug, Clone)]
pub struct NewCategory {
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// The tags.
    pub tags: Vec<String>,
    /// The picture, in the bucket already.
    pub picture: Option<Picture>,
}

/// What changes; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The name, and with it the slug.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The tags.
    pub tags: Option<Vec<String>>,
    /// The picture; `Some(None)` takes it away.
    pub picture: Option<Option<Picture>>,
}

impl Store {
    /// Makes a category.
    ///
    /// # Errors
    /// [`Error::CategoryTaken`] when another has the same slug; a name that has none.
    pub async fn category_create(&self, new: NewCategory) -> Result<CategoryRow> {
        let now = self.clock.now();
        let row = (
            categories::slug.eq(slug(&new.name)),
            categories::name.eq(new.name),
            categories::description.eq(new.description),
            categories::tags.eq(new.tags),
            categories::created_at.eq(now),
            categories::updated_at.eq(now),
        );
        self.database
            .transaction(async move |conn: &mut Conn| {
                let made = diesel::insert_into(categories::table).values(row);
                let id: i64 = taken(made.returning(categories::id).get_result(conn).await)?;
                let row = picture_in(conn, id, new.picture, None, now).await?;
                let event = events::CategoryCreated {
                    category_id: id,
                    name: row.name.clone(),
                    slug: row.slug.clone(),
                    tags: row.tags.iter().flatten().cloned().collect(),
                };
                bus::emit(conn, Payload::CategoryCreated(event), id, row.version).await?;
                Ok(row)
            })
            .await
    }

    /// Changes a category; searches follow.
    ///
    /// # Errors
    /// [`Error::CategoryNotFound`], [`Error::CategoryTaken`]; a name without a slug.
    pub async fn category_update(&self, name: CategoryName, change: Change) -> Result<CategoryRow> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let before = lock_in(conn, name).await?;
                write_in(conn, &before, &change, now).await?;
                let picture = before.picture();
                let row = match change.picture {
                    Some(changed) => picture_in(conn, before.id, changed, picture, now).await?,
                    None => row_in(conn, before.id).await?,
                };
                forget_category_in(conn, row.id).await?;
                let event = events::CategoryUpdated {
                    category_id: row.id,
                    name: row.name.clone(),
                    slug: row.slug.clone(),
                    tags: row.tags.iter().flatten().cloned().collect(),
                };
                bus::emit(conn, Payload::CategoryUpdated(event), row.id, row.version).await?;
                Ok(row)
            })
            .await
    }

    /// Removes a category; its streams go without one.
    ///
    /// # Errors
    /// [`Error::CategoryNotFound`].
    pub async fn category_delete(&self, name: CategoryName) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let row = lock_in(conn, name).await?;
                forget_category_in(conn, row.id).await?;
                diesel::delete(categories::table.find(row.id))
                    .execute(conn)
                    .await?;
                objects::ledger::doom(conn, row.picture().as_slice(), now).await?;
                let event = events::CategoryDeleted { category_id: row.id };
                bus::emit(conn, Payload::CategoryDeleted(event), row.id, row.version + 1).await?;
                Ok(())
            })
            .await
    }
}

async fn lock_in(conn: &mut Conn, name: CategoryName) -> Result<CategoryRow> {
    let id = named!(categories::table, name).select(categories::id);
    let id: i64 = id.first(conn).await.optional()?.ok_or(Error::CategoryNotFound)?;
    let row = categories::table
        .find(id)
        .for_update()
        .select(CategoryRow::as_select())
        .first(conn)
        .await;
    row.optional()?.ok_or(Error::CategoryNotFound)
}

async fn row_in(conn: &mut Conn, id: i64) -> Result<CategoryRow> {
    let row = categories::table.find(id).select(CategoryRow::as_select());
    Ok(row.first(conn).await?)
}

async fn write_in(conn: &mut Conn, before: &CategoryRow, change: &Change, now: DateTime<Utc>) -> Result<()> {
    let slug = match &change.name {
        Some(name) => slug(name),
        None => before.slug.clone(),
    };
    let written = diesel::update(categories::table.find(before.id))
        .set((
            categories::slug.eq(slug),
            change.name.as_ref().map(|name| categories::name.eq(name)),
            change
                .description
                .as_ref()
                .map(|text| categories::description.eq(text)),
            change.tags.as_ref().map(|tags| categories::tags.eq(tags)),
            categories::version.eq(categories::version + 1),
            categories::updated_at.eq(now),
        ))
        .execute(conn)
        .await;
    taken(written)?;
    Ok(())
}

async fn picture_in(
    conn: &mut Conn,
    id: i64,
    picture: Option<Picture>,
    before: Option<Doomed>,
    now: DateTime<Utc>,
) -> Result<CategoryRow> {
    let columns = (
        categories::thumbnail_url.eq(picture.as_ref().map(|picture| &picture.url)),
        categories::thumbnail_url_expires_at.eq(picture.as_ref().map(|picture| picture.url_expires_at)),
        categories::b2_thumbnail_file_id.eq(picture.as_ref().and_then(|picture| picture.version_id.as_ref())),
        categories::b2_thumbnail_file_name.eq(picture.as_ref().map(|picture| &picture.key)),
    );
    let row = diesel::update(categories::table.find(id))
        .set(columns)
        .returning(CategoryRow::as_returning())
        .get_result(conn)
        .await?;
    objects::replace(conn, picture.as_ref(), before, now).await?;
    Ok(row)
}

/// Two names may have the same slug.
fn taken<T>(result: diesel::QueryResult<T>) -> Result<T> {
    result.map_err(|error| {
        let error = storage::Error::from(error);
        if error.is_unique_violation("categories_slug_key") {
            Error::CategoryTaken
        } else {
            error.into()
        }
    })
}
