//! The search text of VODs, built from the VOD, the names of its owner and its category.
//!
//! A change of one VOD writes its text at once. A change that affects many VODs clears their texts, and a
//! periodic task writes them again; for these seconds the VODs are not found.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::search::search_text;
use storage::Database;

use crate::error::Result;
use crate::schema::{categories as c, owners as o, vods as v};

/// VODs per transaction.
const BATCH_SIZE: i64 = 200;

type Found = (
    (i64, String, String),
    Option<(String, String)>,
    Option<(String, Vec<Option<String>>)>,
);

/// Writes up to 200 missing search texts and returns their number.
pub async fn search_write(database: &Database) -> Result<usize> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let ids: Vec<i64> = v::table
                .filter(v::search_text.is_null())
                .order(v::id)
                .limit(BATCH_SIZE)
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

/// Writes the search texts of these VODs.
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

/// Clears the search texts of the VODs of users.
pub(super) async fn clear_for_owners(conn: &mut AsyncPgConnection, users: &[i64]) -> Result<()> {
    diesel::update(v::table.filter(v::user_id.eq_any(users)))
        .set(v::search_text.eq(None::<String>))
        .execute(conn)
        .await?;
    Ok(())
}

/// Clears the search texts of the VODs in a category.
pub(super) async fn clear_for_category(conn: &mut AsyncPgConnection, category: i64) -> Result<()> {
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
