use chrono::{DateTime, Duration, Utc};
use identity::{LEEWAY_SECONDS, Revocation, TestIssuer, TokenError};
use primitives::{Role, UserId};

use crate::{ANNA, claims, clock_at, verifier_at};

#[test]
fn revocation_lasts_until_end_of_leeway() {
    let (issuer, claims) = (TestIssuer::new(), claims());
    let clock = clock_at(&claims);
    let verifier = verifier_at(&issuer, &clock);
    let token = issuer.sign(&claims);
    let until = DateTime::from_timestamp(claims.exp + LEEWAY_SECONDS, 0).unwrap();
    verifier.revoke(Revocation::Session {
        id: claims.sid,
        until,
    });
    assert_eq!(verifier.verify(&token), Err(TokenError::Revoked));

    clock.advance(Duration::minutes(15) + Duration::seconds(LEEWAY_SECONDS));
    // Adding a revocation prunes expired ones.
    verifier.revoke(Revocation::Token {
        id: "another".to_owned(),
        until,
    });
    assert_eq!(verifier.verify(&token), Err(TokenError::Revoked));
    clock.advance(Duration::seconds(1));
    assert_eq!(verifier.verify(&token), Err(TokenError::Expired));
}

/// The cache stores only that a token was signed.
#[test]
fn cached_token_is_rechecked() {
    let issuer = TestIssuer::new();
    let accepted = || {
        let (claims, other) = (claims(), claims());
        let clock = clock_at(&claims);
        let verifier = verifier_at(&issuer, &clock);
        let (token, unaffected) = (issuer.sign(&claims), issuer.sign(&other));
        for token in [&token, &unaffected, &token, &unaffected] {
            assert!(verifier.verify(token).is_ok());
        }
        (verifier, claims, token, unaffected, clock)
    };

    let (verifier, claims, token, unaffected, _) = accepted();
    verifier.revoke(Revocation::Token {
        id: claims.jti,
        until: Utc::now() + Duration::hours(1),
    });
    assert_eq!(verifier.verify(&token), Err(TokenError::Revoked));
    assert_eq!(verifier.verify(&unaffected).map(|user| user.id), Ok(ANNA));

    let (verifier, _, token, _, _) = accepted();
    let cut = token.get(..token.len() - 2).unwrap();
    assert_eq!(verifier.verify(cut), Err(TokenError::Invalid));
    // A token of a removed key is rejected and requests a new key set.
    let fetch = verifier.begin_fetch();
    verifier.set_keys(&TestIssuer::new().key_set(), fetch);
    assert!(matches!(verifier.verify(&token), Err(TokenError::UnknownKey(_))));

    let (verifier, _, token, _, clock) = accepted();
    clock.advance(Duration::minutes(15) + Duration::seconds(LEEWAY_SECONDS + 1));
    assert_eq!(verifier.verify(&token), Err(TokenError::Expired));
}

#[test]
fn revocation_affects_only_its_own_tokens() {
    let issuer = TestIssuer::new();
    let until = Utc::now() + Duration::hours(1);
    let now = DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap();
    let (first, second) = (claims(), claims());
    let revoked = |revocation: Revocation| {
        let verifier = issuer.verifier();
        verifier.revoke(revocation);
        [&first, &second].map(|claims| verifier.verify(&issuer.sign(claims)) == Err(TokenError::Revoked))
    };
    assert_eq!(
        revoked(Revocation::Token {
            id: first.jti.clone(),
            until
        }),
        [true, false]
    );
    assert_eq!(
        revoked(Revocation::Session {
            id: second.sid.clone(),
            until
        }),
        [false, true]
    );
    let cutoff = |id, seconds| Revocation::User {
        id,
        valid_from: now + Duration::seconds(seconds),
        until,
    };
    assert_eq!(revoked(cutoff(ANNA, 2)), [true, true]);
    assert_eq!(revoked(cutoff(ANNA, -2)), [false, false]);
    assert_eq!(revoked(cutoff(UserId(8), 2)), [false, false]);
}

#[tokio::test]
async fn revocations_are_announced_once_in_any_order() {
    let issuer = TestIssuer::new();
    let verifier = issuer.verifier();
    let mut announced = verifier.revocations();
    let until = Utc::now() + Duration::hours(1);
    let at = |seconds| Revocation::User {
        id: ANNA,
        valid_from: Utc::now() + Duration::seconds(seconds),
        until,
    };
    let (newer, older) = (at(20), at(10));
    for revocation in [newer.clone(), older, newer.clone()] {
        verifier.revoke(revocation);
    }
    assert_eq!(announced.recv().await.unwrap(), newer);
    assert!(announced.try_recv().is_err());
    let user = issuer
        .verifier()
        .verify(&issuer.token(ANNA, "anna", Role::User))
        .unwrap();
    assert!(verifier.is_revoked(&user) && newer.revokes(&user));
}
