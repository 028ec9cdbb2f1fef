//! What the signatures of tokens said, for their next use: checking one costs many times what all the rest
//! does, and a user sends the same token with each request.
//!
//! Only what stays true is remembered: that a key signed a token, and what the token says. Whether it has
//! expired or was revoked is for the caller to look at each time. The token itself is not kept, only its
//! hash; and since nothing is remembered of a token that is refused, whoever sends nonsense drives nobody
//! out.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use sha2::{Digest, Sha256};

/// Tokens remembered at once; half a kilobyte each.
const TOKENS: u64 = 10_000;
/// How long each: from one request of somebody who is there to the next.
const MEMORY: Duration = Duration::from_secs(60);

/// Remembers what tokens said.
pub(crate) struct Remembered<T> {
    tokens: Cache<[u8; 32], Arc<T>>,
}

impl<T: Send + Sync + 'static> Default for Remembered<T> {
    fn default() -> Self {
        Self::bounded(TOKENS)
    }
}

impl<T: Send + Sync + 'static> Remembered<T> {
    fn bounded(tokens: u64) -> Self {
        let tokens = Cache::builder().max_capacity(tokens).time_to_live(MEMORY);
        Self {
            tokens: tokens.build(),
        }
    }

    /// What a token says: as it is remembered, if that still holds, else as it is found out now.
    pub(crate) fn get<E>(
        &self,
        token: &str,
        holds: impl FnOnce(&T) -> bool,
        find_out: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let name: [u8; 32] = Sha256::digest(token).into();
        if let Some(known) = self.tokens.get(&name)
            && holds(&known)
        {
            return Ok(known);
        }
        let found = Arc::new(find_out()?);
        self.tokens.insert(name, Arc::clone(&found));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_token_is_looked_into_once_and_again_when_that_holds_no_more() {
        let remembered = Remembered::<u32>::default();
        let looks = Cell::new(0);
        let get = |token: &str, holds: bool| {
            let found = remembered.get(
                token,
                |_| holds,
                || {
                    looks.set(looks.get() + 1);
                    Ok::<_, ()>(looks.get())
                },
            );
            *found.unwrap()
        };
        assert_eq!((get("a", true), get("a", true), get("b", true)), (1, 1, 2));
        assert_eq!((get("a", false), get("a", true)), (3, 3));
        assert_eq!(looks.get(), 3);
    }

    #[test]
    fn a_refusal_is_not_remembered() {
        let remembered = Remembered::<u32>::default();
        assert_eq!(remembered.get("a", |_| true, || Err(1)), Err(1));
        assert_eq!(remembered.get("a", |_| true, || Err(2)), Err(2));
        assert_eq!(remembered.tokens.entry_count(), 0);
    }

    #[test]
    fn it_remembers_so_many_and_no_more() {
        let remembered = Remembered::bounded(10);
        for i in 0..1000_u32 {
            let found = remembered.get(&i.to_string(), |_| true, || Ok::<_, ()>(i));
            assert_eq!(*found.unwrap(), i);
        }
        remembered.tokens.run_pending_tasks();
        assert!(remembered.tokens.entry_count() <= 10);
    }
}
