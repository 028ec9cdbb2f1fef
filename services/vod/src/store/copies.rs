//! Copies of data that other services own: names of users, categories, and the ids of deleted streams. Events
//! may arrive in any order, so a row is only updated to a newer version. Deleted rows stay, marked as
//! deleted, because a late event would recreate them.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::{CategoryId, StreamId, UserId};

use crate::error::Result;
use crate::schema::{categories as c, deleted_streams as s, owners as o, vods as v};
use crate::store::search::{clear_for_category, clear_for_owners};

#[derive(QueryableByName)]
struct Changed {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = o, check_for_backend(diesel::pg::Pg))]
pub struct Owner {
    pub id: i64,
    pub username: String,
    pub display_name: String,
    /// The version of the event or snapshot that this comes from.
    pub version: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Insertable, AsChangeset)]
#[diesel(table_name = c)]
pub struct Category {
    pub id: i64,
    pub name: String,
    pub slug: String,
    pub tags: Vec<String>,
    /// The version of the event or snapshot that this comes from.
    pub version: i64,
}

/// Stores the names of a user, unless newer ones are stored or the user is deleted.
pub async fn owner_upsert(conn: &mut AsyncPgConnection, owner: &Owner) -> Result<()> {
    owners_upsert(conn, std::slice::from_ref(owner)).await
}

/// Stores the names of many users in one statement.
pub async fn owners_upsert(conn: &mut AsyncPgConnection, owners: &[Owner]) -> Result<()> {
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
    clear_for_owners(conn, &changed).await
}

/// Marks a user as deleted and removes the names.
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

pub async fn owner_is_deleted(conn: &mut AsyncPgConnection, user: UserId) -> Result<bool> {
    let deleted = o::table
        .find(user.0)
        .select(o::deleted)
        .first::<bool>(conn)
        .await
        .optional()?;
    Ok(deleted.unwrap_or(false))
}

/// Returns the username and display name of a user. Both are empty if the user is unknown.
pub async fn owner_names(conn: &mut AsyncPgConnection, user: UserId) -> Result<(String, String)> {
    let names = o::table
        .find(user.0)
        .select((o::username, o::display_name))
        .first(conn)
        .await
        .optional()?;
    Ok(names.unwrap_or_default())
}

/// Stores a category, unless a newer version is stored or the category is deleted.
pub async fn category_upsert(conn: &mut AsyncPgConnection, category: &Category) -> Result<()> {
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
        clear_for_category(conn, category.id).await?;
    }
    Ok(())
}

/// Marks a category as deleted and removes it from its VODs.
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

/// Records that a stream is deleted. Its VODs stay, without a stream.
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

pub async fn stream_is_deleted(conn: &mut AsyncPgConnection, stream: StreamId) -> Result<bool> {
    let found = diesel::select(diesel::dsl::exists(s::table.find(stream.0)))
        .get_result(conn)
        .await?;
    Ok(found)
}
