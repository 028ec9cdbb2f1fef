//! `token_blacklist`: what is refused before it expires.
//!
//! The contract's column `token` holds the id of what is refused. A logout must refuse *all* access tokens of
//! its session, and we do not keep a list of those; but each carries the session's id as `sid`. So a logout
//! writes two rows, one with the presented token's `jti` and one with the session's `sid`, and every verifier
//! looks for both. A cut-off for a whole user (another password, fewer rights) is a row too, so that one
//! question answers what is new.

use bus::emit;
use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel::upsert::excluded;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use identity::{REVOCATIONS_PAGE, Revocation};
use primitives::{FieldError, UserId};
use proto::events::v1::event::Payload;
use proto::events::v1::{TokenRevoked, TokensCutoff, token_revoked};
use proto::time::timestamp;

use super::{Store, UserRow};
use crate::domain::{AccessTimes, Lifetimes, cutoff, refused_by_itself};
use crate::error::Result;
use crate::schema::{refresh_tokens, token_blacklist, users};

/// A row gets its time when its transaction begins and is seen when it commits, at most 10 s later (crate
/// `storage`). So whoever asks for news is given again what may have been written in the time before their
/// last question.
const OVERLAP: Duration = Duration::seconds(30);
/// Rows that one statement prunes.
const PRUNE_BATCH: i64 = 1000;

const TOKEN: &str = "token";
const SESSION: &str = "session";
const USER: &str = "user";

diesel::define_sql_function! { fn greatest(a: Timestamptz, b: Timestamptz) -> Timestamptz }

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = token_blacklist, check_for_backend(diesel::pg::Pg))]
struct Row {
    token: String,
    kind: String,
    user_id: i64,
    valid_from: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Row {
    fn revocation(self) -> Option<Revocation> {
        let until = self.expires_at;
        Some(match self.kind.as_str() {
            TOKEN => Revocation::Token {
                id: self.token,
                until,
            },
            SESSION => Revocation::Session {
                id: self.token,
                until,
            },
            _ => Revocation::User {
                id: UserId(self.user_id),
                valid_from: self.valid_from?,
                until,
            },
        })
    }
}

/// Writes a revocation; a later one of the same thing extends it.
pub(super) async fn revocation_insert(
    conn: &mut AsyncPgConnection,
    user: i64,
    revocation: &Revocation,
) -> Result<()> {
    let (token, kind, valid_from) = match revocation {
        Revocation::Token { id, .. } => (id.clone(), TOKEN, None),
        Revocation::Session { id, .. } => (id.clone(), SESSION, None),
        Revocation::User { id, valid_from, .. } => (format!("user:{id}"), USER, Some(*valid_from)),
    };
    diesel::insert_into(token_blacklist::table)
        .values((
            token_blacklist::token.eq(token),
            token_blacklist::kind.eq(kind),
            token_blacklist::user_id.eq(user),
            token_blacklist::valid_from.eq(valid_from),
            token_blacklist::expires_at.eq(revocation.until()),
        ))
        .on_conflict(token_blacklist::token)
        .do_update()
        .set((
            token_blacklist::valid_from.eq(excluded(token_blacklist::valid_from)),
            token_blacklist::expires_at.eq(greatest(
                token_blacklist::expires_at,
                excluded(token_blacklist::expires_at),
            )),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Refuses every access token that a locked account has now, and says so to everybody.
pub(super) async fn user_cut_off(
    conn: &mut AsyncPgConnection,
    user: &UserRow,
    lifetimes: Lifetimes,
    now: DateTime<Utc>,
) -> Result<()> {
    let valid_from = cutoff(now, user.tokens_valid_from);
    diesel::update(users::table.find(user.id))
        .set(users::tokens_valid_from.eq(valid_from))
        .execute(conn)
        .await?;
    // The longest that a token made until now may live; sessions that are gone may have had longer ones, up
    // to a day.
    let day = Duration::days(1).max(lifetimes.access);
    let until = refused_by_itself(AccessTimes::starting(now, Some(valid_from), day).expires_at);
    let revocation = Revocation::User {
        id: user.id(),
        valid_from,
        until,
    };
    revocation_insert(conn, user.id, &revocation).await?;
    let told = TokenRevoked {
        what: Some(token_revoked::What::User(TokensCutoff {
            user_id: user.id,
            tokens_valid_from: Some(timestamp(valid_from)),
        })),
        until: Some(timestamp(until)),
    };
    emit(conn, Payload::TokenRevoked(told), user.id, user.version).await?;
    Ok(())
}

impl Store {
    /// What was revoked since a cursor that an earlier answer gave, or all that still matters, in pages of
    /// [`REVOCATIONS_PAGE`]; and the next cursor.
    pub async fn revocations_since(&self, cursor: &str) -> Result<(Vec<Revocation>, String)> {
        let after = Position::parse(cursor)?;
        let page = i64::try_from(REVOCATIONS_PAGE).unwrap_or(i64::MAX);
        let (now, rows) = self
            .database
            .read(async |conn| -> Result<(DateTime<Utc>, Vec<Row>)> {
                // The database's clock wrote the rows, so it also says from when the next question asks; and
                // it is read first, since rows may come while we look.
                let now = diesel::select(diesel::dsl::now.into_sql::<Timestamptz>())
                    .get_result(conn)
                    .await?;
                let news = token_blacklist::updated_at
                    .gt(after.at)
                    .or(token_blacklist::updated_at
                        .eq(after.at)
                        .and(token_blacklist::token.gt(&after.token)));
                let rows = token_blacklist::table
                    .filter(news.and(token_blacklist::expires_at.ge(diesel::dsl::now)))
                    .order((token_blacklist::updated_at, token_blacklist::token))
                    .limit(page)
                    .select(Row::as_select())
                    .load(conn)
                    .await?;
                Ok((now, rows))
            })
            .await?;
        let next = match rows.last() {
            Some(last) if rows.len() >= REVOCATIONS_PAGE => Position {
                at: last.updated_at,
                token: last.token.clone(),
            },
            _ => Position {
                at: (now - OVERLAP).max(after.at.min(now)),
                token: String::new(),
            },
        };
        Ok((
            rows.into_iter().filter_map(Row::revocation).collect(),
            next.to_string(),
        ))
    }

    /// Removes rows that refuse nothing any more; answers how many.
    pub async fn revocations_prune(&self, now: DateTime<Utc>) -> Result<usize> {
        let old = token_blacklist::table
            .filter(token_blacklist::expires_at.lt(now))
            .select(token_blacklist::token)
            .limit(PRUNE_BATCH)
            .for_update()
            .skip_locked();
        self.database
            .transaction(async move |conn| {
                let tokens: Vec<String> = old.load(conn).await?;
                let rows = token_blacklist::table.filter(token_blacklist::token.eq_any(tokens));
                Ok(diesel::delete(rows).execute(conn).await?)
            })
            .await
    }

    /// Removes refresh tokens that have expired; answers how many.
    pub async fn refresh_tokens_prune(&self, now: DateTime<Utc>) -> Result<usize> {
        let old = refresh_tokens::table
            .filter(refresh_tokens::expires_at.lt(now))
            .select(refresh_tokens::hash)
            .limit(PRUNE_BATCH)
            .for_update()
            .skip_locked();
        self.database
            .transaction(async move |conn| {
                let hashes: Vec<Vec<u8>> = old.load(conn).await?;
                let rows = refresh_tokens::table.filter(refresh_tokens::hash.eq_any(hashes));
                Ok(diesel::delete(rows).execute(conn).await?)
            })
            .await
    }
}

/// A place in the order of the table, as a cursor says it: microseconds, a colon, the row's token.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Position {
    at: DateTime<Utc>,
    token: String,
}

impl Position {
    fn parse(cursor: &str) -> Result<Self> {
        if cursor.is_empty() {
            return Ok(Self {
                at: DateTime::UNIX_EPOCH,
                token: String::new(),
            });
        }
        let position = cursor.split_once(':').and_then(|(micros, token)| {
            let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
            Some(Self {
                at,
                token: token.to_owned(),
            })
        });
        position.ok_or_else(|| FieldError::new("cursor", "invalid", "is not one that this list gave").into())
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.at.timestamp_micros(), self.token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let position = Position {
            at: DateTime::from_timestamp_micros(1_795_376_364_123_456).unwrap(),
            token: "user:7".into(),
        };
        assert_eq!(Position::parse(&position.to_string()).unwrap(), position);
        assert_eq!(Position::parse("").unwrap().at, DateTime::UNIX_EPOCH);
        for bad in ["x", "1", "x:y", "9223372036854775807:a"] {
            assert!(Position::parse(bad).is_err(), "{bad}");
        }
    }
}
