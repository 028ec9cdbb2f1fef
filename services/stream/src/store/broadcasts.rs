//! Lists of broadcasts with their viewer samples.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::{Eq, Filter, Limit, Order, Select, array};
use diesel::expression::Expression;
use diesel::pg::Pg;
use diesel::prelude::*;
use primitives::{Cursor, PageInfo, PageRequest, StreamId};
use storage::list::{self, Count, List, SortKey, Total, in_page};

use super::{Conn, Store};
use crate::domain::EndReason;
use crate::error::{Error, Result};
use crate::schema::{broadcasts, viewer_samples};

/// A day has 1,440 samples, one per minute.
const MAX_SAMPLES: i64 = 10_000;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = broadcasts, check_for_backend(Pg))]
pub struct BroadcastView {
    pub id: i64,
    pub user_id: i64,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub end_reason: Option<EndReason>,
    pub peak_viewers: i32,
}

/// Samples by broadcast: the start of the minute, and the viewers.
pub type SamplesByBroadcast = HashMap<i64, Vec<(DateTime<Utc>, i32)>>;

impl Store {
    /// Returns a page of a stream's broadcasts, newest first, with their samples.
    pub async fn broadcast_list(
        &self,
        stream: StreamId,
        page: PageRequest,
    ) -> Result<(Vec<BroadcastView>, SamplesByBroadcast, PageInfo)> {
        let count = Count::always(page);
        let list = move |page| {
            let keys = broadcasts::table
                .filter(broadcasts::stream_id.eq(stream.0))
                .select((broadcasts::id, broadcasts::id));
            let rows = broadcasts::table
                .filter(in_page(broadcasts::id))
                .order(broadcasts::id.desc())
                .select((BroadcastWithSamples::as_select(), Total));
            List::new(keys, rows, SortKey::Id, count, page)
        };
        let cursor = |last: &BroadcastWithSamples| Cursor::from_id(last.broadcast.id);
        let (rows, info) = self
            .database
            .read(async move |conn: &mut Conn| {
                let loaded = list::load(conn, page, list, cursor).await;
                Ok::<_, Error>(loaded?)
            })
            .await?;
        let samples_of = |row: &BroadcastWithSamples| {
            let samples = row.sampled_at.iter().copied().zip(row.viewers.iter().copied());
            (row.broadcast.id, samples.collect())
        };
        let samples = rows.iter().map(samples_of).collect();
        Ok((rows.into_iter().map(|row| row.broadcast).collect(), samples, info))
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = broadcasts, check_for_backend(Pg))]
struct BroadcastWithSamples {
    #[diesel(embed)]
    broadcast: BroadcastView,
    #[diesel(select_expression = array(viewer_samples::table
        .filter(viewer_samples::broadcast_id.eq(broadcasts::id))
        .order(viewer_samples::sampled_at)
        .limit(MAX_SAMPLES)
        .select(viewer_samples::sampled_at)))]
    #[diesel(select_expression_type = SampleColumn<viewer_samples::sampled_at>)]
    sampled_at: Vec<DateTime<Utc>>,
    #[diesel(select_expression = array(viewer_samples::table
        .filter(viewer_samples::broadcast_id.eq(broadcasts::id))
        .order(viewer_samples::sampled_at)
        .limit(MAX_SAMPLES)
        .select(viewer_samples::viewers)))]
    #[diesel(select_expression_type = SampleColumn<viewer_samples::viewers>)]
    viewers: Vec<i32>,
}

type Samples = Limit<
    Order<
        Filter<viewer_samples::table, Eq<viewer_samples::broadcast_id, broadcasts::id>>,
        viewer_samples::sampled_at,
    >,
>;
type SampleColumn<C> = array<<C as Expression>::SqlType, Select<Samples, C>>;
