//! Viewer counts on the rows: the current one, the peak, and the curve.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Timestamptz};
use diesel_async::RunQueryDsl;
use primitives::{BroadcastId, StreamId};

use super::{Conn, Store};
use crate::domain::{Airing, Point};
use crate::error::Result;
use crate::schema::broadcasts;

const COUNTS: &str = "UPDATE streams SET viewer_count = seen.viewers FROM unnest($1, $2) AS seen (id, viewers) \
     WHERE streams.id = seen.id AND streams.status = 'live' AND streams.viewer_count <> seen.viewers";
const PEAKS: &str = "UPDATE broadcasts SET peak_viewers = peak.viewers, updated_at = $3 \
     FROM (SELECT id, max(viewers) AS viewers FROM unnest($1, $2) AS points (id, viewers) GROUP BY id) AS peak \
     WHERE broadcasts.id = peak.id AND broadcasts.peak_viewers < peak.viewers";
const CURVE: &str = "INSERT INTO viewer_samples (broadcast_id, sampled_at, viewers) \
     SELECT broadcasts.id, points.minute, points.viewers FROM unnest($1, $2, $4) AS points (id, viewers, minute) \
     JOIN broadcasts ON broadcasts.id = points.id ORDER BY broadcasts.id, points.minute \
     ON CONFLICT (broadcast_id, sampled_at) \
     DO UPDATE SET viewers = excluded.viewers, updated_at = $3 WHERE viewer_samples.viewers < excluded.viewers";

impl Store {
    /// The broadcasts that are not over.
    ///
    /// # Errors
    /// What the database says.
    pub async fn airings(&self) -> Result<Vec<Airing>> {
        self.database
            .read(async |conn: &mut Conn| {
                let rows: Vec<(i64, Option<i64>, DateTime<Utc>)> = broadcasts::table
                    .filter(broadcasts::state.ne("ended"))
                    .select((broadcasts::id, broadcasts::stream_id, broadcasts::started_at))
                    .load(conn)
                    .await?;
                Ok(rows.into_iter().filter_map(airing).collect())
            })
            .await
    }

    /// Writes current counts, and points of curves with the peaks that follow from them. Streams that have
    /// ended are left at 0; points are written whether or not their broadcast is over, and nothing becomes
    /// less by it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn viewers_write(&self, counts: Vec<(StreamId, u32)>, points: Vec<Point>) -> Result<()> {
        let now: DateTime<Utc> = self.clock.now();
        let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        let (streams, viewers): (Vec<i64>, Vec<i32>) =
            counts.iter().map(|(stream, n)| (stream.0, count(*n))).unzip();
        let ids: Vec<i64> = points.iter().map(|point| point.broadcast.0).collect();
        let most: Vec<i32> = points.iter().map(|point| count(point.viewers)).collect();
        let minutes: Vec<DateTime<Utc>> = points.iter().map(|point| point.minute).collect();
        self.database
            .transaction(async move |conn: &mut Conn| {
                diesel::sql_query(COUNTS)
                    .bind::<Array<BigInt>, _>(&streams)
                    .bind::<Array<Integer>, _>(&viewers)
                    .execute(conn)
                    .await?;
                diesel::sql_query(PEAKS)
                    .bind::<Array<BigInt>, _>(&ids)
                    .bind::<Array<Integer>, _>(&most)
                    .bind::<Timestamptz, _>(now)
                    .execute(conn)
                    .await?;
                diesel::sql_query(CURVE)
                    .bind::<Array<BigInt>, _>(&ids)
                    .bind::<Array<Integer>, _>(&most)
                    .bind::<Timestamptz, _>(now)
                    .bind::<Array<Timestamptz>, _>(&minutes)
                    .execute(conn)
                    .await?;
                Ok(())
            })
            .await
    }
}

fn airing((broadcast, stream, started_at): (i64, Option<i64>, DateTime<Utc>)) -> Option<Airing> {
    Some(Airing {
        broadcast: BroadcastId(broadcast),
        stream: StreamId(stream?),
        started_at,
    })
}
