//! `token_blacklist`: tokens that are revoked before they expire.
//!
//! The column `token` contains the id of what is revoked. A logout must revoke *all* access tokens of its
//! session, of which there is no list; but each of them contains the session's id as `sid`. So a logout
//! writes two rows, one with the presented token's `jti` and one with the session's `sid`, and verifiers
//! check both. A cutoff for all tokens of a user (after a new password or role) is a row too, so that one
//! query returns everything new.

use bus::emit;
use chrono::{DateTime, Duration, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{Text, Timestamptz};
use diesel::upsert::excluded;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use identity::{REVOCATIONS_PAGE, Revocation};
use primitives::{FieldError, UserId};
use proto::events::v1::event::Payload;
use proto::events::v1::{TokenRevoked, TokensCutoff, token_revoked};
use proto::time::timestamp;

use super::{Store, UserRow};
use crate::domain::{AccessTimes, Lifetimes, cutoff, leeway_end};
use crate::error::Result;
use crate::schema::{refresh_tokens, token_blacklist, users};

/// A row gets its time when its transaction begins and becomes visible when it commits, at most 10 s later
/// (crate `storage`). Each cursor therefore reaches back, so that the next page includes such rows.
const OVERLAP: Duration = Duration::seconds(30);
/// The number of rows that one statement deletes.
const PRUNE_BATCH: i64 = 1000;

/// The column `kind`.
#[derive(Debug, Clone, Copy, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
enum RevocationKind {
    Token,
    Session,
    User,
}

impl RevocationKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::User => "user",
        }
    }
}

impl ToSql<Text, Pg> for RevocationKind {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <str as ToSql<Text, Pg>>::to_sql(self.as_str(), out)
    }
}

impl FromSql<Text, Pg> for RevocationKind {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Pg>>::from_sql(value)?;
        [Self::Token, Self::Session, Self::User]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("unknown kind of revocation {text}").into())
    }
}

diesel::define_sql_function! { fn greatest(a: Timestamptz, b: Timestamptz) -> Timestamptz }

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = token_blacklist, check_for_backend(Pg))]
struct RevocationRow {
    token: String,
    kind: RevocationKind,
    user_id: i64,
    valid_from: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl RevocationRow {
    fn revocation(self) -> Option<Revocation> {
        let until = self.expires_at;
        Some(match self.kind {
            RevocationKind::Token => Revocation::Token {
                id: self.token,
                until,
            },
            RevocationKind::Session => Revocation::Session {
                id: self.token,
                until,
            },
            RevocationKind::User => Revocation::User {
                id: UserId(self.user_id),
                valid_from: self.valid_from?,
                until,
            },
        })
    }
}

/// Writes a revocation, or extends the one with the same id.
pub(super) async fn revocation_insert(
    conn: &mut AsyncPgConnection,
    user: i64,
    revocation: &Revocation,
) -> Result<()> {
    let (token, kind, valid_from) = match revocation {
        Revocation::Token { id, .. } => (id.clone(), RevocationKind::Token, None),
        Revocation::Session { id, .. } => (id.clone(), RevocationKind::Session, None),
        Revocation::User { id, valid_from, .. } => {
            (format!("user:{id}"), RevocationKind::User, Some(*valid_from))
        }
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

/// Revokes every access token issued to a locked user so far. Emits `token.revoked`.
pub(super) async fn revoke_access_tokens(
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
    // Tokens of ended sessions may have been issued under a longer lifetime; a day is the longest possible.
    let lifetime = Duration::days(1).max(lifetimes.access);
    let until = leeway_end(AccessTimes::new(now, Some(valid_from), lifetime).expires_at);
    let revocation = Revocation::User {
        id: user.id(),
        valid_from,
        until,
    };
    revocation_insert(conn, user.id, &revocation).await?;
    let event = TokenRevoked {
        what: Some(token_revoked::What::User(TokensCutoff {
            user_id: user.id,
            tokens_valid_from: Some(timestamp(valid_from)),
        })),
        until: Some(timestamp(until)),
    };
    emit(conn, Payload::TokenRevoked(event), user.id, user.version).await?;
    Ok(())
}

impl Store {
    /// Returns up to [`REVOCATIONS_PAGE`] revocations after a cursor (an empty one stands for the beginning),
    /// and the next cursor. Expired revocations are left out; some may be returned twice.
    ///
    /// # Errors
    /// `invalid_cursor` if the cursor is not one that this method returned.
    pub async fn revocations_since(&self, cursor: &str) -> Result<(Vec<Revocation>, String)> {
        let after = RevocationCursor::parse(cursor)?;
        let page_size = i64::try_from(REVOCATIONS_PAGE).unwrap_or(i64::MAX);
        let (now, rows) = self
            .database
            .read(async |conn| -> Result<(DateTime<Utc>, Vec<RevocationRow>)> {
                // The database's clock dated the rows, so it also dates the next cursor. It is read first,
                // because rows may be added during the query.
                let now = diesel::select(diesel::dsl::now.into_sql::<Timestamptz>())
                    .get_result(conn)
                    .await?;
                let newer = token_blacklist::updated_at
                    .gt(after.at)
                    .or(token_blacklist::updated_at
                        .eq(after.at)
                        .and(token_blacklist::token.gt(&after.token)));
                let rows = token_blacklist::table
                    .filter(newer.and(token_blacklist::expires_at.ge(diesel::dsl::now)))
                    .order((token_blacklist::updated_at, token_blacklist::token))
                    .limit(page_size)
                    .select(RevocationRow::as_select())
                    .load(conn)
                    .await?;
                Ok((now, rows))
            })
            .await?;
        let next = match rows.last() {
            Some(last) if rows.len() >= REVOCATIONS_PAGE => RevocationCursor {
                at: last.updated_at,
                token: last.token.clone(),
            },
            _ => RevocationCursor {
                at: (now - OVERLAP).max(after.at.min(now)),
                token: String::new(),
            },
        };
        Ok((
            rows.into_iter().filter_map(RevocationRow::revocation).collect(),
            next.to_string(),
        ))
    }

    /// Deletes a batch of expired revocations and returns how many it deleted.
    pub async fn revocations_prune(&self, now: DateTime<Utc>) -> Result<usize> {
        let expired = token_blacklist::table
            .filter(token_blacklist::expires_at.lt(now))
            .select(token_blacklist::token)
            .limit(PRUNE_BATCH)
            .for_update()
            .skip_locked();
        self.database
            .transaction(async move |conn| {
                let tokens: Vec<String> = expired.load(conn).await?;
                let rows = token_blacklist::table.filter(token_blacklist::token.eq_any(tokens));
                Ok(diesel::delete(rows).execute(conn).await?)
            })
            .await
    }

    /// Deletes a batch of expired refresh tokens and returns how many it deleted.
    pub async fn refresh_tokens_prune(&self, now: DateTime<Utc>) -> Result<usize> {
        let expired = refresh_tokens::table
            .filter(refresh_tokens::expires_at.lt(now))
            .select(refresh_tokens::hash)
            .limit(PRUNE_BATCH)
            .for_update()
            .skip_locked();
        self.database
            .transaction(async move |conn| {
                let hashes: Vec<Vec<u8>> = expired.load(conn).await?;
                let rows = refresh_tokens::table.filter(refresh_tokens::hash.eq_any(hashes));
                Ok(diesel::delete(rows).execute(conn).await?)
            })
            .await
    }
}

/// A position in the order of `(updated_at, token)`, written as microseconds, a colon and the token.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RevocationCursor {
    at: DateTime<Utc>,
    token: String,
}

impl RevocationCursor {
    fn parse(cursor: &str) -> Result<Self> {
        if cursor.is_empty() {
            return Ok(Self {
                at: DateTime::UNIX_EPOCH,
                token: String::new(),
            });
        }
        let parsed = cursor.split_once(':').and_then(|(micros, token)| {
            let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
            Some(Self {
                at,
                token: token.to_owned(),
            })
        });
        parsed.ok_or_else(|| FieldError::new("cursor", "invalid_cursor", "is not a valid cursor").into())
    }
}

impl std::fmt::Display for RevocationCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.at.timestamp_micros(), self.token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_round_trips() {
        let cursor = RevocationCursor {
            at: DateTime::from_timestamp_micros(1_795_376_364_123_456).unwrap(),
            token: "user:7".into(),
        };
        assert_eq!(RevocationCursor::parse(&cursor.to_string()).unwrap(), cursor);
        assert_eq!(RevocationCursor::parse("").unwrap().at, DateTime::UNIX_EPOCH);
        for bad in ["x", "1", "x:y", "9223372036854775807:a"] {
            assert!(RevocationCursor::parse(bad).is_err(), "{bad}");
        }
    }
}
