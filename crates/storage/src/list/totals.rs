//! A cache of list lengths.

use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use moka::sync::Cache;
use primitives::page::PageStart;
use primitives::{PageInfo, PageRequest};

use super::Count;

const TTL: Duration = Duration::from_secs(5);
const MAX_LISTS: u64 = 1000;
/// Search results are counted up to this number.
const MAX_SEARCH_TOTAL: i64 = 10_000;

/// Caches the length of a list for five seconds, by the list's filter.
#[derive(Clone)]
pub struct Totals<F>(Cache<F, i64>);

impl<F: Hash + Eq + Clone + Send + Sync + 'static> Default for Totals<F> {
    fn default() -> Self {
        Self(Cache::builder().time_to_live(TTL).max_capacity(MAX_LISTS).build())
    }
}

impl<F: Hash + Eq + Clone + Send + Sync + 'static> Totals<F> {
    /// Returns how to count a list for a page. Search results are not cached, and are counted up to 10,000.
    pub fn count(&self, filter: &F, is_search: bool, page: PageRequest) -> Count {
        match page.start {
            _ if is_search => Count::UpTo(MAX_SEARCH_TOTAL),
            PageStart::After(_) => Count::No,
            PageStart::Page(_) => self.0.get(filter).map_or(Count::All, Count::Known),
        }
    }

    /// Caches the length if it was counted in full.
    pub fn insert(&self, filter: F, count: Count, info: &PageInfo) {
        let total = info.total_items.and_then(|total| i64::try_from(total).ok());
        if let (Count::All, Some(total)) = (count, total) {
            self.0.insert(filter, total);
        }
    }
}

impl<F> fmt::Debug for Totals<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Totals").finish_non_exhaustive()
    }
}
