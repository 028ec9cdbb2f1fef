use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{Duration, Utc};
use identity::{LEEWAY_SECONDS, ServiceName, ServiceTokens, TestIssuer, TokenError};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use primitives::{Clock, Role};
use secrecy::SecretString;
use serde_json::json;

use crate::{ANNA, claims, claims_with, clock_at, verifier_at};

#[test]
fn valid_token_names_its_user() {
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
fn missing_or_malformed_claims_are_invalid() {
    let issuer = TestIssuer::new();
    let verifier = issuer.verifier();
    let now = Utc::now().timestamp();
    for claim in [
        "iss", "aud", "sub", "jti", "sid", "iat", "exp", "username", "role",
    ] {
        let token = issuer.sign(&claims_with(|map| drop(map.remove(claim))));
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
        let token = issuer.sign(&claims_with(|map| {
            drop(map.insert(claim.to_owned(), value.clone()));
        }));
        assert_eq!(
            verifier.verify(&token),
            Err(TokenError::Invalid),
            "{claim}: {value}"
        );
    }
}

#[test]
fn token_expires_after_leeway() {
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
fn token_chooses_neither_algorithm_nor_key() {
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

    // A key URL in the token is ignored.
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
fn malformed_tokens_are_invalid() {
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
