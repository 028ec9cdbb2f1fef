use identity::{KeySet, PublicKey, TestIssuer, TokenError, Verifier};
use jsonwebtoken::{Algorithm, Header};
use primitives::Role;

use crate::{ANNA, claims};

#[test]
fn tokens_are_rejected_until_keys_and_revocations_are_loaded() {
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
async fn token_of_new_key_waits_for_next_key_set() {
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
async fn token_of_unknown_key_is_invalid_after_refresh() {
    let verifier = TestIssuer::new().verifier();
    let token = TestIssuer::new().token(ANNA, "anna", Role::User);
    // No fetch completes, so the token may still be valid.
    assert!(matches!(
        verifier.authenticate(&token).await,
        Err(TokenError::UnknownKey(_))
    ));

    let fetcher = verifier.clone();
    let other_keys = TestIssuer::new().key_set();
    tokio::spawn(async move {
        loop {
            fetcher.keys_wanted().await;
            let fetch = fetcher.begin_fetch();
            fetcher.set_keys(&other_keys, fetch);
        }
    });
    assert_eq!(verifier.authenticate(&token).await, Err(TokenError::Invalid));
}
