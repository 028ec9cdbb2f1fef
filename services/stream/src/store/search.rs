//! The search index: one line of text per stream, built from the stream, its owner's names and its category.
//!
//! A change of a stream rewrites its line at once. A change that affects many streams clears their lines, and
//! a task rewrites them; until then, for a second or two, searches do not find these streams.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use primitives::search::search_text;

use super::streams::StreamView;
use super::{Conn, Store};
use crate::error::Result;
use crate::schema::{categories, owners, streams};

/// The number of streams that one transaction indexes.
const BATCH_SIZE: i64 = 200;

impl Store {
    /// Indexes a batch of streams whose line was cleared, and returns how many it found.
    pub async fn search_index_pending(&self) -> Result<usize> {
        self.database
            .transaction(async move |conn: &mut Conn| {
                let ids: Vec<i64> = streams::table
                    .filter(streams::search_text.is_null())
                    .order(streams::id)
                    .limit(BATCH_SIZE)
                    .for_update()
                    .skip_locked()
                    .select(streams::id)
                    .load(conn)
                    .await?;
                index_in(conn, &ids).await?;
                Ok(ids.len())
            })
            .await
    }
}

pub(super) async fn index_in(conn: &mut Conn, ids: &[i64]) -> Result<()> {
    let views: Vec<StreamView> = streams::table
        .inner_join(owners::table)
        .left_join(categories::table)
        .filter(streams::id.eq_any(ids))
        .select(StreamView::as_select())
        .load(conn)
        .await?;
    for view in views {
        diesel::update(streams::table.find(view.stream.id))
            .set(streams::search_text.eq(search_line(&view)))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Clears the lines of a user's streams.
pub(super) async fn clear_owner_in(conn: &mut Conn, user: i64) -> Result<()> {
    diesel::update(streams::table.filter(streams::user_id.eq(user)))
        .set(streams::search_text.eq(None::<String>))
        .execute(conn)
        .await?;
    Ok(())
}

/// Clears the lines of a category's streams.
pub(super) async fn clear_category_in(conn: &mut Conn, category: i64) -> Result<()> {
    diesel::update(streams::table.filter(streams::category_id.eq(category)))
        .set(streams::search_text.eq(None::<String>))
        .execute(conn)
        .await?;
    Ok(())
}

fn search_line(view: &StreamView) -> String {
    let category = view.category.iter().flat_map(|category| {
        let tags = category.tags.iter().flatten().map(String::as_str);
        std::iter::once(category.name.as_str()).chain(tags)
    });
    let stream = [
        &view.stream.title,
        &view.stream.description,
        &view.owner.username,
        &view.owner.display_name,
    ];
    search_text(stream.into_iter().map(String::as_str).chain(category))
}
