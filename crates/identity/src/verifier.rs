//! Access tokens: from the text in a header to the user behind it.

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
use crate::remembered::Remembered;
use crate::revocation::{Revocation, Revoked};

/// How long [`Verifier::authenticate`] waits for a key set that has the token's key.
const KEY_WAIT: Duration = Duration::from_secs(2);
/// Calls that may wait for a key set at once; whoever signs nonsense can not pile up more.
const MAX_KEY_WAITERS: usize = 256;
/// Revocations that a slow listener may lag behind before it must look at all its sockets again.
const ANNOUNCEMENTS: usize = 1024;

/// Why an access token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Malformed, forged, or made for something else.
    #[error("invalid token")]
    Invalid,
    /// Expired, leeway included.
    #[error("expired token")]
    Expired,
    /// Refused before its expiry: a logout, a ban, a new password.
    #[error("revoked token")]
    Revoked,
    /// Signed with a key that we have not heard of (yet).
    #[error("token of an unknown key")]
    UnknownKey(String),
    /// Neither keys nor the first revocation list have arrived yet, so no token can be judged.
    #[error("keys or revocations have not arrived yet")]
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
    /// Counts key sets; 0 until the first.
    key_sets: watch::Sender<u64>,
    /// Counts fetches that began: only a set whose fetch began after the question answers it.
    fetches: AtomicU64,
    keys_wanted: Notify,
    key_waiters: AtomicUsize,
    signed: Remembered<Signed>,
    revoked: RwLock<Revoked>,
    /// Set once the first complete revocation list has arrived.
    knows_revocations: AtomicBool,
    announcements: broadcast::Sender<Revocation>,
}

/// What a key signed. It stays signed, whatever becomes of the token.
struct Signed {
    kid: String,
    claims: Claims,
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new(Clock::system())
    }
}

impl Verifier {
    /// A verifier that knows no key yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        // Times are checked in `judge`, against the clock that was handed in; their types by `Claims`.
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
                signed: Remembered::default(),
                revoked: RwLock::default(),
                knows_revocations: AtomicBool::new(false),
                announcements: broadcast::Sender::new(ANNOUNCEMENTS),
            }),
        }
    }

    /// The user behind a token, judged by what is known now. A token of an unknown key asks for a new key set
    /// on the way.
    ///
    /// # Errors
    /// Why the token is not accepted.
    pub fn verify(&self, token: &str) -> Result<User, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        // A revoked token would pass for as long as the revocations are unknown.
        if !self.is_ready() {
            return Err(TokenError::NotReady);
        }
        let has_key = |signed: &Signed| self.keys().contains_key(&signed.kid);
        let signed = self.inner.signed.get(token, has_key, || self.signed(token))?;
        self.judge(&signed)
    }

    /// Checks the signature and reads what was signed.
    fn signed(&self, token: &str) -> Result<Signed, TokenError> {
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
        Ok(Signed { kid, claims })
    }

    fn keys(&self) -> RwLockReadGuard<'_, HashMap<String, DecodingKey>> {
        self.inner.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Like [`Verifier::verify`], but a token of an unknown key waits a moment for the next key set, so that
    /// a rotation refuses nobody; when that set does not have the key either, the token is invalid.
    ///
    /// # Errors
    /// Why the token is not accepted; [`TokenError::UnknownKey`] when no key set came in time.
    pub async fn authenticate(&self, token: &str) -> Result<User, TokenError> {
        let mut key_sets = self.inner.key_sets.subscribe();
        let asked_after = self.inner.fetches.load(Ordering::SeqCst);
        let unknown = match self.verify(token) {
            Err(error @ TokenError::UnknownKey(_)) => error,
            judged => return judged,
        };
        let Some(_waiter) = Waiter::enter(&self.inner.key_waiters) else {
            return Err(unknown);
        };
        let fresh = key_sets.wait_for(|fetch| *fetch > asked_after);
        match tokio::time::timeout(KEY_WAIT, fresh).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) | Err(_) => return Err(unknown),
        }
        self.verify(token).map_err(|error| match error {
            TokenError::UnknownKey(_) => TokenError::Invalid,
            other => other,
        })
    }

    /// What changes with time, and so is looked at each time.
    fn judge(&self, Signed { claims, .. }: &Signed) -> Result<User, TokenError> {
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

    /// Whether a key set has arrived.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        *self.inner.key_sets.borrow() > 0
    }

    /// Notes that every revocation up to now has been added with [`Verifier::revoke`].
    pub fn set_revocations_known(&self) {
        self.inner.knows_revocations.store(true, Ordering::Release);
    }

    /// Whether tokens can be judged: a key set and the first complete revocation list have arrived.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.has_keys() && self.inner.knows_revocations.load(Ordering::Acquire)
    }

    /// Notes that a key set is being asked for now; hand the answer to [`Verifier::set_keys`] with what this
    /// gave.
    #[must_use]
    pub fn begin_fetch(&self) -> u64 {
        self.inner.fetches.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Replaces the keys by those that a fetch brought.
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

    /// Waits until a token of an unknown key was seen. Whoever fetches keys waits here, and between two
    /// fetches.
    pub async fn keys_wanted(&self) {
        self.inner.keys_wanted.notified().await;
    }

    /// Refuses tokens from now on and announces it; a repeat announces nothing.
    pub fn revoke(&self, revocation: Revocation) {
        let now = self.inner.clock.now();
        let news = self
            .inner
            .revoked
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .add(&revocation, now);
        if news {
            // Nobody may be listening, which is no error.
            let _ = self.inner.announcements.send(revocation);
        }
    }

    /// Whether a token that was accepted before would be refused now.
    #[must_use]
    pub fn is_revoked(&self, user: &User) -> bool {
        self.inner
            .revoked
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .refuses(user)
    }

    /// Each revocation as it is learnt, for whoever holds something open for a user. A receiver that lags
    /// must look at all that it holds with [`Verifier::is_revoked`].
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

/// One call that waits for a key set; leaves when it is dropped.
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
