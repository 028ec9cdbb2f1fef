//! Viewer counts on the rows: the current one, the peak, and the curve.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::StreamId;

use super::{Conn, Store};
use crate::error::Result;
use crate::schema::streams;

/// Viewers of one stream since the last time that they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    /// The stream.
    pub stream: StreamId,
    /// Now.
    pub viewers: u32,
    /// The most that were seen at once.
    pub peak: u32,
}

const COUNTS: &str = "UPDATE streams SET viewer_count = seen.viewers FROM unnest($1, $2) AS seen (id, viewers) \
     WHERE streams.id = seen.id AND streams.status = 'live' AND streams.viewer_count <> seen.viewers";
const PEAKS: &str = "UPDATE broadcasts SET peak_viewers = seen.peak, updated_at = $3 \
     FROM unnest($1, $2) AS seen (id, peak) WHERE broadcasts.stream_id = seen.id AND broadcasts.state <> 'ended' \
     AND broadcasts.peak_viewers < seen.peak";
const CURVE: &str = "INSERT INTO viewer_samples (broadcast_id, sampled_at, viewers) \
     SELECT broadcasts.id, date_trunc('minute', $3::timestamptz), seen.peak \
     FROM unnest($1, $2) AS seen (id, peak) JOIN broadcasts ON broadcasts.stream_id = seen.id \
     AND broadcasts.state <> 'ended' ORDER BY broadcasts.id ON CONFLICT (broadcast_id, sampled_at) \
     DO UPDATE SET viewers = excluded.viewers, updated_at = $3 WHERE viewer_samples.viewers < excluded.viewers";

impl Store {
    /// The streams that are on air.
    ///
    /// # Errors
    /// What the database says.
    pub async fn live_streams(&self) -> Result<Vec<StreamId>> {
        self.database
            .read(async |conn: &mut Conn| {
                let ids: Vec<i64> = streams::table
                    .filter(streams::status.eq("live"))
                    .select(streams::id)
                    .load(conn)
                    .await?;
                Ok(ids.into_iter().map(StreamId).collect())
            })
            .await
    }

    /// Writes current counts, peaks and this minute's points of the curves. Streams that have ended are left at 0.
    ///
    /// # Errors
    /// What the database says.
    pub async fn viewers_write(&self, mut watched: Vec<Watched>) -> Result<()> {
        let now: DateTime<Utc> = self.clock.now();
        // In the order of ids, so that no two writers wait for one another.
        watched.sort_by_key(|row| row.stream);
        let ids: Vec<i64> = watched.iter().map(|row| row.stream.0).collect();
        let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        let viewers: Vec<i32> = watched.iter().map(|row| count(row.viewers)).collect();
        let peaks: Vec<i32> = watched.iter().map(|row| count(row.peak)).collect();
        self.database
            .transaction(async move |conn: &mut Conn| {
                diesel::sql_query(COUNTS)
                    .bind::<Array<BigInt>, _>(&ids)
                    .bind::<Array<Integer>, _>(&viewers)
                    .execute(conn)
                    .await?;
                for statement in [PEAKS, CURVE] {
                    diesel::sql_query(statement)
                        .bind::<Array<BigInt>, _>(&ids)
                        .bind::<Array<Integer>, _>(&peaks)
                        .bind::<Timestamptz, _>(now)
                        .execute(conn)
                        .await?;
                }
                Ok(())
            })
            .await
    }
}
