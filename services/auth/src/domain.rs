//! The rules of sessions: token lifetimes, refresh token reuse, and cutoffs that revoke a user's access
//! tokens.
//!
//! A *session* begins with a sign-in. It has access tokens, which carry its id as `sid` and which other
//! services verify on their own, and a chain of refresh tokens, each valid for one use. A session ends with a
//! logout, with the reuse of a refresh token (one of its two users stole it, and there is no way to tell
//! which), or when its last refresh token expires.

use chrono::{DateTime, Duration, DurationRound, Utc};
use identity::{AUDIENCE, Claims, ISSUER, LEEWAY_SECONDS};
use primitives::UserId;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

/// How long tokens live.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    pub access: Duration,
    pub refresh: Duration,
}

/// The `iat` and `exp` of an access token, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessTimes {
    pub issued_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl AccessTimes {
    /// Returns the times of a token issued now. A token issued in the same second as a cutoff is dated to the
    /// cutoff, so that it stays valid while all earlier tokens are revoked.
    #[must_use]
    pub fn new(now: DateTime<Utc>, tokens_valid_from: Option<DateTime<Utc>>, lifetime: Duration) -> Self {
        let issued_at = whole_second(now).max(tokens_valid_from.unwrap_or(DateTime::UNIX_EPOCH));
        Self {
            issued_at,
            expires_at: issued_at + lifetime,
        }
    }
}

/// Returns the claims of an access token.
pub(crate) fn claims(
    token_id: Uuid,
    user: UserId,
    username: &str,
    role: primitives::Role,
    session: Uuid,
    times: AccessTimes,
) -> Claims {
    Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: user.to_string(),
        jti: token_id.to_string(),
        sid: session.to_string(),
        iat: times.issued_at.timestamp(),
        exp: times.expires_at.timestamp(),
        nbf: None,
        username: username.to_owned(),
        role,
    }
}

/// Returns the time from which every verifier rejects a token that expires at `expires_at`.
#[must_use]
pub fn leeway_end(expires_at: DateTime<Utc>) -> DateTime<Utc> {
    // Verifiers count whole seconds, so the last second of the leeway ends one second later.
    expires_at + Duration::seconds(LEEWAY_SECONDS + 1)
}

/// Returns a new cutoff, which is later than the `iat` of every token issued so far. `iat` has whole seconds,
/// so the cutoff is in the second after now and after the previous cutoff.
#[must_use]
pub fn cutoff(now: DateTime<Utc>, previous: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let second = Duration::seconds(1);
    let next = whole_second(now) + second;
    previous.map_or(next, |previous| next.max(previous + second))
}

fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(Duration::seconds(1)).unwrap_or(time)
}

/// What happens when a client presents a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshDecision {
    /// Exchange it for a new pair of tokens.
    Rotate,
    /// It was exchanged before: end the session.
    Reused,
    Expired,
}

/// Decides about a refresh token. Reuse counts even after the token has expired.
#[must_use]
pub fn decide_refresh(
    used_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> RefreshDecision {
    if used_at.is_some() {
        RefreshDecision::Reused
    } else if expires_at <= now {
        RefreshDecision::Expired
    } else {
        RefreshDecision::Rotate
    }
}

/// Returns a username in the form in which usernames are compared and stored (NFKC): a full-width `ａ`
/// becomes an `a`.
#[must_use]
pub fn normalize_username(input: &str) -> String {
    // A longer name is rejected anyway; normalising a huge one would waste time.
    if input.len() > 256 {
        input.to_owned()
    } else {
        input.nfkc().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(micros: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(micros).unwrap()
    }

    const LIFETIME: Duration = Duration::seconds(900);

    proptest! {
        #[test]
        fn cutoff_separates_earlier_from_later_tokens(
            now in 0i64..4_000_000_000_000_000,
            gap in 0i64..3_000_000,
        ) {
            let first = cutoff(at(now), None);
            let between = AccessTimes::new(at(now), Some(first), LIFETIME);
            let second = cutoff(at(now + gap), Some(first));
            let after = AccessTimes::new(at(now + gap), Some(second), LIFETIME);
            prop_assert!(AccessTimes::new(at(now), None, LIFETIME).issued_at < first);
            prop_assert!(first <= between.issued_at && between.issued_at < second);
            prop_assert!(second <= after.issued_at);
        }

        #[test]
        fn issue_time_stays_within_the_leeway(now in 0i64..4_000_000_000_000_000) {
            let cutoff = cutoff(at(now), None);
            let times = AccessTimes::new(at(now), Some(cutoff), LIFETIME);
            prop_assert!(times.issued_at - at(now) <= Duration::seconds(LEEWAY_SECONDS));
            prop_assert_eq!(times.expires_at - times.issued_at, LIFETIME);
        }

        #[test]
        fn refresh_token_rotates_once_before_expiry(used: Option<u32>, expires: u32, now: u32) {
            let time = |seconds: u32| at(i64::from(seconds) * 1_000_000);
            let decision = decide_refresh(used.map(time), time(expires), time(now));
            prop_assert_eq!(decision == RefreshDecision::Rotate, used.is_none() && now < expires);
            prop_assert_eq!(decision == RefreshDecision::Reused, used.is_some());
        }
    }

    #[test]
    fn usernames_are_normalized() {
        assert_eq!(normalize_username("ａｎｎａ"), "anna");
        assert_eq!(normalize_username("Anna_9"), "Anna_9");
        assert!(
            primitives::text::username(&normalize_username("аnna")).is_err(),
            "Cyrillic letters are not allowed"
        );
    }
}
