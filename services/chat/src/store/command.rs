//! Time limits and conversions that every collection needs.

use std::future::IntoFuture;
use std::time::Duration;

use chrono::{DateTime, Utc};
use mongodb::bson::{DateTime as BsonTime, Document, doc};
use primitives::{StreamId, UserId};
use tokio::time::timeout;

use crate::error::{Error, Result};

/// The limit of one command, whatever the driver waits for. A send must fail within 3 s.
pub(super) const COMMAND_TIMEOUT: Duration = Duration::from_millis(2300);
/// The limit that the server gets for a read.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// MongoDB's error code for a violated unique index.
pub(super) const DUPLICATE_KEY: i32 = 11_000;

/// Awaits a command for at most [`COMMAND_TIMEOUT`].
pub(super) async fn within<T>(command: impl IntoFuture<Output = mongodb::error::Result<T>>) -> Result<T> {
    Ok(completed(command).await??)
}

/// Like [`within`], for callers that examine MongoDB's error.
pub(super) async fn completed<T>(
    command: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<mongodb::error::Result<T>> {
    timeout(COMMAND_TIMEOUT, command.into_future())
        .await
        .map_err(|_| timed_out())
}

pub(super) fn timed_out() -> Error {
    Error::Unavailable("MongoDB timed out".to_owned())
}

/// MongoDB stores times in milliseconds.
pub(super) fn bson_time(time: DateTime<Utc>) -> BsonTime {
    BsonTime::from_millis(time.timestamp_millis())
}

pub(super) fn utc_time(time: BsonTime) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or_default()
}

/// The filter of a user's document in one room.
pub(super) fn room_user(stream: StreamId, user: UserId) -> Document {
    doc! { "streamId": stream.to_string(), "userId": user.to_string() }
}

/// Returns `otherwise` unless a command changed exactly one document.
pub(super) fn require_one(changed: u64, otherwise: Error) -> Result<()> {
    if changed == 1 { Ok(()) } else { Err(otherwise) }
}
