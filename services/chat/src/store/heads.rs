//! Rooms' last numbers.
//!
//! The numbers of a room only rise, so what was its last number is where one looks for a later one: a
//! question reads what is new and not the room. The index alone would answer it as fast, but not every server
//! reads an index backwards: the one for development sorts what it finds, which took 85 ms in a room of
//! 10,000 messages.

use std::time::Duration;

use moka::future::Cache;
use mongodb::bson::doc;
use primitives::StreamId;
use serde::Deserialize;
use storage::Mongo;

use super::messages::MESSAGES;
use super::{READ, within};
use crate::error::Result;

/// How long a number is handed out again: half of the two seconds in which gateways ask.
const HOLDS: Duration = Duration::from_secs(1);
/// Rooms remembered at once.
const ROOMS: u64 = 10_000;

/// Knows rooms' last numbers, 0 where nothing was said. Cheap to clone.
#[derive(Clone)]
pub struct Heads {
    mongo: Mongo,
    /// Numbers that were the last once.
    known: Cache<StreamId, i64>,
    recent: Cache<StreamId, i64>,
}

impl Heads {
    /// Asks this store.
    #[must_use]
    pub fn new(mongo: Mongo) -> Self {
        Self {
            mongo,
            known: Cache::new(ROOMS),
            recent: Cache::builder().max_capacity(ROOMS).time_to_live(HOLDS).build(),
        }
    }

    /// The last number now.
    ///
    /// # Errors
    /// The store's.
    pub async fn now(&self, stream: StreamId) -> Result<i64> {
        let known = self.known.get(&stream).await.unwrap_or(0);
        let head = match self.last_from(stream, known).await? {
            // Everything was taken away since, with its stream.
            None if known > 0 => self.last_from(stream, 0).await?,
            head => head,
        };
        let head = head.unwrap_or(0);
        if head != known {
            self.known.insert(stream, head).await;
        }
        Ok(head)
    }

    /// The last number as it was within the last second.
    ///
    /// # Errors
    /// The store's.
    pub async fn recent(&self, stream: StreamId) -> Result<i64> {
        Ok(self.recent.try_get_with(stream, self.now(stream)).await?)
    }

    /// The last number, unless it is below that one.
    async fn last_from(&self, stream: StreamId, seq: i64) -> Result<Option<i64>> {
        #[derive(Deserialize)]
        struct Number {
            seq: i64,
        }
        let numbers = self.mongo.database().collection::<Number>(MESSAGES);
        let last = numbers
            .find_one(doc! { "streamId": stream.to_string(), "seq": { "$gte": seq } })
            .sort(doc! { "streamId": -1, "seq": -1 })
            .projection(doc! { "_id": 0, "seq": 1 })
            .max_time(READ);
        Ok(within(last).await?.map(|last| last.seq))
    }
}
