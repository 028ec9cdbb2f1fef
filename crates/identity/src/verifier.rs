use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use primitives::{Clock, Error, ErrorKind};
use tokio::sync::{Notify, broadcast, watch};

use crate::claims::{AUDIENCE, Claims, ISSUER, LEEWAY_SECONDS, MAX_TOKEN_BYTES, User};
use crate::keys::KeySet;
use crate::revocation::{Revocation, Revocations};
use crate::signature_cache::SignatureCache;

/// How long [`Verifier::authenticate`] waits for a key set that has the token's key.
const KEY_WAIT: Duration = Duration::from_secs(2);
/// Concurrent calls that may wait for a key set. Bounds the waiters that forged tokens cause.
const MAX_KEY_WAITERS: usize = 256;
/// By how many revocations a receiver may lag before it must recheck all its sockets.
const ANNOUNCEMENT_CAPACITY: usize = 1024;

/// Why an access token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Malformed, forged, or issued for another purpose.
    #[error("invalid token")]
    Invalid,
    /// Expired, leeway included.
    #[error("expired token")]
    Expired,
    /// Revoked before its expiry, as by signing out, a ban or a new password.
    #[error("revoked token")]
    Revoked,
    /// Signed with a key that is not in the key set, or not yet.
    #[error("token signed with an unknown key")]
    UnknownKey(String),
    /// The key set or the first revocation list is missing, so no token can be verified.
    #[error("keys or revocations not loaded yet")]
    NotReady,
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        let unauthenticated = |code, detail| Self::new(ErrorKind::Unauthenticated, code, detail);
        match error {
            TokenError::Invalid => unauthenticated("auth.token_invalid", "The access token is invalid."),
            TokenError::Revoked => {
                unauthenticated("auth.token_invalid", "The access token is no longer valid.")
            }
            TokenError::Expired => unauthenticated("auth.token_expired", "The access token has expired."),
            TokenError::UnknownKey(_) | TokenError::NotReady => Self::unavailable(),
        }
    }
}

/// Verifies access tokens. Clones share keys and revocations.
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    validation: Validation,
    keys: RwLock<HashMap<String, DecodingKey>>,
    /// The number of the fetch that returned the current key set; 0 before the first.
    key_sets: watch::Sender<u64>,
    /// Counts started fetches. A waiter needs a key set whose fetch started after its request.
    fetches: AtomicU64,
    keys_wanted: Notify,
    key_waiters: AtomicUsize,
    signed: SignatureCache<SignedClaims>,
    revoked: RwLock<Revocations>,
    /// Set once the first complete revocation list is loaded.
    revocations_loaded: AtomicBool,
    announcements: broadcast::Sender<Revocation>,
}

/// The contents of a correctly signed token.
struct SignedClaims {
    kid: String,
    claims: Claims,
}

impl Verifier {
    /// Creates a verifier without keys, which rejects every token with [`TokenError::NotReady`].
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        // `check_validity` checks times against the injected clock.
        validation.validate_exp = false;
        Self {
            inner: Arc::new(Inner {
                clock,
                validation,
                keys: RwLock::default(),
                key_sets: watch::Sender::new(0),
                fetches: AtomicU64::new(0),
                keys_wanted: Notify::new(),
                key_waiters: AtomicUsize::new(0),
                signed: SignatureCache::default(),
                revoked: RwLock::default(),
                revocations_loaded: AtomicBool::new(false),
                announcements: broadcast::Sender::new(ANNOUNCEMENT_CAPACITY),
            }),
        }
    }

    /// Returns the user of a valid token. A token signed with an unknown key also requests a new key set.
    pub fn verify(&self, token: &str) -> Result<User, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        // Without the revocation list, revoked tokens would be accepted.
        if !self.is_ready() {
            return Err(TokenError::NotReady);
        }
        let has_key = |signed: &SignedClaims| self.keys().contains_key(&signed.kid);
        let signed = self.inner.signed.get(token, has_key, || self.decode(token))?;
        self.check_validity(&signed)
    }

    /// Checks the signature and decodes the claims.
    fn decode(&self, token: &str) -> Result<SignedClaims, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Invalid);
        }
        let kid = header.kid.ok_or(TokenError::Invalid)?;
        let keys = self.keys();
        let Some(key) = keys.get(&kid) else {
            self.inner.keys_wanted.notify_one();
            return Err(TokenError::UnknownKey(kid));
        };
        let data = jsonwebtoken::decode::<Claims>(token, key, &self.inner.validation);
        let claims = data.map_err(|_| TokenError::Invalid)?.claims;
        Ok(SignedClaims { kid, claims })
    }

    fn keys(&self) -> RwLockReadGuard<'_, HashMap<String, DecodingKey>> {
        self.inner.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Like [`Verifier::verify`], but waits up to two seconds for a new key set if the key is unknown, so
    /// that rotating keys rejects no valid token. A token whose key is missing from that set is invalid.
    ///
    /// # Errors
    /// [`TokenError::UnknownKey`] if no key set arrived in time.
    pub async fn authenticate(&self, token: &str) -> Result<User, TokenError> {
        let mut key_sets = self.inner.key_sets.subscribe();
        let last_fetch = self.inner.fetches.load(Ordering::SeqCst);
        let unknown = match self.verify(token) {
            Err(error @ TokenError::UnknownKey(_)) => error,
            result => return result,
        };
        let Some(_waiter) = Waiter::enter(&self.inner.key_waiters) else {
            return Err(unknown);
        };
        let fresh = key_sets.wait_for(|fetch| *fetch > last_fetch);
        match tokio::time::timeout(KEY_WAIT, fresh).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) | Err(_) => return Err(unknown),
        }
        self.verify(token).map_err(|error| match error {
            TokenError::UnknownKey(_) => TokenError::Invalid,
            other => other,
        })
    }

    /// Checks expiry and revocation, which may change between two uses of a token.
    fn check_validity(&self, SignedClaims { claims, .. }: &SignedClaims) -> Result<User, TokenError> {
        let now = self.inner.clock.now().timestamp();
        if claims.exp.saturating_add(LEEWAY_SECONDS) < now {
            return Err(TokenError::Expired);
        }
        let starts = claims.nbf.unwrap_or(claims.iat).max(claims.iat);
        if starts > now.saturating_add(LEEWAY_SECONDS) {
            return Err(TokenError::Invalid);
        }
        let user = User::from_claims(claims).ok_or(TokenError::Invalid)?;
        if self.is_revoked(&user) {
            Err(TokenError::Revoked)
        } else {
            Ok(user)
        }
    }

    /// Returns whether a key set is loaded.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        *self.inner.key_sets.borrow() > 0
    }

    /// Declares that every revocation so far has been added with [`Verifier::revoke`].
    pub fn set_revocations_known(&self) {
        self.inner.revocations_loaded.store(true, Ordering::Release);
    }

    /// Returns whether a key set and the first complete revocation list are loaded.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.has_keys() && self.inner.revocations_loaded.load(Ordering::Acquire)
    }

    /// Registers the start of a key set fetch. Pass the returned number to [`Verifier::set_keys`].
    #[must_use]
    pub fn begin_fetch(&self) -> u64 {
        self.inner.fetches.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Replaces the keys with the result of a fetch.
    pub fn set_keys(&self, keys: &KeySet, fetch: u64) {
        let map = keys
            .keys()
            .iter()
            .map(|key| (key.kid().to_owned(), DecodingKey::from_ed_der(key.as_bytes())))
            .collect();
        *self.inner.keys.write().unwrap_or_else(PoisonError::into_inner) = map;
        self.inner.key_sets.send_if_modified(|last| {
            let newer = fetch > *last;
            *last = fetch.max(*last);
            newer
        });
    }

    /// Waits for a token that was signed with an unknown key. The key fetcher must limit its own rate.
    pub async fn keys_wanted(&self) {
        self.inner.keys_wanted.notified().await;
    }

    /// Adds a revocation and announces it if it is new.
    pub fn revoke(&self, revocation: Revocation) {
        let now = self.inner.clock.now();
        let is_new = self
            .inner
            .revoked
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .add(&revocation, now);
        if is_new {
            // The send fails without receivers, which is fine.
            let _ = self.inner.announcements.send(revocation);
        }
    }

    /// Returns whether a user's token has been revoked since it was accepted.
    #[must_use]
    pub fn is_revoked(&self, user: &User) -> bool {
        self.inner
            .revoked
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .revokes(user)
    }

    /// Subscribes to new revocations, for tasks that serve users over long connections. A receiver that lags
    /// must recheck all its users with [`Verifier::is_revoked`].
    #[must_use]
    pub fn revocations(&self) -> broadcast::Receiver<Revocation> {
        self.inner.announcements.subscribe()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("is_ready", &self.is_ready())
            .finish_non_exhaustive()
    }
}

/// Counts a call that waits for a key set, until dropped.
struct Waiter<'a>(&'a AtomicUsize);

impl<'a> Waiter<'a> {
    fn enter(waiters: &'a AtomicUsize) -> Option<Self> {
        let waiter = Self(waiters);
        (waiters.fetch_add(1, Ordering::SeqCst) < MAX_KEY_WAITERS).then_some(waiter)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
