//! A cache whose busy entries are refreshed in the background before they expire.
//!
//! The first caller that reads an entry close to its expiry starts the refresh and uses the entry as it is.
//! Callers wait only if there is no entry.

use std::future::ready;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use moka::Entry;
use moka::future::Cache;
use moka::ops::compute::Op;
use tokio::time::Instant;

use crate::error::Result;

pub(super) const CACHE_TTL: Duration = Duration::from_secs(1);
/// The age from which an entry is refreshed.
const REFRESH_AFTER: Duration = Duration::from_millis(800);

pub(super) struct RefreshingCache<K, V> {
    entries: Cache<K, CacheEntry<V>>,
}

#[derive(Clone)]
struct CacheEntry<V> {
    value: V,
    loaded_at: Instant,
    /// Whether a refresh has started. The pointer also identifies the entry.
    refreshing: Arc<AtomicBool>,
}

impl<V> CacheEntry<V> {
    async fn load(loading: impl Future<Output = Result<V>>) -> Result<Self> {
        // Taken before loading, so that the age is never underestimated.
        let loaded_at = Instant::now();
        Ok(Self {
            value: loading.await?,
            loaded_at,
            refreshing: Arc::default(),
        })
    }

    /// Returns true once, to the first caller that reads the entry when it is due.
    fn claim_refresh(&self) -> bool {
        self.loaded_at.elapsed() >= REFRESH_AFTER && !self.refreshing.swap(true, Ordering::Relaxed)
    }
}

impl<K, V> RefreshingCache<K, V>
where
    K: Hash + Eq + Copy + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(capacity: u64) -> Self {
        Self {
            entries: Cache::builder()
                .max_capacity(capacity)
                .time_to_live(CACHE_TTL)
                .build(),
        }
    }

    /// Returns the cached value, which is up to a second old, or loads it. Errors are not cached.
    pub(super) async fn get<Q>(&self, key: K, load: impl Fn() -> Q) -> Result<V>
    where
        Q: Future<Output = Result<V>> + Send + 'static,
    {
        let entry = match self.entries.get(&key).await {
            Some(entry) => entry,
            None => self.entries.try_get_with(key, CacheEntry::load(load())).await?,
        };
        if entry.claim_refresh() {
            tokio::spawn(refresh(self.entries.clone(), key, entry.refreshing, load()));
        }
        Ok(entry.value)
    }

    pub(super) async fn invalidate(&self, key: &K) {
        self.entries.invalidate(key).await;
    }
}

/// Loads a value again. Drops it if the entry was invalidated meanwhile: it may be older than the change.
async fn refresh<K, V>(
    entries: Cache<K, CacheEntry<V>>,
    key: K,
    due: Arc<AtomicBool>,
    loading: impl Future<Output = Result<V>>,
) where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    // On an error the entry expires, and the next caller loads it and gets the error.
    let Ok(fresh) = CacheEntry::load(loading).await else {
        return;
    };
    let replace = |current: Option<Entry<K, CacheEntry<V>>>| {
        let unchanged = current.is_some_and(|current| Arc::ptr_eq(&current.value().refreshing, &due));
        ready(if unchanged { Op::Put(fresh) } else { Op::Nop })
    };
    entries.entry(key).and_compute_with(replace).await;
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::error::Error;

    const KEY: u8 = 1;

    async fn loaded(value: u8) -> Result<u8> {
        Ok(value)
    }

    /// A cache whose entry for `KEY`, 1, is due for a refresh.
    async fn due() -> (RefreshingCache<u8, u8>, Arc<AtomicBool>) {
        let cache = RefreshingCache::new(10);
        cache.get(KEY, || loaded(1)).await.unwrap();
        let mut entry = cache.entries.get(&KEY).await.unwrap();
        entry.loaded_at -= REFRESH_AFTER;
        cache.entries.insert(KEY, entry.clone()).await;
        (cache, entry.refreshing)
    }

    #[tokio::test]
    async fn due_entry_is_refreshed_without_waiting() {
        let (cache, refreshing) = due().await;
        assert_eq!(cache.get(KEY, pending).await.unwrap(), 1);
        assert!(refreshing.load(Ordering::Relaxed));
        // One refresh is enough.
        let unused = || -> std::future::Ready<Result<u8>> { panic!("loaded twice") };
        assert_eq!(cache.get(KEY, unused).await.unwrap(), 1);

        refresh(cache.entries.clone(), KEY, refreshing, loaded(2)).await;
        assert_eq!(cache.get(KEY, unused).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn invalidated_entry_is_not_restored() {
        let (cache, refreshing) = due().await;
        cache.invalidate(&KEY).await;
        refresh(cache.entries.clone(), KEY, refreshing.clone(), loaded(2)).await;
        assert_eq!(cache.get(KEY, || loaded(3)).await.unwrap(), 3);
        // Nor does it replace a later entry.
        refresh(cache.entries.clone(), KEY, refreshing, loaded(2)).await;
        assert_eq!(cache.get(KEY, || loaded(4)).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn errors_are_not_cached() {
        let (cache, refreshing) = due().await;
        let fails = || async { Err(Error::RoomBusy) };
        refresh(cache.entries.clone(), KEY, refreshing, fails()).await;
        assert_eq!(cache.get(KEY, pending).await.unwrap(), 1);
        assert!(cache.get(2, fails).await.is_err());
        assert_eq!(cache.get(2, || loaded(5)).await.unwrap(), 5);
    }
}
