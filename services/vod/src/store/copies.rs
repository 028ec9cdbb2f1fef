//! Copies of what other services own: users' names, categories, and which streams are gone. Events keep them
//! and promise no order, so a row changes only for a version that it has not passed; what is deleted stays,
//! marked, or a late event would bring it back.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::{CategoryId, StreamId, UserId};

use crate::error::Result;
use crate::schema::{categories as c, deleted_streams as s, owners as o, vods as v};
use crate::store::search::{forget_category, forget_owners};

#[derive(QueryableByName)]
struct Changed {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// A user's names.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = o, check_for_backend(diesel::pg::Pg))]
pub struct Owner {
    /// The account.
    pub id: i64,
    /// The name to sign in with.
    pub username: String,
    /// The name to show.
    pub display_name: String,
    /// The version that this was told by.
    pub version: i64,
}

/// A category as VODs show it.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, AsChangeset)]
#[diesel(table_name = c)]
pub struct Category {
    /// The category.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its name in URLs.
    pub slug: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// The version that this was told by.
    pub version: i64,
}

/// Keeps a user's names unless newer ones are there, or the user is gone.
///
/// # Errors
/// The store's.
pub async fn owner_keep(conn: &mut AsyncPgConnection, owner: &Owner) -> Result<()> {
    owners_keep(conn, std::slice::from_ref(owner)).await
}

/// Keeps many users' names in one statement.
///
/// # Errors
/// The store's.
pub async fn owners_keep(conn: &mut AsyncPgConnection, owners: &[Owner]) -> Result<()> {
    let statement = "INSERT INTO owners (id, username, display_name, version) \
                     SELECT * FROM unnest($1, $2, $3, $4) \
                     ON CONFLICT (id) DO UPDATE SET username = excluded.username, display_name = excluded.display_name, \
                     version = excluded.version, updated_at = now() \
                     WHERE owners.version < excluded.version AND NOT owners.deleted RETURNING id";
    let changed = diesel::sql_query(statement)
        .bind::<Array<BigInt>, _>(owners.iter().map(|owner| owner.id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(owners.iter().map(|owner| &*owner.username).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(
            owners
                .iter()
                .map(|owner| &*owner.display_name)
                .collect::<Vec<_>>(),
        )
        .bind::<Array<BigInt>, _>(owners.iter().map(|owner| owner.version).collect::<Vec<_>>())
        .get_results::<Changed>(conn)
        .await?;
    let changed: Vec<i64> = changed.into_iter().map(|row| row.id).collect();
    forget_owners(conn, &changed).await
}

/// Forgets a user's names for good.
///
/// # Errors
/// The store's.
pub async fn owner_delete(conn: &mut AsyncPgConnection, user: UserId, version: i64) -> Result<()> {
    let gone = (
        o::username.eq(""),
        o::display_name.eq(""),
        o::deleted.eq(true),
        o::version.eq(version),
    );
    diesel::insert_into(o::table)
        .values((o::id.eq(user.0), gone))
        .on_conflict(o::id)
        .do_update()
        .set((gone, o::updated_at.eq(diesel::dsl::now)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether a user is known to be gone.
///
/// # Errors
/// The store's.
pub async fn owner_is_deleted(conn: &mut AsyncPgConnection, user: UserId) -> Result<bool> {
    let deleted = o::table
        .find(user.0)
        .select(o::deleted)
        .first::<bool>(conn)
        .await
        .optional()?;
    Ok(deleted.unwrap_or(false))
}

/// A user's names; empty ones while they have not arrived.
///
/// # Errors
/// The store's.
pub async fn owner_names(conn: &mut AsyncPgConnection, user: UserId) -> Result<(String, String)> {
    let names = o::table
        .find(user.0)
        .select((o::username, o::display_name))
        .first(conn)
        .await
        .optional()?;
    Ok(names.unwrap_or_default())
}

/// Keeps a category unless a newer one is there, or it is gone.
///
/// # Errors
/// The store's.
pub async fn category_keep(conn: &mut AsyncPgConnection, category: &Category) -> Result<()> {
    let statement = "INSERT INTO categories (id, name, slug, tags, version) VALUES ($1, $2, $3, $4, $5) \
                     ON CONFLICT (id) DO UPDATE SET name = excluded.name, slug = excluded.slug, tags = excluded.tags, \
                     version = excluded.version, updated_at = now() \
                     WHERE categories.version < excluded.version AND NOT categories.deleted";
    let changed = diesel::sql_query(statement)
        .bind::<BigInt, _>(category.id)
        .bind::<Text, _>(&category.name)
        .bind::<Text, _>(&category.slug)
        .bind::<Array<Text>, _>(&category.tags)
        .bind::<BigInt, _>(category.version)
        .execute(conn)
        .await?;
    if changed > 0 {
        forget_category(conn, category.id).await?;
    }
    Ok(())
}

/// Forgets a category for good, and takes VODs out of it.
///
/// # Errors
/// The store's.
pub async fn category_delete(conn: &mut AsyncPgConnection, category: CategoryId, version: i64) -> Result<()> {
    let gone = (
        c::name.eq(""),
        c::slug.eq(""),
        c::deleted.eq(true),
        c::version.eq(version),
    );
    diesel::insert_into(c::table)
        .values((c::id.eq(category.0), gone))
        .on_conflict(c::id)
        .do_update()
        .set((gone, c::updated_at.eq(diesel::dsl::now)))
        .execute(conn)
        .await?;
    diesel::update(v::table.filter(v::category_id.eq(category.0)))
        .set((
            v::category_id.eq(None::<i64>),
            v::search_text.eq(None::<String>),
            v::updated_at.eq(diesel::dsl::now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that a stream is gone: its VODs stay, without it.
///
/// # Errors
/// The store's.
pub async fn stream_delete(conn: &mut AsyncPgConnection, stream: StreamId) -> Result<()> {
    diesel::insert_into(s::table)
        .values(s::id.eq(stream.0))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    diesel::update(v::table.filter(v::stream_id.eq(stream.0)))
        .set((v::stream_id.eq(None::<i64>), v::updated_at.eq(diesel::dsl::now)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether a stream is known to be gone.
///
/// # Errors
/// The store's.
pub async fn stream_is_deleted(conn: &mut AsyncPgConnection, stream: StreamId) -> Result<bool> {
    let found = diesel::select(diesel::dsl::exists(s::table.find(stream.0)))
        .get_result(conn)
        .await?;
    Ok(found)
}
