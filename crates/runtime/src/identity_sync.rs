//! Keeps a [`Verifier`] supplied.
//!
//! *Keys* are fetched at the start, again and again until they come; then once a minute, and at once when a
//! token names a key that is not known (at most once a second, however many such tokens come). *Revocations*
//! are heard as `token.revoked` the moment they are made; since a replica without a durable queue misses
//! events, [`Source::revocations_since`] is asked when listening begins (again), each second while the broker
//! is away, and each half minute in any case.
//!
//! The source is the auth service over gRPC ([`AuthPeer`]), or, within the auth service, its own database.

use std::future::Future;
use std::time::Duration;

use bus::{Heard, Listener};
use chrono::{DateTime, Utc};
use identity::{KeySet, PublicKey, REVOCATIONS_PAGE, Revocation, Verifier};
use primitives::{Error, UserId};
use proto::auth::v1 as auth;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::events::v1 as events;
use proto::time::datetime;
use proto::{CallContext, Peer, error_from_status};
use tokio::time::{Instant, sleep, timeout};

use crate::shutdown::Shutdown;

/// The routing key of revocations.
const TOKEN_REVOKED: &str = "token.revoked";
/// How long one question to the source may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause before the first keys are asked for again.
const FIRST_KEYS_PAUSE: Duration = Duration::from_millis(250);
/// Between two fetches of the keys, at least and at most.
const KEYS_PAUSE: Duration = Duration::from_secs(1);
const KEYS_AGE: Duration = Duration::from_secs(60);
/// Between two questions for revocations while nothing is heard, and while the broker is there.
const POLL_WHILE_DEAF: Duration = Duration::from_secs(1);
const POLL_WHILE_HEARING: Duration = Duration::from_secs(30);

/// Who knows the keys and the revocations.
pub trait Source: Clone + Send + Sync + 'static {
    /// The keys in use.
    fn key_set(&self) -> impl Future<Output = Result<KeySet, Error>> + Send;

    /// What was revoked since a cursor, and the next cursor; the empty cursor asks for all that still
    /// matters. An answer of [`REVOCATIONS_PAGE`] revocations is followed by more.
    fn revocations_since(
        &self,
        cursor: &str,
    ) -> impl Future<Output = Result<(Vec<Revocation>, String), Error>> + Send;
}

/// Starts the tasks that keep the verifier supplied until the stop.
pub fn start(verifier: &Verifier, source: &impl Source, bus: &bus::Bus, shutdown: &Shutdown) {
    let keys = keep_keys(verifier.clone(), source.clone());
    shutdown.spawn_essential("identity keys", until_stop(shutdown.clone(), keys));
    let listener = Listener::start(bus, &[TOKEN_REVOKED]);
    let revocations = keep_revocations(verifier.clone(), source.clone(), listener);
    shutdown.spawn_essential("revocations", until_stop(shutdown.clone(), revocations));
}

async fn until_stop(shutdown: Shutdown, work: impl Future<Output = ()>) {
    let _ = shutdown.run_until_stopped(work).await;
}

async fn keep_keys(verifier: Verifier, source: impl Source) {
    loop {
        let fetch = verifier.begin_fetch();
        match within_timeout(source.key_set()).await {
            Ok(keys) => verifier.set_keys(&keys, fetch),
            Err(error) => tracing::warn!(%error, "no key set, trying again"),
        }
        if !verifier.has_keys() {
            sleep(FIRST_KEYS_PAUSE).await;
            continue;
        }
        sleep(KEYS_PAUSE).await;
        // In time or because a token of an unknown key came: both mean to fetch.
        let _ = timeout(KEYS_AGE, verifier.keys_wanted()).await;
    }
}

async fn keep_revocations(verifier: Verifier, source: impl Source, mut listener: Listener) {
    let mut cursor = String::new();
    let mut asked = Instant::now();
    let mut ask_now = true;
    loop {
        let pause = if listener.is_connected() {
            POLL_WHILE_HEARING
        } else {
            POLL_WHILE_DEAF
        };
        if ask_now || asked.elapsed() >= pause {
            asked = Instant::now();
            ask_now = match catch_up(&verifier, &source, &mut cursor).await {
                Ok(()) => {
                    verifier.set_revocations_known();
                    false
                }
                Err(error) => {
                    tracing::warn!(%error, "revocations unknown, trying again");
                    // What was missed stays missed until an answer comes.
                    sleep(POLL_WHILE_DEAF / 2).await;
                    true
                }
            };
        }
        // Woken each second, since nothing is said when the broker goes away.
        match timeout(POLL_WHILE_DEAF, listener.next()).await {
            Ok(Some(Heard::Connected)) => ask_now = true,
            Ok(Some(Heard::Event(event, span))) => span.in_scope(|| hear(&verifier, *event)),
            // Never, as long as the runtime lives; if it did, asking each second is enough.
            Ok(None) => sleep(POLL_WHILE_DEAF).await,
            Err(_) => {}
        }
    }
}

async fn catch_up(verifier: &Verifier, source: &impl Source, cursor: &mut String) -> Result<(), Error> {
    loop {
        let (revocations, next) = within_timeout(source.revocations_since(cursor)).await?;
        let more = revocations.len() >= REVOCATIONS_PAGE;
        for revocation in revocations {
            verifier.revoke(revocation);
        }
        *cursor = next;
        if !more {
            return Ok(());
        }
    }
}

async fn within_timeout<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(CALL_TIMEOUT, answer)
        .await
        .unwrap_or_else(|_| Err(Error::unavailable()))
}

fn hear(verifier: &Verifier, event: events::Event) {
    let Some(events::event::Payload::TokenRevoked(revoked)) = event.payload else {
        return;
    };
    match revocation_of_event(revoked) {
        Some(revocation) => verifier.revoke(revocation),
        None => tracing::warn!(event_id = event.id, "a revocation without a meaning"),
    }
}

fn revocation_of_event(revoked: events::TokenRevoked) -> Option<Revocation> {
    let until = datetime(revoked.until.as_ref())?;
    Some(match revoked.what? {
        events::token_revoked::What::TokenId(id) => Revocation::Token { id, until },
        events::token_revoked::What::SessionId(id) => Revocation::Session { id, until },
        events::token_revoked::What::User(user) => {
            cutoff(user.user_id, datetime(user.tokens_valid_from.as_ref())?, until)?
        }
    })
}

fn revocation_of_answer(revoked: auth::Revocation) -> Option<Revocation> {
    let until = datetime(revoked.until.as_ref())?;
    Some(match revoked.what? {
        auth::revocation::What::TokenId(id) => Revocation::Token { id, until },
        auth::revocation::What::SessionId(id) => Revocation::Session { id, until },
        auth::revocation::What::User(user) => {
            cutoff(user.user_id, datetime(user.tokens_valid_from.as_ref())?, until)?
        }
    })
}

fn cutoff(id: i64, valid_from: DateTime<Utc>, until: DateTime<Utc>) -> Option<Revocation> {
    Some(Revocation::User {
        id: UserId::try_from(id).ok()?,
        valid_from,
        until,
    })
}

/// The auth service, asked over gRPC.
#[derive(Clone, Debug)]
pub struct AuthPeer(Peer);

impl AuthPeer {
    /// The auth service at a peer's address.
    #[must_use]
    pub fn new(peer: Peer) -> Self {
        Self(peer)
    }

    fn client(&self) -> AuthServiceClient<proto::PeerChannel> {
        AuthServiceClient::new(self.0.with(&CallContext::background(CALL_TIMEOUT)))
    }
}

impl Source for AuthPeer {
    async fn key_set(&self) -> Result<KeySet, Error> {
        let answer = self
            .client()
            .key_set(auth::KeySetRequest {})
            .await
            .map_err(|s| error_from_status(&s))?;
        let keys: Result<Vec<_>, _> = answer
            .into_inner()
            .keys
            .iter()
            .map(|key| PublicKey::new(&key.key))
            .collect();
        keys.map(KeySet::new).map_err(|error| {
            tracing::error!(%error, "the auth service has a key that is none");
            Error::internal()
        })
    }

    async fn revocations_since(&self, cursor: &str) -> Result<(Vec<Revocation>, String), Error> {
        let request = auth::RevocationsSinceRequest {
            cursor: cursor.to_owned(),
        };
        let answer = self
            .client()
            .revocations_since(request)
            .await
            .map_err(|s| error_from_status(&s))?
            .into_inner();
        Ok((
            answer
                .revocations
                .into_iter()
                .filter_map(revocation_of_answer)
                .collect(),
            answer.cursor,
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use identity::TestIssuer;
    use primitives::Role;

    use super::*;

    /// Answers with pages of a list; the cursor is a position in it.
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

    #[tokio::test]
    async fn catching_up_reads_every_page() {
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
    async fn keys_are_asked_for_until_they_come_and_again_for_an_unknown_one() {
        let (old, new) = (TestIssuer::new(), TestIssuer::new());
        let verifier = Verifier::default();
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

    #[test]
    fn a_revocation_means_the_same_in_an_event_and_in_an_answer() {
        let until = Some(proto::time::timestamp(Utc::now()));
        let of_event = events::TokenRevoked {
            what: Some(events::token_revoked::What::User(events::TokensCutoff {
                user_id: 7,
                tokens_valid_from: until,
            })),
            until,
        };
        let of_answer = auth::Revocation {
            what: Some(auth::revocation::What::User(auth::UserCutoff {
                user_id: 7,
                tokens_valid_from: until,
            })),
            until,
        };
        assert!(revocation_of_event(of_event.clone()).is_some());
        assert_eq!(revocation_of_event(of_event), revocation_of_answer(of_answer));
        assert_eq!(revocation_of_event(events::TokenRevoked::default()), None);
    }
}
