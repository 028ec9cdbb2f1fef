//! Start, refresh and end of sessions.

use bus::emit;
use chrono::{DateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use identity::{Revocation, User};
use proto::events::v1::event::Payload;
use proto::events::v1::{TokenRevoked, token_revoked};
use proto::time::timestamp;
use uuid::Uuid;

use super::revocations::{revocation_insert, revoke_access_tokens};
use super::{Store, UserRow, lock_user};
use crate::crypto::RefreshTokenHash;
use crate::domain::{AccessTimes, Lifetimes, RefreshDecision, decide_refresh, leeway_end};
use crate::error::{Error, Result};
use crate::schema::refresh_tokens;

/// A session and the times of its next access token.
pub struct SessionGrant {
    pub user: UserRow,
    pub session: Uuid,
    pub access: AccessTimes,
}

/// The outcome of a refresh. Both are committed: the session must end although the caller gets an error.
enum RefreshOutcome {
    Rotated(Box<SessionGrant>),
    Revoked(Revocation),
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = refresh_tokens, check_for_backend(diesel::pg::Pg))]
struct RefreshRow {
    session: Uuid,
    user_id: i64,
    expires_at: DateTime<Utc>,
    used_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Starts a session for a user whose password was verified.
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`] if the password has changed since, and [`Error::Banned`].
    pub async fn session_start(
        &self,
        user: &UserRow,
        refresh: RefreshTokenHash,
        now: DateTime<Utc>,
    ) -> Result<SessionGrant> {
        let (id, password) = (user.id, user.password.clone());
        let lifetimes = self.lifetimes;
        self.database
            .transaction(async move |conn| {
                let user = lock_user(conn, id).await?;
                if user.password != password {
                    return Err(Error::InvalidCredentials);
                }
                if user.banned_at.is_some() {
                    return Err(Error::Banned);
                }
                session_insert(conn, user, refresh, lifetimes, now).await
            })
            .await
    }

    /// Exchanges a refresh token for a new one. Reuse ends the session; the inner error then contains the
    /// revocation, for the caller to apply to this replica at once.
    ///
    /// # Errors
    /// [`Error::RefreshTokenInvalid`] if the token is unknown or expired, and [`Error::Banned`].
    pub async fn session_refresh(
        &self,
        hash: RefreshTokenHash,
        next: RefreshTokenHash,
        now: DateTime<Utc>,
    ) -> Result<Result<SessionGrant, Revocation>> {
        let lifetimes = self.lifetimes;
        let outcome = self
            .database
            .transaction(async move |conn| {
                let unlocked = refresh_row(conn, &hash).await?;
                let user = lock_user(conn, unlocked.user_id).await?;
                // Read again under the lock: another refresh may have used it, a logout may have removed it.
                let row = refresh_row(conn, &hash).await?;
                match decide_refresh(row.used_at, row.expires_at, now) {
                    RefreshDecision::Expired => Err(Error::RefreshTokenInvalid),
                    RefreshDecision::Reused => {
                        tracing::warn!(user_id = user.id, session = %row.session, "refresh token reused");
                        let revocation = session_revoke(conn, &user, row.session, now).await?;
                        Ok(RefreshOutcome::Revoked(revocation))
                    }
                    RefreshDecision::Rotate if user.banned_at.is_some() => Err(Error::Banned),
                    RefreshDecision::Rotate => {
                        let used = diesel::update(refresh_tokens::table.find(&hash.0));
                        used.set(refresh_tokens::used_at.eq(now)).execute(conn).await?;
                        let grant = refresh_insert(conn, user, row.session, next, lifetimes, now).await?;
                        Ok(RefreshOutcome::Rotated(Box::new(grant)))
                    }
                }
            })
            .await?;
        Ok(match outcome {
            RefreshOutcome::Rotated(grant) => Ok(*grant),
            RefreshOutcome::Revoked(revocation) => Err(revocation),
        })
    }

    /// Ends the session of an access token. Also revokes the token by its own id. Emits `token.revoked`.
    pub async fn session_end(&self, token: &User, now: DateTime<Utc>) -> Result<Revocation> {
        let token = token.clone();
        self.database
            .transaction(async move |conn| {
                let user = lock_user(conn, token.id.0).await?;
                let until = leeway_end(token.expires_at);
                revocation_insert(
                    conn,
                    user.id,
                    &Revocation::Token {
                        id: token.token_id,
                        until,
                    },
                )
                .await?;
                let session = Uuid::try_parse(&token.session).map_err(|_| Error::UserNotFound)?;
                session_revoke(conn, &user, session, token.expires_at.max(now)).await
            })
            .await
    }
}

/// Starts a session with a new id and its first refresh token.
pub(super) async fn session_insert(
    conn: &mut AsyncPgConnection,
    user: UserRow,
    refresh: RefreshTokenHash,
    lifetimes: Lifetimes,
    now: DateTime<Utc>,
) -> Result<SessionGrant> {
    refresh_insert(conn, user, Uuid::new_v4(), refresh, lifetimes, now).await
}

pub(super) async fn refresh_insert(
    conn: &mut AsyncPgConnection,
    user: UserRow,
    session: Uuid,
    refresh: RefreshTokenHash,
    lifetimes: Lifetimes,
    now: DateTime<Utc>,
) -> Result<SessionGrant> {
    let access = AccessTimes::new(now, user.tokens_valid_from, lifetimes.access);
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::hash.eq(refresh.0),
            refresh_tokens::session.eq(session),
            refresh_tokens::user_id.eq(user.id),
            refresh_tokens::expires_at.eq(now + lifetimes.refresh),
            refresh_tokens::access_expires_at.eq(access.expires_at),
        ))
        .execute(conn)
        .await?;
    Ok(SessionGrant {
        user,
        session,
        access,
    })
}

async fn refresh_row(conn: &mut AsyncPgConnection, hash: &RefreshTokenHash) -> Result<RefreshRow> {
    let row = refresh_tokens::table
        .find(&hash.0)
        .select(RefreshRow::as_select())
        .first(conn)
        .await
        .optional()?;
    row.ok_or(Error::RefreshTokenInvalid)
}

/// Ends all sessions of a locked user: deletes the refresh tokens and revokes the access tokens.
pub(super) async fn delete_sessions(
    conn: &mut AsyncPgConnection,
    user: &UserRow,
    lifetimes: Lifetimes,
    now: DateTime<Utc>,
) -> Result<()> {
    let sessions = refresh_tokens::table.filter(refresh_tokens::user_id.eq(user.id));
    diesel::delete(sessions).execute(conn).await?;
    revoke_access_tokens(conn, user, lifetimes, now).await
}

/// Deletes a session's refresh tokens and revokes its access tokens until the last of them has expired, at
/// least until `at_least`. Emits `token.revoked`.
async fn session_revoke(
    conn: &mut AsyncPgConnection,
    user: &UserRow,
    session: Uuid,
    at_least: DateTime<Utc>,
) -> Result<Revocation> {
    let tokens = refresh_tokens::table.filter(refresh_tokens::session.eq(session));
    // From the rows, not from the settings: tokens issued under an earlier setting may live longer.
    let last: Option<DateTime<Utc>> = tokens
        .select(max(refresh_tokens::access_expires_at))
        .first(conn)
        .await?;
    diesel::delete(tokens).execute(conn).await?;
    let until = leeway_end(last.map_or(at_least, |last| last.max(at_least)));
    let revocation = Revocation::Session {
        id: session.to_string(),
        until,
    };
    revocation_insert(conn, user.id, &revocation).await?;
    let event = TokenRevoked {
        what: Some(token_revoked::What::SessionId(session.to_string())),
        until: Some(timestamp(until)),
    };
    emit(conn, Payload::TokenRevoked(event), user.id, user.version).await?;
    Ok(revocation)
}
