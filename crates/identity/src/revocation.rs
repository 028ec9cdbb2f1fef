use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use primitives::UserId;

use crate::claims::User;

/// Revocations per page of the auth service; a full page is followed by another.
pub const REVOCATIONS_PAGE: usize = 1000;
/// How often expired revocations are deleted.
const PRUNE_INTERVAL: Duration = Duration::seconds(60);

/// Revokes tokens that have not expired. `until` is when the last of them expires, leeway included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    Token {
        /// The `jti`.
        id: String,
        until: DateTime<Utc>,
    },
    Session {
        /// The `sid`.
        id: String,
        until: DateTime<Utc>,
    },
    /// All tokens of a user that were issued before `valid_from`.
    User {
        /// The `sub`.
        id: UserId,
        /// Tokens with an earlier `iat` are revoked.
        valid_from: DateTime<Utc>,
        until: DateTime<Utc>,
    },
}

impl Revocation {
    /// Returns whether this user's token is revoked.
    #[must_use]
    pub fn revokes(&self, user: &User) -> bool {
        match self {
            Self::Token { id, .. } => *id == user.token_id,
            Self::Session { id, .. } => *id == user.session,
            Self::User { id, valid_from, .. } => *id == user.id && user.issued_at < *valid_from,
        }
    }

    /// Returns when the last revoked token expires, leeway included.
    #[must_use]
    pub fn until(&self) -> DateTime<Utc> {
        match self {
            Self::Token { until, .. } | Self::Session { until, .. } | Self::User { until, .. } => *until,
        }
    }
}

/// All current revocations.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    tokens: HashMap<String, DateTime<Utc>>,
    sessions: HashMap<String, DateTime<Utc>>,
    users: HashMap<UserId, Cutoff>,
    pruned_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy)]
struct Cutoff {
    valid_from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Revocations {
    /// Adds a revocation. Returns whether it is new.
    pub(crate) fn add(&mut self, revocation: &Revocation, now: DateTime<Utc>) -> bool {
        self.prune(now);
        match revocation {
            Revocation::Token { id, until } => extend(&mut self.tokens, id, *until),
            Revocation::Session { id, until } => extend(&mut self.sessions, id, *until),
            Revocation::User {
                id,
                valid_from,
                until,
            } => {
                let new = Cutoff {
                    valid_from: *valid_from,
                    until: *until,
                };
                let cutoff = self.users.entry(*id).or_insert(Cutoff {
                    valid_from: DateTime::UNIX_EPOCH,
                    ..new
                });
                let is_new = cutoff.valid_from < *valid_from;
                // Events arrive in any order: an older cut-off must not replace a newer one.
                cutoff.valid_from = cutoff.valid_from.max(*valid_from);
                cutoff.until = cutoff.until.max(*until);
                is_new
            }
        }
    }

    /// Ignores `until`, so a revoked token is not accepted again during its leeway.
    pub(crate) fn revokes(&self, user: &User) -> bool {
        self.tokens.contains_key(&user.token_id)
            || self.sessions.contains_key(&user.session)
            || self
                .users
                .get(&user.id)
                .is_some_and(|cutoff| user.issued_at < cutoff.valid_from)
    }

    fn prune(&mut self, now: DateTime<Utc>) {
        if now - self.pruned_at < PRUNE_INTERVAL {
            return;
        }
        self.pruned_at = now;
        self.tokens.retain(|_, until| *until >= now);
        self.sessions.retain(|_, until| *until >= now);
        self.users.retain(|_, cutoff| cutoff.until >= now);
    }
}

fn extend(map: &mut HashMap<String, DateTime<Utc>>, id: &str, until: DateTime<Utc>) -> bool {
    match map.get_mut(id) {
        Some(known) => {
            *known = until.max(*known);
            false
        }
        None => {
            map.insert(id.to_owned(), until);
            true
        }
    }
}
