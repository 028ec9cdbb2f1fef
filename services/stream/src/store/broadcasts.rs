//! Times on air, as they are listed.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::page::PageStart;
use domain::{Cursor, PageInfo, PageRequest, StreamId};

use super::{Conn, Store};
use crate::error::Result;
use crate::schema::{broadcasts, viewer_samples};

/// Points of a curve that are shown at most; a day has 1,440 minutes.
const LONGEST_CURVE: i64 = 10_000;

/// A time on air.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = broadcasts, check_for_backend(Pg))]
#[expect(missing_docs, reason = "each is the column of that name")]
pub struct BroadcastView {
    pub id: i64,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub end_reason: Option<String>,
    pub peak_viewers: i32,
}

/// Viewers per minute, by broadcast.
pub type Curves = HashMap<i64, Vec<(DateTime<Utc>, i32)>>;

impl Store {
    /// A page of a stream's times on air, newest first, with their curves.
    ///
    /// # Errors
    /// What the database says.
    pub async fn broadcast_list(
        &self,
        stream: StreamId,
        page: PageRequest,
    ) -> Result<(Vec<BroadcastView>, Curves, PageInfo)> {
        self.database
            .read(async move |conn: &mut Conn| {
                let of_stream = broadcasts::stream_id.eq(stream.0);
                let mut query = broadcasts::table
                    .filter(of_stream)
                    .select(BroadcastView::as_select())
                    .into_boxed::<Pg>();
                let total = match page.start {
                    PageStart::Page(_) => Some(
                        broadcasts::table
                            .filter(of_stream)
                            .count()
                            .get_result::<i64>(conn)
                            .await?,
                    ),
                    PageStart::After(after) => {
                        query = query.filter(broadcasts::id.lt(after.id));
                        None
                    }
                };
                let offset = i64::try_from(page.offset()).unwrap_or(i64::MAX);
                let query = query
                    .order(broadcasts::id.desc())
                    .limit(i64::from(page.limit) + 1)
                    .offset(offset);
                let mut rows: Vec<BroadcastView> = query.load(conn).await?;
                let wanted = usize::try_from(page.limit).unwrap_or(usize::MAX);
                let more = rows.len() > wanted;
                rows.truncate(wanted);
                let info = PageInfo {
                    total_items: total.map(|total| u64::try_from(total).unwrap_or(0)),
                    total_items_capped: false,
                    next_cursor: rows
                        .last()
                        .filter(|_| more)
                        .map(|last| Cursor { key: 0, id: last.id }),
                };
                let curves = curves_in(conn, rows.iter().map(|row| row.id).collect()).await?;
                Ok((rows, curves, info))
            })
            .await
    }
}

async fn curves_in(conn: &mut Conn, broadcasts: Vec<i64>) -> Result<Curves> {
    let samples: Vec<(i64, DateTime<Utc>, i32)> = viewer_samples::table
        .filter(viewer_samples::broadcast_id.eq_any(broadcasts))
        .order((viewer_samples::broadcast_id.desc(), viewer_samples::sampled_at))
        .limit(LONGEST_CURVE)
        .select((
            viewer_samples::broadcast_id,
            viewer_samples::sampled_at,
            viewer_samples::viewers,
        ))
        .load(conn)
        .await?;
    let mut curves = Curves::new();
    for (broadcast, at, viewers) in samples {
        curves.entry(broadcast).or_default().push((at, viewers));
    }
    Ok(curves)
}
