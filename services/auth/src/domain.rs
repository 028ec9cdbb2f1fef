//! The rules of sessions: when tokens begin and end, what a refresh token may still do, what a cut-off cuts
//! off.
//!
//! A *session* is what follows from one sign-in. It has access tokens, which carry its id as `sid` and which
//! nobody asks us about, and a chain of refresh tokens, each good for one use. A session ends by a logout, by
//! the second use of a refresh token (one of the two users stole it, and we can not know which), or with its
//! last refresh token.

use chrono::{DateTime, Duration, DurationRound, Utc};
use identity::{AUDIENCE, Claims, ISSUER, LEEWAY_SECONDS};
use primitives::UserId;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

/// How long tokens live.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// An access token.
    pub access: Duration,
    /// A refresh token.
    pub refresh: Duration,
}

/// When an access token begins and ends; whole seconds, as its claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessTimes {
    /// `iat`.
    pub issued_at: DateTime<Utc>,
    /// `exp`.
    pub expires_at: DateTime<Utc>,
}

impl AccessTimes {
    /// The times of a token made now. Within the second of a cut-off it is dated to the cut-off, so that it
    /// outlives it while every token before it does not.
    #[must_use]
    pub fn starting(now: DateTime<Utc>, tokens_valid_from: Option<DateTime<Utc>>, life: Duration) -> Self {
        let issued_at = whole_second(now).max(tokens_valid_from.unwrap_or(DateTime::UNIX_EPOCH));
        Self {
            issued_at,
            expires_at: issued_at + life,
        }
    }
}

/// The claims of an access token for a session.
pub(crate) fn claims(
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
        jti: Uuid::new_v4().to_string(),
        sid: session.to_string(),
        iat: times.issued_at.timestamp(),
        exp: times.expires_at.timestamp(),
        nbf: None,
        username: username.to_owned(),
        role,
    }
}

/// From when on no verifier accepts a token that expires at `expires_at`.
#[must_use]
pub fn refused_by_itself(expires_at: DateTime<Utc>) -> DateTime<Utc> {
    // Verifiers count whole seconds, so the last one of the leeway is over a second later.
    expires_at + Duration::seconds(LEEWAY_SECONDS + 1)
}

/// A new cut-off: every token made until now is older than it. `iat` has whole seconds, so it lies in the
/// second after now and after the cut-off before.
#[must_use]
pub fn cutoff(now: DateTime<Utc>, previous: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let second = Duration::seconds(1);
    let next = whole_second(now) + second;
    previous.map_or(next, |previous| next.max(previous + second))
}

fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(Duration::seconds(1)).unwrap_or(time)
}

/// What a stored refresh token may still do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshVerdict {
    /// It is exchanged for a new pair.
    Rotate,
    /// It was exchanged before: the session dies.
    Reused,
    /// It has expired.
    Expired,
}

/// Judges a refresh token. That it was used matters longer than that it expired.
#[must_use]
pub fn judge_refresh(
    used_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> RefreshVerdict {
    if used_at.is_some() {
        RefreshVerdict::Reused
    } else if expires_at <= now {
        RefreshVerdict::Expired
    } else {
        RefreshVerdict::Rotate
    }
}

/// A name as somebody typed it, in the form in which names are compared and kept: a full-width `ａ` is an `a`
/// (NFKC).
#[must_use]
pub fn normal_name(typed: &str) -> String {
    // Names are short; what is longer is refused whatever it means, and not worth the work.
    if typed.len() > 256 {
        typed.to_owned()
    } else {
        typed.nfkc().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(micros: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(micros).unwrap()
    }

    const LIFE: Duration = Duration::seconds(900);

    proptest! {
        #[test]
        fn a_cutoff_lies_between_the_tokens_before_and_after_it(now in 0i64..4_000_000_000_000_000, gap in 0i64..3_000_000) {
            let first = cutoff(at(now), None);
            let between = AccessTimes::starting(at(now), Some(first), LIFE);
            let second = cutoff(at(now + gap), Some(first));
            let after = AccessTimes::starting(at(now + gap), Some(second), LIFE);
            prop_assert!(AccessTimes::starting(at(now), None, LIFE).issued_at < first);
            prop_assert!(first <= between.issued_at && between.issued_at < second);
            prop_assert!(second <= after.issued_at);
        }

        #[test]
        fn a_token_is_never_dated_beyond_the_leeway(now in 0i64..4_000_000_000_000_000) {
            let cutoff = cutoff(at(now), None);
            let times = AccessTimes::starting(at(now), Some(cutoff), LIFE);
            prop_assert!(times.issued_at - at(now) <= Duration::seconds(LEEWAY_SECONDS));
            prop_assert_eq!(times.expires_at - times.issued_at, LIFE);
        }

        #[test]
        fn a_refresh_token_is_good_once_and_in_time(used: Option<u32>, expires: u32, now: u32) {
            let time = |seconds: u32| at(i64::from(seconds) * 1_000_000);
            let verdict = judge_refresh(used.map(time), time(expires), time(now));
            prop_assert_eq!(verdict == RefreshVerdict::Rotate, used.is_none() && now < expires);
            prop_assert_eq!(verdict == RefreshVerdict::Reused, used.is_some());
        }
    }

    #[test]
    fn names_are_compared_in_one_form() {
        assert_eq!(normal_name("ａｎｎａ"), "anna");
        assert_eq!(normal_name("Anna_9"), "Anna_9");
        assert!(
            primitives::text::username(&normal_name("аnna")).is_err(),
            "a Cyrillic letter is none of ours"
        );
    }
}
