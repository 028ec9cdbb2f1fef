//! Fan-outs: created with the inbox entry of their event, advanced page by page together with the
//! notifications of the page.

pub mod upkeep;

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::UserId;
use storage::Database;
use uuid::Uuid;

use crate::domain::{Advance, Fanout, FanoutState, FollowerPage, Occasion};
use crate::error::{Error, Result};
use crate::schema::{fanouts as f, purges};

/// How long the job of a page may take before the reconciler checks on it.
const JOB_TIMEOUT: Duration = Duration::from_secs(2);

/// A fan-out with the contents of its notifications.
#[derive(Debug, Clone)]
pub struct StoredFanout {
    pub fanout: Fanout,
    pub dedupe_key: String,
    pub message: String,
    /// When the fact happened.
    pub occurred_at: DateTime<Utc>,
    /// The trace context of the event, which the jobs continue.
    pub trace: HashMap<String, String>,
}

/// What writing a page led to.
#[derive(Debug, Clone)]
pub struct PageOutcome {
    /// The state of the fan-out after it.
    pub state: FanoutState,
    /// The new notifications; empty if another run of the job was faster.
    pub created: Vec<CreatedNotification>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct CreatedNotification {
    #[diesel(sql_type = BigInt)]
    pub user_id: i64,
    #[diesel(sql_type = BigInt)]
    pub id: i64,
}

/// The column `state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FanoutStatus {
    Running,
    Done,
    Abandoned,
}

impl FanoutStatus {
    const ALL: [Self; 3] = [Self::Running, Self::Done, Self::Abandoned];

    fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Abandoned => "abandoned",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = f, check_for_backend(diesel::pg::Pg))]
struct FanoutRow {
    id: i64,
    event_id: Uuid,
    type_: String,
    user_id: i64,
    related_entity_id: i64,
    dedupe_key: String,
    message: String,
    state: String,
    after_follower_id: i64,
    pages: i32,
    occurred_at: DateTime<Utc>,
    trace_context: serde_json::Value,
    subject_title: Option<String>,
}

impl TryFrom<FanoutRow> for StoredFanout {
    type Error = Error;

    fn try_from(row: FanoutRow) -> Result<Self> {
        let corrupt = || Error::CorruptRow {
            table: "fanouts",
            row: row.id,
        };
        let state = match FanoutStatus::parse(&row.state).ok_or_else(corrupt)? {
            FanoutStatus::Running => FanoutState::Running {
                after: row.after_follower_id,
            },
            FanoutStatus::Done => FanoutState::Done,
            FanoutStatus::Abandoned => FanoutState::Abandoned,
        };
        Ok(Self {
            fanout: Fanout {
                id: row.id,
                event_id: row.event_id,
                kind: row.type_.parse().map_err(|_| corrupt())?,
                user: UserId(row.user_id),
                entity_id: row.related_entity_id,
                subject_title: row.subject_title,
                state,
                pages: row.pages,
            },
            trace: serde_json::from_value(row.trace_context).unwrap_or_default(),
            dedupe_key: row.dedupe_key,
            message: row.message,
            occurred_at: row.occurred_at,
        })
    }
}

/// Creates a fan-out in the transaction of its event, with the current trace context. Returns `None` if the
/// occasion already has a fan-out, or if one of its two accounts was deleted.
pub async fn fanout_create(
    conn: &mut AsyncPgConnection,
    occasion: &Occasion,
    event_id: Uuid,
    occurred_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<StoredFanout>> {
    let accounts = [occasion.user().0, occasion.actor().0];
    let deleted = diesel::select(diesel::dsl::exists(
        purges::table.filter(purges::user_id.eq_any(accounts)),
    ));
    if deleted.get_result::<bool>(conn).await? {
        return Ok(None);
    }
    let trace = serde_json::json!(proto::trace::current_context());
    let row = diesel::insert_into(f::table)
        .values((
            f::event_id.eq(event_id),
            f::type_.eq(occasion.kind().as_str()),
            f::user_id.eq(occasion.user().0),
            f::related_entity_id.eq(occasion.entity_id()),
            f::subject_title.eq(occasion.subject_title()),
            f::dedupe_key.eq(occasion.dedupe_key()),
            f::message.eq(occasion.message()),
            f::due_at.eq(now + JOB_TIMEOUT),
            f::trace_context.eq(trace),
            f::occurred_at.eq(occurred_at),
        ))
        .on_conflict_do_nothing()
        .returning(FanoutRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    row.map(StoredFanout::try_from).transpose()
}

pub async fn fanout_get(database: &Database, id: i64) -> Result<Option<StoredFanout>> {
    database
        .read(async move |conn: &mut AsyncPgConnection| {
            let row = f::table
                .find(id)
                .select(FanoutRow::as_select())
                .first(conn)
                .await
                .optional()?;
            row.map(StoredFanout::try_from).transpose()
        })
        .await
}

/// Writes the notifications of the page after `job_after` and advances the fan-out, if that is its current
/// page. Skips users who already have the notification. Returns `None` if the fan-out is gone.
///
/// # Errors
/// [`Error::UnsortedPage`] for a page that is not in ascending order.
pub async fn fanout_write_page(
    database: &Database,
    id: i64,
    job_after: i64,
    page: FollowerPage,
    now: DateTime<Utc>,
) -> Result<Option<PageOutcome>> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let row = f::table
                .find(id)
                .for_update()
                .select(FanoutRow::as_select())
                .first(conn)
                .await
                .optional()?;
            let Some(row) = row else { return Ok(None) };
            let stored = StoredFanout::try_from(row)?;
            let Advance::To(state) = stored.fanout.advance(job_after, &page)? else {
                return Ok(Some(PageOutcome {
                    state: stored.fanout.state,
                    created: Vec::new(),
                }));
            };
            let created = insert_page(conn, &stored, &page).await?;
            advance(conn, &stored.fanout, state, created.len(), now).await?;
            Ok(Some(PageOutcome { state, created }))
        })
        .await
}

async fn insert_page(
    conn: &mut AsyncPgConnection,
    stored: &StoredFanout,
    page: &FollowerPage,
) -> QueryResult<Vec<CreatedNotification>> {
    if page.users.is_empty() {
        return Ok(Vec::new());
    }
    let users: Vec<i64> = page.users.iter().map(|user| user.0).collect();
    // In ascending order, so that two overlapping pages wait for each other instead of deadlocking.
    let statement = "INSERT INTO notifications (user_id, type, message, related_entity_id, \
                     related_entity_type, actor_id, event_id, dedupe_key, subject_title) \
                     SELECT recipient, $2, $3, $4, $5, $6, $7, $8, $9 FROM unnest($1) AS recipient \
                     ORDER BY recipient ON CONFLICT (user_id, dedupe_key) DO NOTHING RETURNING user_id, id";
    let fanout = &stored.fanout;
    diesel::sql_query(statement)
        .bind::<Array<BigInt>, _>(users)
        .bind::<Text, _>(fanout.kind.as_str())
        .bind::<Text, _>(&stored.message)
        .bind::<BigInt, _>(fanout.entity_id)
        .bind::<Text, _>(fanout.kind.entity_type())
        .bind::<BigInt, _>(fanout.actor().0)
        .bind::<SqlUuid, _>(fanout.event_id)
        .bind::<Text, _>(&stored.dedupe_key)
        .bind::<Nullable<Text>, _>(&fanout.subject_title)
        .load(conn)
        .await
}

async fn advance(
    conn: &mut AsyncPgConnection,
    fanout: &Fanout,
    state: FanoutState,
    created: usize,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let (status, after) = match state {
        FanoutState::Running { after } => (FanoutStatus::Running, Some(after)),
        FanoutState::Done => (FanoutStatus::Done, None),
        FanoutState::Abandoned => (FanoutStatus::Abandoned, None),
    };
    diesel::update(f::table.find(fanout.id))
        .set((
            f::state.eq(status.as_str()),
            after.map(|after| f::after_follower_id.eq(after)),
            f::pages.eq(f::pages + 1),
            f::notified.eq(f::notified + i64::try_from(created).unwrap_or(0)),
            f::attempts.eq(0),
            f::last_error.eq(None::<String>),
            f::due_at.eq(now + JOB_TIMEOUT),
            f::updated_at.eq(diesel::dsl::now),
        ))
        .execute(conn)
        .await
}
