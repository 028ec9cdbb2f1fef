//! Stored viewer counts: the current one, the peak, and the samples.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use primitives::StreamId;

use super::{Conn, Store};
use crate::domain::{StreamStatus, ViewerSample};
use crate::error::Result;

const SET_COUNTS: &str = "UPDATE streams SET viewer_count = counted.viewers \
     FROM unnest($1, $2) AS counted (id, viewers) \
     WHERE streams.id = counted.id AND streams.status = $3 AND streams.viewer_count <> counted.viewers";
const RAISE_PEAKS: &str = "UPDATE broadcasts SET peak_viewers = peak.viewers, updated_at = $3 \
     FROM (SELECT id, max(viewers) AS viewers FROM unnest($1, $2) AS samples (id, viewers) GROUP BY id) \
     AS peak \
     WHERE broadcasts.id = peak.id AND broadcasts.peak_viewers < peak.viewers";
const RAISE_SAMPLES: &str = "INSERT INTO viewer_samples (broadcast_id, sampled_at, viewers) \
     SELECT broadcasts.id, samples.minute, samples.viewers \
     FROM unnest($1, $2, $4) AS samples (id, viewers, minute) \
     JOIN broadcasts ON broadcasts.id = samples.id ORDER BY broadcasts.id, samples.minute \
     ON CONFLICT (broadcast_id, sampled_at) \
     DO UPDATE SET viewers = excluded.viewers, updated_at = $3 \
     WHERE viewer_samples.viewers < excluded.viewers";

impl Store {
    /// Stores current counts, samples, and the peaks that follow from them. Streams that have ended stay at
    /// 0; samples are stored even if their broadcast has ended. Samples and peaks only ever rise.
    pub async fn viewers_save(&self, counts: Vec<(StreamId, u32)>, samples: Vec<ViewerSample>) -> Result<()> {
        let now = self.clock.now();
        let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        let (streams, viewers): (Vec<i64>, Vec<i32>) =
            counts.iter().map(|(stream, n)| (stream.0, count(*n))).unzip();
        let ids: Vec<i64> = samples.iter().map(|sample| sample.broadcast.0).collect();
        let highest: Vec<i32> = samples.iter().map(|sample| count(sample.viewers)).collect();
        let minutes: Vec<DateTime<Utc>> = samples.iter().map(|sample| sample.minute).collect();
        self.database
            .transaction(async move |conn: &mut Conn| {
                diesel::sql_query(SET_COUNTS)
                    .bind::<Array<BigInt>, _>(&streams)
                    .bind::<Array<Integer>, _>(&viewers)
                    .bind::<Text, _>(StreamStatus::Live.as_str())
                    .execute(conn)
                    .await?;
                diesel::sql_query(RAISE_PEAKS)
                    .bind::<Array<BigInt>, _>(&ids)
                    .bind::<Array<Integer>, _>(&highest)
                    .bind::<Timestamptz, _>(now)
                    .execute(conn)
                    .await?;
                diesel::sql_query(RAISE_SAMPLES)
                    .bind::<Array<BigInt>, _>(&ids)
                    .bind::<Array<Integer>, _>(&highest)
                    .bind::<Timestamptz, _>(now)
                    .bind::<Array<Timestamptz>, _>(&minutes)
                    .execute(conn)
                    .await?;
                Ok(())
            })
            .await
    }
}
