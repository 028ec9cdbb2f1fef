//! Everything that this service keeps: MongoDB collections, one file for each family, and the rates in Redis.

pub mod acts;
pub mod bans;
pub mod deletions;
pub mod gone;
pub mod heads;
pub mod indexes;
mod inserter;
pub mod log;
pub mod messages;
pub mod moderators;
pub mod pages;
pub mod rates;
pub mod rooms;
pub mod settings;
pub mod writer;

use std::future::IntoFuture;
use std::time::Duration;

use chrono::{DateTime, Utc};
use mongodb::bson::DateTime as BsonTime;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::error::{Error, Result};

/// How long one command may take, whatever the driver waits for. A send has to fail within 3 s.
pub(crate) const ANSWER: Duration = Duration::from_millis(2300);
/// How long the server may work on one read.
pub(crate) const READ: Duration = Duration::from_secs(2);

/// Awaits an answer of MongoDB, but not for ever.
pub(crate) async fn within<T>(answer: impl IntoFuture<Output = mongodb::error::Result<T>>) -> Result<T> {
    Ok(answered(answer).await??)
}

/// The same, for who looks at what was refused.
async fn answered<T>(
    answer: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<mongodb::error::Result<T>> {
    timeout(ANSWER, answer.into_future()).await.map_err(late)
}

fn late(_: Elapsed) -> Error {
    Error::Unavailable("MongoDB did not answer in time".to_owned())
}

/// A time as MongoDB keeps it, in milliseconds.
fn bson_time(time: DateTime<Utc>) -> BsonTime {
    BsonTime::from_millis(time.timestamp_millis())
}

/// A time that MongoDB kept.
fn time_of(time: BsonTime) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or_default()
}
