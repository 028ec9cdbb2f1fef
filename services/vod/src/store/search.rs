//! What searches look at: one line of text for each VOD, which follows the VOD, its owner's names and its
//! category.
//!
//! A VOD that is noted or changed is written at once. What concerns many VODs takes their lines away, and a
//! task writes them again; until then, for some seconds, these VODs are not found.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::search::search_text;
use storage::Database;

use crate::error::Result;
use crate::schema::{categories as c, owners as o, vods as v};

/// VODs that one transaction writes.
const BATCH: i64 = 200;

type Found = (
    (i64, String, String),
    Option<(String, String)>,
    Option<(String, Vec<Option<String>>)>,
);

/// Writes the lines of VODs that have none, and says how many.
///
/// # Errors
/// The store's.
pub async fn search_write(database: &Database) -> Result<usize> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let ids: Vec<i64> = v::table
                .filter(v::search_text.is_null())
                .order(v::id)
                .limit(BATCH)
                .for_update()
                .skip_locked()
                .select(v::id)
                .load(conn)
                .await?;
            write(conn, &ids).await?;
            Ok(ids.len())
        })
        .await
}

/// Writes the lines of these VODs.
///
/// # Errors
/// The store's.
pub(super) async fn write(conn: &mut AsyncPgConnection, ids: &[i64]) -> Result<()> {
    let found: Vec<Found> = v::table
        .left_join(o::table.on(o::id.eq(v::user_id).and(o::deleted.eq(false))))
        .left_join(c::table.on(c::id.nullable().eq(v::category_id).and(c::deleted.eq(false))))
        .filter(v::id.eq_any(ids))
        .select((
            (v::id, v::title, v::description),
            (o::username, o::display_name).nullable(),
            (c::name, c::tags).nullable(),
        ))
        .load(conn)
        .await?;
    for vod in found {
        diesel::update(v::table.find(vod.0.0))
            .set(v::search_text.eq(line(&vod)))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Takes the lines of users' VODs away.
///
/// # Errors
/// The store's.
pub(super) async fn forget_owners(conn: &mut AsyncPgConnection, users: &[i64]) -> Result<()> {
    diesel::update(v::table.filter(v::user_id.eq_any(users)))
        .set(v::search_text.eq(None::<String>))
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes the lines of a category's VODs away.
///
/// # Errors
/// The store's.
pub(super) async fn forget_category(conn: &mut AsyncPgConnection, category: i64) -> Result<()> {
    diesel::update(v::table.filter(v::category_id.eq(category)))
        .set(v::search_text.eq(None::<String>))
        .execute(conn)
        .await?;
    Ok(())
}

fn line(((_, title, description), owner, category): &Found) -> String {
    let owner = owner
        .iter()
        .flat_map(|(username, display_name)| [username, display_name]);
    let category = category
        .iter()
        .flat_map(|(name, tags)| std::iter::once(name).chain(tags.iter().flatten()));
    let texts = [title, description].into_iter().chain(owner).chain(category);
    search_text(texts.map(String::as_str))
}
