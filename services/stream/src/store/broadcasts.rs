//! Times on air, as they are listed.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::{Eq, Filter, Limit, Order, Select, array};
use diesel::expression::Expression;
use diesel::pg::Pg;
use diesel::prelude::*;
use primitives::{Cursor, PageInfo, PageRequest, StreamId};
use storage::list::{self, Count, List, SortKey, Total, in_page};

use super::{Conn, Store};
use crate::error::{Error, Result};
use crate::schema::{broadcasts, viewer_samples};

/// Points of a broadcast's curve that are shown at most; a day has 1,440 minutes.
const LONGEST_CURVE: i64 = 10_000;

/// A time on air.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = broadcasts, check_for_backend(Pg))]
pub struct BroadcastView {
    pub id: i64,
    pub user_id: i64,
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
        let count = Count::always(page);
        let list = move |page| {
            let keys = broadcasts::table
                .filter(broadcasts::stream_id.eq(stream.0))
                .select((broadcasts::id, broadcasts::id));
            let rows = broadcasts::table
                .filter(in_page(broadcasts::id))
                .order(broadcasts::id.desc())
                .select((Row::as_select(), Total));
            List::new(keys, rows, SortKey::Id, count, page)
        };
        let cursor = |last: &Row| Cursor::from_id(last.broadcast.id);
        let (rows, info) = self
            .database
            .read(async move |conn: &mut Conn| {
                let loaded = list::load(conn, page, list, cursor).await;
                Ok::<_, Error>(loaded?)
            })
            .await?;
        let curve = |row: &Row| {
            let points = row.sampled_at.iter().copied().zip(row.viewers.iter().copied());
            (row.broadcast.id, points.collect())
        };
        let curves = rows.iter().map(curve).collect();
        Ok((rows.into_iter().map(|row| row.broadcast).collect(), curves, info))
    }
}

/// A time on air with its curve.
#[derive(Queryable, Selectable)]
#[diesel(table_name = broadcasts, check_for_backend(Pg))]
struct Row {
    #[diesel(embed)]
    broadcast: BroadcastView,
    #[diesel(select_expression = array(viewer_samples::table
        .filter(viewer_samples::broadcast_id.eq(broadcasts::id))
        .order(viewer_samples::sampled_at)
        .limit(LONGEST_CURVE)
        .select(viewer_samples::sampled_at)))]
    #[diesel(select_expression_type = Curve<viewer_samples::sampled_at>)]
    sampled_at: Vec<DateTime<Utc>>,
    #[diesel(select_expression = array(viewer_samples::table
        .filter(viewer_samples::broadcast_id.eq(broadcasts::id))
        .order(viewer_samples::sampled_at)
        .limit(LONGEST_CURVE)
        .select(viewer_samples::viewers)))]
    #[diesel(select_expression_type = Curve<viewer_samples::viewers>)]
    viewers: Vec<i32>,
}

type Samples = Limit<
    Order<
        Filter<viewer_samples::table, Eq<viewer_samples::broadcast_id, broadcasts::id>>,
        viewer_samples::sampled_at,
    >,
>;
type Curve<C> = array<<C as Expression>::SqlType, Select<Samples, C>>;
