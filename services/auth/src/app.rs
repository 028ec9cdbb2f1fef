//! What the ways in share.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::Verifier;
use objects::Pictures;
use primitives::Clock;
use sha2::{Digest, Sha256};

use crate::domain::Lifetimes;
use crate::passwords::Passwords;
use crate::signing::SigningKeys;
use crate::store::{NewRefreshToken, Store, Throttle};

/// Pools, clients, keys, clock. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Our tables.
    pub store: Store,
    /// The counters of tries, in Redis.
    pub throttle: Throttle,
    /// The avatars.
    pub pictures: Pictures,
    /// Password hashing.
    pub passwords: Passwords,
    /// The keys that sign.
    pub keys: Arc<SigningKeys>,
    /// Verifies the tokens that we made, and knows what we revoked.
    pub verifier: Verifier,
    /// The time.
    pub clock: Clock,
    /// How long tokens live.
    pub lifetimes: Lifetimes,
}

/// A refresh token on its way to its owner; we keep its hash.
pub(crate) struct RefreshToken {
    pub(crate) text: String,
    pub(crate) stored: NewRefreshToken,
}

impl RefreshToken {
    /// A new one: 256 random bits, which need no salt and no slow hash.
    pub(crate) fn generate() -> Self {
        let text = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let stored = NewRefreshToken {
            hash: Self::hash(&text),
        };
        Self { text, stored }
    }

    /// What we keep of a token.
    pub(crate) fn hash(text: &str) -> Vec<u8> {
        Sha256::digest(text).to_vec()
    }
}
