//! Keeps a [`Verifier`] supplied with keys and revocations.
//!
//! *Keys* are fetched at the start until they arrive, then once a minute, and at once when a token names an
//! unknown key (at most once a second). *Revocations* arrive as `token.revoked` events. A listener has no
//! durable queue and misses events while it is disconnected, so [`Source::revocations_since`] is also called
//! at every (re)connection, every second while the broker is away, and every 30 s in any case.
//!
//! The source is the auth service over gRPC ([`AuthPeer`]) or, inside the auth service, its own database.

use std::future::Future;
use std::time::Duration;

use bus::{Listener, ListenerEvent};
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
/// Deadline of one call to the source.
const CALL_TIMEOUT: Duration = Duration::from_secs(1);
/// Between two attempts to fetch the first key set.
const FIRST_KEYS_RETRY: Duration = Duration::from_millis(250);
/// Between two fetches of the key set, at least and at most.
const MIN_KEYS_PERIOD: Duration = Duration::from_secs(1);
const MAX_KEYS_PERIOD: Duration = Duration::from_secs(60);
/// Between two calls for revocations while the broker is away, and while it is connected.
const DISCONNECTED_POLL_PERIOD: Duration = Duration::from_secs(1);
const CONNECTED_POLL_PERIOD: Duration = Duration::from_secs(30);

/// Where keys and revocations come from.
pub trait Source: Clone + Send + Sync + 'static {
    /// Returns the keys in use.
    fn key_set(&self) -> impl Future<Output = Result<KeySet, Error>> + Send;

    /// Returns the revocations after a cursor, and the next cursor. The empty cursor stands for all
    /// revocations of tokens that have not expired. A page of [`REVOCATIONS_PAGE`] is followed by another
    /// one.
    fn revocations_since(
        &self,
        cursor: &str,
    ) -> impl Future<Output = Result<(Vec<Revocation>, String), Error>> + Send;
}

/// Starts the tasks that keep a verifier supplied until the stop.
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
            Err(error) => tracing::warn!(%error, "key set unavailable, trying again"),
        }
        if !verifier.has_keys() {
            sleep(FIRST_KEYS_RETRY).await;
            continue;
        }
        sleep(MIN_KEYS_PERIOD).await;
        // Whether the period is over or a token named an unknown key, the next step is a fetch.
        let _ = timeout(MAX_KEYS_PERIOD, verifier.keys_wanted()).await;
    }
}

async fn keep_revocations(verifier: Verifier, source: impl Source, mut listener: Listener) {
    let mut cursor = String::new();
    let mut called_at = Instant::now();
    let mut call_now = true;
    loop {
        let period = if listener.is_connected() {
            CONNECTED_POLL_PERIOD
        } else {
            DISCONNECTED_POLL_PERIOD
        };
        if call_now || called_at.elapsed() >= period {
            called_at = Instant::now();
            call_now = match catch_up(&verifier, &source, &mut cursor).await {
                Ok(()) => false,
                Err(error) => {
                    tracing::warn!(%error, "revocations unavailable, trying again");
                    // Missed events stay missed until a call succeeds.
                    sleep(DISCONNECTED_POLL_PERIOD / 2).await;
                    true
                }
            };
        }
        // Wakes up every second, because the listener does not report a lost connection.
        match timeout(DISCONNECTED_POLL_PERIOD, listener.next()).await {
            Ok(Some(ListenerEvent::Connected)) => call_now = true,
            Ok(Some(ListenerEvent::Event(event, span))) => span.in_scope(|| apply(&verifier, *event)),
            // The listener ends only with its runtime; until then polling is enough.
            Ok(None) => sleep(DISCONNECTED_POLL_PERIOD).await,
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
            verifier.set_revocations_known();
            return Ok(());
        }
    }
}

async fn within_timeout<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(CALL_TIMEOUT, answer)
        .await
        .unwrap_or_else(|_| Err(Error::unavailable()))
}

fn apply(verifier: &Verifier, event: events::Event) {
    let Some(events::event::Payload::TokenRevoked(revoked)) = event.payload else {
        return;
    };
    match revocation_from_event(revoked) {
        Some(revocation) => verifier.revoke(revocation),
        None => tracing::warn!(event_id = event.id, "malformed revocation event"),
    }
}

fn revocation_from_event(revoked: events::TokenRevoked) -> Option<Revocation> {
    let until = datetime(revoked.until.as_ref())?;
    Some(match revoked.what? {
        events::token_revoked::What::TokenId(id) => Revocation::Token { id, until },
        events::token_revoked::What::SessionId(id) => Revocation::Session { id, until },
        events::token_revoked::What::User(user) => {
            cutoff(user.user_id, datetime(user.tokens_valid_from.as_ref())?, until)?
        }
    })
}

fn revocation_from_response(revoked: auth::Revocation) -> Option<Revocation> {
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

/// The auth service over gRPC.
#[derive(Clone, Debug)]
pub struct AuthPeer(Peer);

impl AuthPeer {
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
            tracing::error!(%error, "the auth service returned a malformed key");
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
                .filter_map(revocation_from_response)
                .collect(),
            answer.cursor,
        ))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test issuer signs in real time")]
mod tests;
