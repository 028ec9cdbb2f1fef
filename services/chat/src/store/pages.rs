//! Pages of a room's lists, newest first: by page number with totals, or by cursor without.

use futures::TryStreamExt;
use mongodb::bson::{DateTime as BsonTime, Document, doc};
use primitives::page::PageStart;
use primitives::{Cursor, PageInfo, PageRequest};
use serde::de::DeserializeOwned;
use storage::Mongo;

use super::command::{READ_TIMEOUT, within};
use crate::error::Result;

/// Totals are capped at this number.
const MAX_TOTAL: u64 = 10_000;

/// A document of a list.
pub(super) trait PagedRow: DeserializeOwned + Send + Sync + Unpin {
    fn created_at(&self) -> BsonTime;
    /// Orders rows with the same time.
    fn tie(&self) -> i64;
}

/// Returns one page of the rows that match a filter, in the order of the index `stream_newest`.
pub(super) async fn page_of<T: PagedRow>(
    mongo: &Mongo,
    collection: &str,
    filter: Document,
    page: &PageRequest,
) -> Result<(Vec<T>, PageInfo)> {
    let limit = i64::from(page.limit);
    let found = async {
        let rows = mongo.database().collection::<T>(collection);
        let found = rows
            .find(doc! { "$and": [filter.clone(), after(page.start)] })
            .sort(doc! { "createdAt": -1, "tie": -1 });
        found
            .skip(page.offset())
            .limit(limit + 1)
            .batch_size(page.limit + 1)
            .max_time(READ_TIMEOUT)
            .await?
            .try_collect::<Vec<T>>()
            .await
    };
    let mut rows = within(Box::pin(found)).await?;
    let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let total = match page.start {
        PageStart::Page(_) => Some(count(mongo, collection, filter).await?),
        PageStart::After(_) => None,
    };
    let info = PageInfo {
        total_items: total.map(|total| total.min(MAX_TOTAL)),
        total_items_capped: total.is_some_and(|total| total > MAX_TOTAL),
        next_cursor: rows.last().filter(|_| more).map(cursor),
    };
    Ok((rows, info))
}

fn after(start: PageStart) -> Document {
    match start {
        PageStart::Page(_) => doc! {},
        PageStart::After(Cursor { key, id }) => {
            let time = BsonTime::from_millis(key);
            doc! { "$or": [{ "createdAt": { "$lt": time } }, { "createdAt": time, "tie": { "$lt": id } }] }
        }
    }
}

fn cursor<T: PagedRow>(row: &T) -> Cursor {
    Cursor {
        key: row.created_at().timestamp_millis(),
        id: row.tie(),
    }
}

async fn count(mongo: &Mongo, collection: &str, filter: Document) -> Result<u64> {
    let rows = mongo.database().collection::<Document>(collection);
    let counted = rows
        .count_documents(filter)
        .limit(MAX_TOTAL + 1)
        .max_time(READ_TIMEOUT);
    within(counted).await
}
