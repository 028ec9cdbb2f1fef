use std::sync::{Arc, Mutex};

use identity::TestIssuer;
use primitives::Role;

use super::*;

/// Serves a list page by page; the cursor is a position in it.
#[derive(Clone, Default)]
struct Scripted {
    revocations: Arc<Mutex<Vec<Revocation>>>,
    keys: Arc<Mutex<Option<KeySet>>>,
}

impl Source for Scripted {
    async fn key_set(&self) -> Result<KeySet, Error> {
        self.keys.lock().unwrap().clone().ok_or_else(Error::unavailable)
    }

    async fn revocations_since(&self, cursor: &str) -> Result<(Vec<Revocation>, String), Error> {
        let from = cursor.parse().unwrap_or(0);
        let all = self.revocations.lock().unwrap();
        let page: Vec<_> = all.iter().skip(from).take(REVOCATIONS_PAGE).cloned().collect();
        let next = from + page.len();
        Ok((page, next.to_string()))
    }
}

/// Knows keys, but not revocations: auth with its database down.
#[derive(Clone)]
struct Unreachable(KeySet);

impl Source for Unreachable {
    async fn key_set(&self) -> Result<KeySet, Error> {
        Ok(self.0.clone())
    }

    async fn revocations_since(&self, _: &str) -> Result<(Vec<Revocation>, String), Error> {
        Err(Error::unavailable())
    }
}

#[tokio::test]
async fn catch_up_reads_every_page() {
    let issuer = TestIssuer::new();
    let verifier = issuer.verifier();
    let token = issuer.token(UserId(7), "anna", Role::User);
    let user = verifier.verify(&token).unwrap();
    let source = Scripted::default();
    let until = Utc::now() + chrono::Duration::hours(1);
    let mut all: Vec<_> = (0..REVOCATIONS_PAGE + 1)
        .map(|i| Revocation::Token {
            id: i.to_string(),
            until,
        })
        .collect();
    all.push(Revocation::Session {
        id: user.session.clone(),
        until,
    });
    *source.revocations.lock().unwrap() = all;

    let mut cursor = String::new();
    catch_up(&verifier, &source, &mut cursor).await.unwrap();
    assert_eq!(cursor, (REVOCATIONS_PAGE + 2).to_string());
    assert!(verifier.is_revoked(&user));
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_until_they_arrive_and_again_for_unknown_key() {
    let (old, new) = (TestIssuer::new(), TestIssuer::new());
    let verifier = Verifier::default();
    verifier.set_revocations_known();
    let source = Scripted::default();
    let task = tokio::spawn(keep_keys(verifier.clone(), source.clone()));
    sleep(Duration::from_secs(5)).await;
    assert!(!verifier.has_keys());

    *source.keys.lock().unwrap() = Some(old.key_set());
    sleep(Duration::from_secs(1)).await;
    assert!(verifier.has_keys());

    *source.keys.lock().unwrap() = Some(new.key_set());
    let token = new.token(UserId(7), "anna", Role::User);
    assert!(verifier.authenticate(&token).await.is_ok());
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn verifier_is_not_ready_without_revocations() {
    let issuer = TestIssuer::new();
    let verifier = Verifier::default();
    let source = Unreachable(issuer.key_set());
    let keys = tokio::spawn(keep_keys(verifier.clone(), source.clone()));
    sleep(Duration::from_secs(5)).await;
    assert!(verifier.has_keys());
    assert!(catch_up(&verifier, &source, &mut String::new()).await.is_err());
    assert!(!verifier.is_ready());
    let token = issuer.token(UserId(7), "anna", Role::User);
    assert!(verifier.authenticate(&token).await.is_err());
    keys.abort();
}

#[test]
fn event_and_response_yield_the_same_revocation() {
    let until = Some(proto::time::timestamp(Utc::now()));
    let from_event = events::TokenRevoked {
        what: Some(events::token_revoked::What::User(events::TokensCutoff {
            user_id: 7,
            tokens_valid_from: until,
        })),
        until,
    };
    let from_response = auth::Revocation {
        what: Some(auth::revocation::What::User(auth::UserCutoff {
            user_id: 7,
            tokens_valid_from: until,
        })),
        until,
    };
    assert!(revocation_from_event(from_event.clone()).is_some());
    assert_eq!(
        revocation_from_event(from_event),
        revocation_from_response(from_response)
    );
    assert_eq!(revocation_from_event(events::TokenRevoked::default()), None);
}
