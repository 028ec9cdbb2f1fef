//! Changes to categories.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use objects::{PendingDeletion, StoredImage};
use proto::events::v1 as events;
use proto::events::v1::event::Payload;

use super::{CategoryKey, CategoryRow, with_key};
use crate::domain::slug;
use crate::error::{Error, Result};
use crate::schema::categories;
use crate::store::search::clear_category_in;
use crate::store::{Conn, Store};

/// A validated category.
#[derive(Debug, Clone)]
pub struct NewCategory {
    pub name: String,
    pub description: String,
    pub tags: Vec<String>,
    /// The thumbnail, which is already in the bucket.
    pub picture: Option<StoredImage>,
}

/// A validated update. Fields that are `None` stay as they are.
#[derive(Debug, Clone, Default)]
pub struct CategoryUpdate {
    /// Also changes the slug.
    pub name: Option<String>,
    pub description: Option<String>,
    pub tags: Option<Vec<String>>,
    /// The thumbnail. `Some(None)` removes it.
    pub picture: Option<Option<StoredImage>>,
}

impl Store {
    /// Creates a category. Fails with [`Error::CategoryTaken`] if another one has the same slug.
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
                let insert = diesel::insert_into(categories::table).values(row);
                let id: i64 = map_taken(insert.returning(categories::id).get_result(conn).await)?;
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

    /// Updates a category, and has its streams indexed again. Fails with [`Error::CategoryTaken`] if another
    /// category has the new slug.
    pub async fn category_update(&self, key: CategoryKey, update: CategoryUpdate) -> Result<CategoryRow> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let before = lock_in(conn, key).await?;
                write_in(conn, &before, &update, now).await?;
                let picture = before.picture();
                let row = match update.picture {
                    Some(replacement) => picture_in(conn, before.id, replacement, picture, now).await?,
                    None => row_in(conn, before.id).await?,
                };
                clear_category_in(conn, row.id).await?;
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

    /// Deletes a category. Its streams then have none.
    pub async fn category_delete(&self, key: CategoryKey) -> Result<()> {
        let now = self.clock.now();
        self.database
            .transaction(async move |conn: &mut Conn| {
                let row = lock_in(conn, key).await?;
                clear_category_in(conn, row.id).await?;
                diesel::delete(categories::table.find(row.id))
                    .execute(conn)
                    .await?;
                objects::ledger::schedule_deletion(conn, row.picture().as_slice(), now).await?;
                let event = events::CategoryDeleted { category_id: row.id };
                bus::emit(conn, Payload::CategoryDeleted(event), row.id, row.version + 1).await?;
                Ok(())
            })
            .await
    }
}

async fn lock_in(conn: &mut Conn, key: CategoryKey) -> Result<CategoryRow> {
    let id = with_key!(categories::table, key).select(categories::id);
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

async fn write_in(
    conn: &mut Conn,
    before: &CategoryRow,
    update: &CategoryUpdate,
    now: DateTime<Utc>,
) -> Result<()> {
    let slug = match &update.name {
        Some(name) => slug(name),
        None => before.slug.clone(),
    };
    let written = diesel::update(categories::table.find(before.id))
        .set((
            categories::slug.eq(slug),
            update.name.as_ref().map(|name| categories::name.eq(name)),
            update
                .description
                .as_ref()
                .map(|text| categories::description.eq(text)),
            update.tags.as_ref().map(|tags| categories::tags.eq(tags)),
            categories::version.eq(categories::version + 1),
            categories::updated_at.eq(now),
        ))
        .execute(conn)
        .await;
    map_taken(written)?;
    Ok(())
}

async fn picture_in(
    conn: &mut Conn,
    id: i64,
    picture: Option<StoredImage>,
    before: Option<PendingDeletion>,
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

/// Maps a duplicate slug to [`Error::CategoryTaken`]. Different names may have the same slug.
fn map_taken<T>(result: diesel::QueryResult<T>) -> Result<T> {
    result.map_err(|error| {
        let error = storage::Error::from(error);
        if error.is_unique_violation("categories_slug_key") {
            Error::CategoryTaken
        } else {
            error.into()
        }
    })
}
