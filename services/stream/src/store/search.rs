//! What searches look at: one line of text for each stream, which follows the stream, its owner's names and
//! its category.
//!
//! A stream that is changed is written anew at once. What concerns many streams takes their lines away, and a
//! task writes them again; until then, for a second or two, these streams are not found.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use primitives::search::search_text;

use super::streams::StreamView;
use super::{Conn, Store};
use crate::error::Result;
use crate::schema::{categories, owners, streams};

/// Streams that one transaction writes.
const BATCH: i64 = 200;

impl Store {
    /// Writes the lines of streams that have none, and says how many; fewer than were asked for means that
    /// none is left.
    ///
    /// # Errors
    /// What the database says.
    pub async fn search_write(&self) -> Result<usize> {
        self.database
            .transaction(async move |conn: &mut Conn| {
                let ids: Vec<i64> = streams::table
                    .filter(streams::search_text.is_null())
                    .order(streams::id)
                    .limit(BATCH)
                    .for_update()
                    .skip_locked()
                    .select(streams::id)
                    .load(conn)
                    .await?;
                write_in(conn, &ids).await?;
                Ok(ids.len())
            })
            .await
    }
}

/// Writes the lines of these streams.
pub(super) async fn write_in(conn: &mut Conn, ids: &[i64]) -> Result<()> {
    let views: Vec<StreamView> = streams::table
        .inner_join(owners::table)
        .left_join(categories::table)
        .filter(streams::id.eq_any(ids))
        .select(StreamView::as_select())
        .load(conn)
        .await?;
    for view in views {
        diesel::update(streams::table.find(view.stream.id))
            .set(streams::search_text.eq(line(&view)))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Takes the lines of a user's streams away.
pub(super) async fn forget_owner_in(conn: &mut Conn, user: i64) -> Result<()> {
    diesel::update(streams::table.filter(streams::user_id.eq(user)))
        .set(streams::search_text.eq(None::<String>))
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes the lines of a category's streams away.
pub(super) async fn forget_category_in(conn: &mut Conn, category: i64) -> Result<()> {
    diesel::update(streams::table.filter(streams::category_id.eq(category)))
        .set(streams::search_text.eq(None::<String>))
        .execute(conn)
        .await?;
    Ok(())
}

fn line(view: &StreamView) -> String {
    let category = view.category.iter().flat_map(|category| {
        let tags = category.tags.iter().flatten().map(String::as_str);
        std::iter::once(category.name.as_str()).chain(tags)
    });
    let own = [
        &view.stream.title,
        &view.stream.description,
        &view.owner.username,
        &view.owner.display_name,
    ];
    search_text(own.into_iter().map(String::as_str).chain(category))
}
