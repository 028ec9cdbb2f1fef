//! Caches the contents of correctly signed tokens: checking a signature costs far more than all other checks,
//! and clients send the same token with each request.
//!
//! Only facts that stay true are cached: that a key signed a token, and the token's contents. The caller
//! checks expiry and revocation every time. Tokens are stored as hashes. Rejected tokens are not cached, so a flood
//! of forged ones evicts nothing.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use sha2::{Digest, Sha256};

/// The capacity; a token takes about half a kilobyte.
const MAX_TOKENS: u64 = 10_000;
/// Spans the time between two requests of an active user.
const TTL: Duration = Duration::from_secs(60);

pub(crate) struct SignatureCache<T> {
    tokens: Cache<[u8; 32], Arc<T>>,
}

impl<T: Send + Sync + 'static> Default for SignatureCache<T> {
    fn default() -> Self {
        Self::with_capacity(MAX_TOKENS)
    }
}

impl<T: Send + Sync + 'static> SignatureCache<T> {
    fn with_capacity(tokens: u64) -> Self {
        let tokens = Cache::builder().max_capacity(tokens).time_to_live(TTL);
        Self {
            tokens: tokens.build(),
        }
    }

    /// Returns the contents of a token, from the cache if they pass `is_valid`, or else from `verify`.
    pub(crate) fn get<E>(
        &self,
        token: &str,
        is_valid: impl FnOnce(&T) -> bool,
        verify: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        if let Some(known) = self.tokens.get(&hash)
            && is_valid(&known)
        {
            return Ok(known);
        }
        let verified = Arc::new(verify()?);
        self.tokens.insert(hash, Arc::clone(&verified));
        Ok(verified)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn token_is_verified_once_until_cached_entry_is_invalid() {
        let cache = SignatureCache::<u32>::default();
        let verifications = Cell::new(0);
        let get = |token: &str, is_valid: bool| {
            let found = cache.get(
                token,
                |_| is_valid,
                || {
                    verifications.set(verifications.get() + 1);
                    Ok::<_, ()>(verifications.get())
                },
            );
            *found.unwrap()
        };
        assert_eq!((get("a", true), get("a", true), get("b", true)), (1, 1, 2));
        assert_eq!((get("a", false), get("a", true)), (3, 3));
        assert_eq!(verifications.get(), 3);
    }

    #[test]
    fn rejection_is_not_cached() {
        let cache = SignatureCache::<u32>::default();
        assert_eq!(cache.get("a", |_| true, || Err(1)), Err(1));
        assert_eq!(cache.get("a", |_| true, || Err(2)), Err(2));
        assert_eq!(cache.tokens.entry_count(), 0);
    }

    #[test]
    fn capacity_is_bounded() {
        let cache = SignatureCache::with_capacity(10);
        for i in 0..1000_u32 {
            let found = cache.get(&i.to_string(), |_| true, || Ok::<_, ()>(i));
            assert_eq!(*found.unwrap(), i);
        }
        cache.tokens.run_pending_tasks();
        assert!(cache.tokens.entry_count() <= 10);
    }
}
