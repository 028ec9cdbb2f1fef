//! What a verifier accepts and, mostly, what it refuses.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use identity::{
    Claims, KeySet, LEEWAY_SECONDS, PublicKey, Revocation, ServiceName, ServiceTokens, TestIssuer,
    TokenError, Verifier,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use primitives::{Clock, Role, UserId};
use secrecy::SecretString;
use serde_json::{Value, json};

const ANNA: UserId = UserId(7);

fn claims() -> Claims {
    TestIssuer::claims(ANNA, "anna", Role::User)
}

fn spoilt(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Value {
    let Value::Object(mut map) = serde_json::to_value(claims()).unwrap() else {
        unreachable!()
    };
    change(&mut map);
    Value::Object(map)
}

/// A clock that stands when those claims were made, which may be a second later than a clock that was looked
/// at before.
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

#[test]
fn a_good_token_names_its_user() {
    let issuer = TestIssuer::new();
    let claims = claims();
    let user = issuer.verifier().verify(&issuer.sign(&claims)).unwrap();
    assert_eq!(
        (user.id, user.username.as_str(), user.role),
        (ANNA, "anna", Role::User)
    );
    assert_eq!((user.session, user.token_id), (claims.sid, claims.jti));
    assert_eq!(user.expires_at.timestamp(), claims.exp);
}

#[test]
fn claims_that_are_missing_wrong_or_of_another_type_are_invalid() {
    let issuer = TestIssuer::new();
    let verifier = issuer.verifier();
    let now = Utc::now().timestamp();
    for claim in [
        "iss", "aud", "sub", "jti", "sid", "iat", "exp", "username", "role",
    ] {
        let token = issuer.sign(&spoilt(|map| drop(map.remove(claim))));
        assert_eq!(
            verifier.verify(&token),
            Err(TokenError::Invalid),
            "without {claim}"
        );
    }
    for (claim, value) in [
        ("iss", json!("someone")),
        ("aud", json!("airwave-internal")),
        ("aud", json!("refresh")),
        ("aud", json!(["airwave", "other"])),
        ("sub", json!("0")),
        ("sub", json!("-1")),
        ("sub", json!("anna")),
        ("sub", json!(7)),
        ("jti", json!("")),
        ("sid", json!("")),
        ("role", json!("root")),
        ("exp", json!((now + 900).to_string())),
        ("exp", json!(null)),
        ("exp", json!(i128::from(i64::MAX) + 1)),
        ("iat", json!(now + 60)),
        ("nbf", json!(now + 60)),
        ("nbf", json!("0")),
    ] {
        let token = issuer.sign(&spoilt(|map| drop(map.insert(claim.to_owned(), value.clone()))));
        assert_eq!(
            verifier.verify(&token),
            Err(TokenError::Invalid),
            "{claim}: {value}"
        );
    }
}

#[test]
fn a_token_expires_after_the_leeway() {
    let (issuer, claims) = (TestIssuer::new(), claims());
    let clock = clock_at(&claims);
    let verifier = verifier_at(&issuer, &clock);
    let token = issuer.sign(&claims);
    clock.advance(Duration::minutes(15) + Duration::seconds(LEEWAY_SECONDS));
    assert!(verifier.verify(&token).is_ok());
    clock.advance(Duration::seconds(1));
    assert_eq!(verifier.verify(&token), Err(TokenError::Expired));
}

#[test]
fn the_token_does_not_choose_how_it_is_verified() {
    let issuer = TestIssuer::new();
    let verifier = issuer.verifier();
    let key_set = issuer.key_set();
    let public = key_set.keys().first().unwrap();
    let kid = Some(public.kid().to_owned());
    let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims()).unwrap());

    let none = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"none","kid":"{}"}}"#, public.kid()));
    assert_eq!(
        verifier.verify(&format!("{none}.{payload}.")),
        Err(TokenError::Invalid)
    );

    let hs256 = Header {
        kid: kid.clone(),
        ..Header::new(Algorithm::HS256)
    };
    for secret in [
        public.as_bytes().to_vec(),
        STANDARD.encode(public.as_bytes()).into_bytes(),
    ] {
        let forged = jsonwebtoken::encode(&hs256, &claims(), &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(verifier.verify(&forged), Err(TokenError::Invalid));
    }

    // A key that the token brings along is not looked at.
    let attacker = TestIssuer::new();
    let jku = Header {
        kid: kid.clone(),
        jku: Some("https://evil.test/keys".to_owned()),
        ..Header::new(Algorithm::EdDSA)
    };
    assert_eq!(
        verifier.verify(&attacker.sign_with(&jku, &claims())),
        Err(TokenError::Invalid)
    );
    let without = Header::new(Algorithm::EdDSA);
    assert_eq!(
        verifier.verify(&issuer.sign_with(&without, &claims())),
        Err(TokenError::Invalid)
    );
}

#[test]
fn other_text_is_invalid() {
    let issuer = TestIssuer::new();
    let verifier = issuer.verifier();
    let good = issuer.sign(&claims());
    let service = ServiceTokens::new(
        &SecretString::from("a-secret-of-at-least-32-bytes----"),
        None,
        ServiceName::Chat,
        Clock::system(),
    );
    let refresh_token = URL_SAFE_NO_PAD.encode([7; 32]);
    let changed = good.replacen('.', ".A", 1);
    let cut = good.get(..good.len() - 2).unwrap().to_owned();
    for bad in [
        String::new(),
        ".".into(),
        "..".into(),
        "x".repeat(1 << 20),
        service.issue(),
        refresh_token,
        changed,
        cut,
    ] {
        assert_eq!(verifier.verify(&bad), Err(TokenError::Invalid), "{bad:.40}");
    }
}

#[test]
fn tokens_are_judged_only_once_keys_and_revocations_are_known() {
    let issuer = TestIssuer::new();
    let token = issuer.token(ANNA, "anna", Role::User);
    let verifier = Verifier::default();
    assert_eq!(verifier.verify(&token), Err(TokenError::NotReady));
    let fetch = verifier.begin_fetch();
    verifier.set_keys(&issuer.key_set(), fetch);
    assert!(!verifier.is_ready());
    assert_eq!(verifier.verify(&token), Err(TokenError::NotReady));
    verifier.set_revocations_known();
    assert!(verifier.is_ready());
    assert_eq!(verifier.verify(&token).map(|user| user.id), Ok(ANNA));
}

#[test]
fn unknown_key_is_not_invalid() {
    let issuer = TestIssuer::new();
    let token = issuer.token(ANNA, "anna", Role::User);
    let verifier = TestIssuer::new().verifier();
    assert!(matches!(verifier.verify(&token), Err(TokenError::UnknownKey(_))));
    for kid in ["../../etc/passwd", "' OR 1=1 --", "\0", ""] {
        let header = Header {
            kid: Some(kid.to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        let token = issuer.sign_with(&header, &claims());
        assert_eq!(
            verifier.verify(&token),
            Err(TokenError::UnknownKey(kid.to_owned()))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_new_key_waits_for_the_next_key_set() {
    let (old, new) = (TestIssuer::new(), TestIssuer::new());
    let verifier = old.verifier();
    let both: Vec<PublicKey> = [&old, &new]
        .iter()
        .flat_map(|issuer| issuer.key_set().keys().to_vec())
        .collect();
    let fetcher = verifier.clone();
    let fetching = tokio::spawn(async move {
        fetcher.keys_wanted().await;
        let fetch = fetcher.begin_fetch();
        fetcher.set_keys(&KeySet::new(both), fetch);
    });
    let token = new.token(ANNA, "anna", Role::User);
    assert_eq!(verifier.authenticate(&token).await.map(|user| user.id), Ok(ANNA));
    assert!(
        old.verifier()
            .verify(&old.token(ANNA, "anna", Role::User))
            .is_ok()
    );
    fetching.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_key_that_nobody_has_is_invalid_once_the_keys_are_fresh() {
    let verifier = TestIssuer::new().verifier();
    let token = TestIssuer::new().token(ANNA, "anna", Role::User);
    // Nobody fetches: not known to be invalid.
    assert!(matches!(
        verifier.authenticate(&token).await,
        Err(TokenError::UnknownKey(_))
    ));

    let fetcher = verifier.clone();
    let ours = TestIssuer::new().key_set();
    tokio::spawn(async move {
        loop {
            fetcher.keys_wanted().await;
            let fetch = fetcher.begin_fetch();
            fetcher.set_keys(&ours, fetch);
        }
    });
    assert_eq!(verifier.authenticate(&token).await, Err(TokenError::Invalid));
}

#[test]
fn a_revocation_holds_until_the_end_of_the_leeway() {
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
    // Another revocation is what clears the memory of old ones.
    verifier.revoke(Revocation::Token {
        id: "another".to_owned(),
        until,
    });
    assert_eq!(verifier.verify(&token), Err(TokenError::Revoked));
    clock.advance(Duration::seconds(1));
    assert_eq!(verifier.verify(&token), Err(TokenError::Expired));
}

/// What is remembered of a token is no more than that it was signed.
#[test]
fn a_token_that_was_accepted_before_is_judged_anew() {
    let issuer = TestIssuer::new();
    let accepted = || {
        let (claims, other) = (claims(), claims());
        let clock = clock_at(&claims);
        let verifier = verifier_at(&issuer, &clock);
        let (token, stays) = (issuer.sign(&claims), issuer.sign(&other));
        for token in [&token, &stays, &token, &stays] {
            assert!(verifier.verify(token).is_ok());
        }
        (verifier, claims, token, stays, clock)
    };

    let (verifier, claims, token, stays, _) = accepted();
    verifier.revoke(Revocation::Token {
        id: claims.jti,
        until: Utc::now() + Duration::hours(1),
    });
    assert_eq!(verifier.verify(&token), Err(TokenError::Revoked));
    assert_eq!(verifier.verify(&stays).map(|user| user.id), Ok(ANNA));

    let (verifier, _, token, _, _) = accepted();
    let cut = token.get(..token.len() - 2).unwrap();
    assert_eq!(verifier.verify(cut), Err(TokenError::Invalid));
    // A key that was taken back signs for nobody any more, and a token of it asks for new ones.
    let fetch = verifier.begin_fetch();
    verifier.set_keys(&TestIssuer::new().key_set(), fetch);
    assert!(matches!(verifier.verify(&token), Err(TokenError::UnknownKey(_))));

    let (verifier, _, token, _, clock) = accepted();
    clock.advance(Duration::minutes(15) + Duration::seconds(LEEWAY_SECONDS + 1));
    assert_eq!(verifier.verify(&token), Err(TokenError::Expired));
}

#[test]
fn each_revocation_refuses_its_own_tokens_only() {
    let issuer = TestIssuer::new();
    let until = Utc::now() + Duration::hours(1);
    let now = DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap();
    let (first, second) = (claims(), claims());
    let refused = |revocation: Revocation| {
        let verifier = issuer.verifier();
        verifier.revoke(revocation);
        [&first, &second].map(|claims| verifier.verify(&issuer.sign(claims)) == Err(TokenError::Revoked))
    };
    assert_eq!(
        refused(Revocation::Token {
            id: first.jti.clone(),
            until
        }),
        [true, false]
    );
    assert_eq!(
        refused(Revocation::Session {
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
    assert_eq!(refused(cutoff(ANNA, 2)), [true, true]);
    assert_eq!(refused(cutoff(ANNA, -2)), [false, false]);
    assert_eq!(refused(cutoff(UserId(8), 2)), [false, false]);
}

#[tokio::test]
async fn revocations_are_announced_once_and_in_any_order() {
    let issuer = TestIssuer::new();
    let verifier = issuer.verifier();
    let mut heard = verifier.revocations();
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
    assert_eq!(heard.recv().await.unwrap(), newer);
    assert!(heard.try_recv().is_err());
    let user = issuer
        .verifier()
        .verify(&issuer.token(ANNA, "anna", Role::User))
        .unwrap();
    assert!(verifier.is_revoked(&user) && newer.refuses(&user));
}
