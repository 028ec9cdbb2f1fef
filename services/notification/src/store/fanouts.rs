//! Fan-outs: written with the inbox entry of their event, moved on page by page together with the
//! notifications of the page.

pub mod upkeep;

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use primitives::UserId;
use storage::Database;
use uuid::Uuid;

use crate::domain::{Advance, Fanout, Kind, Occasion, Page, State};
use crate::error::{Error, Result};
use crate::schema::{fanouts as f, purges};

/// How long a page's job has before the reconciler looks after it.
const JOB_TIME: Duration = Duration::from_secs(2);

/// A fan-out with what its notifications say.
#[derive(Debug, Clone)]
pub struct StoredFanout {
    /// How far it has come.
    pub fanout: Fanout,
    /// What makes a notification of it the only one for its user.
    pub dedupe_key: String,
    /// The sentence.
    pub message: String,
    /// When the fact happened.
    pub occurred_at: DateTime<Utc>,
    /// The trace of the fact, which the jobs continue.
    pub trace: HashMap<String, String>,
}

impl StoredFanout {
    /// Who gave the occasion.
    #[must_use]
    pub fn actor(&self) -> i64 {
        match self.fanout.kind {
            Kind::NewFollower => self.fanout.entity_id,
            Kind::StreamStarted | Kind::NewVod => self.fanout.user.0,
        }
    }
}

/// What writing a page came to.
#[derive(Debug, Clone)]
pub struct Told {
    /// The fan-out as it stands now.
    pub state: State,
    /// The notifications that were written: none when another run of the job was first.
    pub notified: Vec<Notified>,
}

/// A notification that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Notified {
    /// Whose it is.
    #[diesel(sql_type = BigInt)]
    pub user_id: i64,
    /// Its id.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = f, check_for_backend(diesel::pg::Pg))]
struct Row {
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
}

impl TryFrom<Row> for StoredFanout {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let broken = || Error::Row {
            table: "fanouts",
            row: row.id,
        };
        let state = match row.state.as_str() {
            "running" => State::Running {
                after: row.after_follower_id,
            },
            "done" => State::Done,
            "abandoned" => State::Abandoned,
            _ => return Err(broken()),
        };
        Ok(Self {
            fanout: Fanout {
                id: row.id,
                event_id: row.event_id,
                kind: row.type_.parse().map_err(|_| broken())?,
                user: UserId(row.user_id),
                entity_id: row.related_entity_id,
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

/// Writes a fan-out in the transaction of its event, with the trace that is current. `None`: the occasion was
/// told before, or one of its two accounts is gone.
///
/// # Errors
/// The store's.
pub async fn fanout_begin(
    conn: &mut AsyncPgConnection,
    occasion: &Occasion,
    event_id: Uuid,
    occurred_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<StoredFanout>> {
    let accounts = [occasion.user().0, occasion.actor().0];
    let gone = diesel::select(diesel::dsl::exists(
        purges::table.filter(purges::user_id.eq_any(accounts)),
    ));
    if gone.get_result::<bool>(conn).await? {
        return Ok(None);
    }
    let trace = serde_json::json!(proto::trace::current_context());
    let row = diesel::insert_into(f::table)
        .values((
            f::event_id.eq(event_id),
            f::type_.eq(occasion.kind().as_str()),
            f::user_id.eq(occasion.user().0),
            f::related_entity_id.eq(occasion.entity_id()),
            f::dedupe_key.eq(occasion.dedupe_key()),
            f::message.eq(occasion.message()),
            f::due_at.eq(now + JOB_TIME),
            f::trace_context.eq(trace),
            f::occurred_at.eq(occurred_at),
        ))
        .on_conflict_do_nothing()
        .returning(Row::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    row.map(StoredFanout::try_from).transpose()
}

/// The fan-out of an id.
///
/// # Errors
/// The store's.
pub async fn fanout_get(database: &Database, id: i64) -> Result<Option<StoredFanout>> {
    database
        .read(async move |conn: &mut AsyncPgConnection| {
            let row = f::table
                .find(id)
                .select(Row::as_select())
                .first(conn)
                .await
                .optional()?;
            row.map(StoredFanout::try_from).transpose()
        })
        .await
}

/// Writes the notifications of a page and moves the fan-out on, if the fan-out still stands where the job
/// says. Users who have the notification already are passed over.
///
/// # Errors
/// The store's, and [`Error::Page`] for a page that makes no sense.
pub async fn fanout_tell(
    database: &Database,
    id: i64,
    job_after: i64,
    page: Page,
    now: DateTime<Utc>,
) -> Result<Option<Told>> {
    database
        .transaction(async move |conn: &mut AsyncPgConnection| {
            let row = f::table
                .find(id)
                .for_update()
                .select(Row::as_select())
                .first(conn)
                .await
                .optional()?;
            let Some(row) = row else { return Ok(None) };
            let stored = StoredFanout::try_from(row)?;
            let Advance::To(state) = stored.fanout.advance(job_after, &page)? else {
                return Ok(Some(Told {
                    state: stored.fanout.state,
                    notified: Vec::new(),
                }));
            };
            let notified = insert_page(conn, &stored, &page).await?;
            move_on(conn, &stored.fanout, state, notified.len(), now).await?;
            Ok(Some(Told { state, notified }))
        })
        .await
}

async fn insert_page(
    conn: &mut AsyncPgConnection,
    stored: &StoredFanout,
    page: &Page,
) -> QueryResult<Vec<Notified>> {
    if page.users.is_empty() {
        return Ok(Vec::new());
    }
    let users: Vec<i64> = page.users.iter().map(|user| user.0).collect();
    // Always in rising order, so that two pages that meet wait for each other and do not deadlock.
    let statement = "INSERT INTO notifications (user_id, type, message, related_entity_id, related_entity_type, actor_id, \
                     event_id, dedupe_key) \
                     SELECT told, $2, $3, $4, $5, $6, $7, $8 FROM unnest($1) AS told ORDER BY told \
                     ON CONFLICT (user_id, dedupe_key) DO NOTHING RETURNING user_id, id";
    let fanout = &stored.fanout;
    diesel::sql_query(statement)
        .bind::<Array<BigInt>, _>(users)
        .bind::<Text, _>(fanout.kind.as_str())
        .bind::<Text, _>(&stored.message)
        .bind::<BigInt, _>(fanout.entity_id)
        .bind::<Text, _>(fanout.kind.entity_type())
        .bind::<BigInt, _>(stored.actor())
        .bind::<SqlUuid, _>(fanout.event_id)
        .bind::<Text, _>(&stored.dedupe_key)
        .load(conn)
        .await
}

async fn move_on(
    conn: &mut AsyncPgConnection,
    fanout: &Fanout,
    state: State,
    notified: usize,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let (name, after) = match state {
        State::Running { after } => ("running", Some(after)),
        State::Done => ("done", None),
        State::Abandoned => ("abandoned", None),
    };
    diesel::update(f::table.find(fanout.id))
        .set((
            f::state.eq(name),
            after.map(|after| f::after_follower_id.eq(after)),
            f::pages.eq(f::pages + 1),
            f::notified.eq(f::notified + i64::try_from(notified).unwrap_or(0)),
            f::attempts.eq(0),
            f::last_error.eq(None::<String>),
            f::due_at.eq(now + JOB_TIME),
            f::updated_at.eq(diesel::dsl::now),
        ))
        .execute(conn)
        .await
}
