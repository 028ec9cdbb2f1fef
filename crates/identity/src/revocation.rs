//! Tokens that are refused before they expire.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use primitives::UserId;

use crate::claims::User;

/// Revocations in one answer of the auth service; an answer that is full is followed by more.
pub const REVOCATIONS_PAGE: usize = 1000;
/// How often the memory of revocations is cleared of those that no token can meet any more.
const PRUNE_EVERY: Duration = Duration::seconds(60);

/// Tokens that are refused from now on. `until` is when the last of them has expired, leeway included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// One token.
    Token {
        /// Its `jti`.
        id: String,
        /// When it has expired, leeway included.
        until: DateTime<Utc>,
    },
    /// All tokens of a session.
    Session {
        /// Their `sid`.
        id: String,
        /// When the last has expired, leeway included.
        until: DateTime<Utc>,
    },
    /// All tokens of a user that were issued before a time.
    User {
        /// Their `sub`.
        id: UserId,
        /// A token with an earlier `iat` is refused.
        valid_from: DateTime<Utc>,
        /// When the last has expired, leeway included.
        until: DateTime<Utc>,
    },
}

impl Revocation {
    /// Whether it refuses this user's token.
    #[must_use]
    pub fn refuses(&self, user: &User) -> bool {
        match self {
            Self::Token { id, .. } => *id == user.token_id,
            Self::Session { id, .. } => *id == user.session,
            Self::User { id, valid_from, .. } => *id == user.id && user.issued_at < *valid_from,
        }
    }

    /// When the last token that it refuses has expired, leeway included.
    #[must_use]
    pub fn until(&self) -> DateTime<Utc> {
        match self {
            Self::Token { until, .. } | Self::Session { until, .. } | Self::User { until, .. } => *until,
        }
    }
}

/// What is revoked, by what names it.
#[derive(Debug, Default)]
pub(crate) struct Revoked {
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

impl Revoked {
    /// Takes a revocation in; answers whether it was news.
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
                let news = cutoff.valid_from < *valid_from;
                // Events come in any order: an older cut-off never takes a newer one back.
                cutoff.valid_from = cutoff.valid_from.max(*valid_from);
                cutoff.until = cutoff.until.max(*until);
                news
            }
        }
    }

    /// An entry refuses for as long as it is remembered, so a token can not come back during its leeway.
    pub(crate) fn refuses(&self, user: &User) -> bool {
        self.tokens.contains_key(&user.token_id)
            || self.sessions.contains_key(&user.session)
            || self
                .users
                .get(&user.id)
                .is_some_and(|cutoff| user.issued_at < cutoff.valid_from)
    }

    fn prune(&mut self, now: DateTime<Utc>) {
        if now - self.pruned_at < PRUNE_EVERY {
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
