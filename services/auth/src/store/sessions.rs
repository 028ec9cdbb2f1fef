//! Sessions: begun, carried on, ended.

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

use super::revocations::revocation_insert;
use super::{Store, UserRow, lock_user};
use crate::domain::{AccessTimes, Lifetimes, RefreshVerdict, judge_refresh, refused_by_itself};
use crate::error::{Error, Result};
use crate::schema::refresh_tokens;

/// The hash of a refresh token that is about to be handed out.
#[derive(Debug, Clone)]
pub struct NewRefreshToken {
    /// SHA-256 of the token.
    pub hash: Vec<u8>,
}

/// A session, and the times of the access token that belongs to its newest refresh token.
pub struct Granted {
    /// Whose it is.
    pub user: UserRow,
    /// Its id.
    pub session: Uuid,
    /// When the access token begins and ends.
    pub access: AccessTimes,
}

/// What a refresh came to. Both are written: a session that dies must stay dead although the caller gets an
/// error.
enum Refreshed {
    Rotated(Box<Granted>),
    Killed(Revocation),
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
    /// Begins a session for an account whose password was found right; refuses when it has changed since.
    pub async fn session_start(
        &self,
        user: &UserRow,
        refresh: NewRefreshToken,
        now: DateTime<Utc>,
    ) -> Result<Granted> {
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

    /// Exchanges a refresh token for a new one. The second use of one ends its session; the revocation is
    /// then the error's company, for the caller to apply here at once.
    pub async fn session_refresh(
        &self,
        hash: Vec<u8>,
        next: NewRefreshToken,
        now: DateTime<Utc>,
    ) -> Result<Result<Granted, Revocation>> {
        let lifetimes = self.lifetimes;
        let refreshed = self
            .database
            .transaction(async move |conn| {
                let seen = refresh_row(conn, &hash).await?;
                let user = lock_user(conn, seen.user_id).await?;
                // Read again under the lock: another refresh may have used it, a logout may have removed it.
                let row = refresh_row(conn, &hash).await?;
                match judge_refresh(row.used_at, row.expires_at, now) {
                    RefreshVerdict::Expired => Err(Error::RefreshTokenInvalid),
                    RefreshVerdict::Reused => {
                        tracing::warn!(user_id = user.id, session = %row.session, "a refresh token was used twice");
                        let revocation = session_kill(conn, &user, row.session, now).await?;
                        Ok(Refreshed::Killed(revocation))
                    }
                    RefreshVerdict::Rotate if user.banned_at.is_some() => Err(Error::Banned),
                    RefreshVerdict::Rotate => {
                        let used = diesel::update(refresh_tokens::table.find(&hash));
                        used.set(refresh_tokens::used_at.eq(now)).execute(conn).await?;
                        let granted = refresh_insert(conn, user, row.session, next, lifetimes, now).await?;
                        Ok(Refreshed::Rotated(Box::new(granted)))
                    }
                }
            })
            .await?;
        Ok(match refreshed {
            Refreshed::Rotated(granted) => Ok(*granted),
            Refreshed::Killed(revocation) => Err(revocation),
        })
    }

    /// Ends the session of a token. The token itself is blacklisted too, under its own id.
    pub async fn session_end(&self, token: &User, now: DateTime<Utc>) -> Result<Revocation> {
        let token = token.clone();
        self.database
            .transaction(async move |conn| {
                let user = lock_user(conn, token.id.0).await?;
                let until = refused_by_itself(token.expires_at);
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
                session_kill(conn, &user, session, token.expires_at.max(now)).await
            })
            .await
    }
}

/// Begins a session: its first refresh token, under a new id.
pub(super) async fn session_insert(
    conn: &mut AsyncPgConnection,
    user: UserRow,
    refresh: NewRefreshToken,
    lifetimes: Lifetimes,
    now: DateTime<Utc>,
) -> Result<Granted> {
    refresh_insert(conn, user, Uuid::new_v4(), refresh, lifetimes, now).await
}

pub(super) async fn refresh_insert(
    conn: &mut AsyncPgConnection,
    user: UserRow,
    session: Uuid,
    refresh: NewRefreshToken,
    lifetimes: Lifetimes,
    now: DateTime<Utc>,
) -> Result<Granted> {
    let access = AccessTimes::starting(now, user.tokens_valid_from, lifetimes.access);
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::hash.eq(refresh.hash),
            refresh_tokens::session.eq(session),
            refresh_tokens::user_id.eq(user.id),
            refresh_tokens::expires_at.eq(now + lifetimes.refresh),
            refresh_tokens::access_expires_at.eq(access.expires_at),
        ))
        .execute(conn)
        .await?;
    Ok(Granted {
        user,
        session,
        access,
    })
}

async fn refresh_row(conn: &mut AsyncPgConnection, hash: &[u8]) -> Result<RefreshRow> {
    let row = refresh_tokens::table
        .find(hash)
        .select(RefreshRow::as_select())
        .first(conn)
        .await
        .optional()?;
    row.ok_or(Error::RefreshTokenInvalid)
}

/// Removes a session's refresh tokens and revokes its access tokens until the last of them has expired, and
/// that is after `at_least`. Says so to everybody.
async fn session_kill(
    conn: &mut AsyncPgConnection,
    user: &UserRow,
    session: Uuid,
    at_least: DateTime<Utc>,
) -> Result<Revocation> {
    let tokens = refresh_tokens::table.filter(refresh_tokens::session.eq(session));
    // Not from the setting: tokens that were made under another one are still around.
    let last: Option<DateTime<Utc>> = tokens
        .select(max(refresh_tokens::access_expires_at))
        .first(conn)
        .await?;
    diesel::delete(tokens).execute(conn).await?;
    let until = refused_by_itself(last.map_or(at_least, |last| last.max(at_least)));
    let revocation = Revocation::Session {
        id: session.to_string(),
        until,
    };
    revocation_insert(conn, user.id, &revocation).await?;
    let told = TokenRevoked {
        what: Some(token_revoked::What::SessionId(session.to_string())),
        until: Some(timestamp(until)),
    };
    emit(conn, Payload::TokenRevoked(told), user.id, user.version).await?;
    Ok(revocation)
}
