//! Which tokens a verifier accepts and rejects.

#![expect(clippy::disallowed_methods, reason = "tests run in real time")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod claims;
mod keys;
mod revocations;

use chrono::DateTime;
use identity::{Claims, TestIssuer, Verifier};
use primitives::{Clock, Role, UserId};
use serde_json::Value;

const ANNA: UserId = UserId(7);

fn claims() -> Claims {
    TestIssuer::claims(ANNA, "anna", Role::User)
}

fn claims_with(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Value {
    let Value::Object(mut map) = serde_json::to_value(claims()).unwrap() else {
        unreachable!()
    };
    change(&mut map);
    Value::Object(map)
}

/// Returns a clock that stands still at the time when the claims were issued.
fn clock_at(claims: &Claims) -> Clock {
    Clock::manual(DateTime::from_timestamp(claims.iat, 0).unwrap())
}

fn verifier_at(issuer: &TestIssuer, clock: &Clock) -> Verifier {
    let verifier = Verifier::new(clock.clone());
    let fetch = verifier.begin_fetch();
    verifier.set_keys(&issuer.key_set(), fetch);
    verifier.set_revocations_known();
    verifier
}
