//! Lengths of lists that were counted shortly before.

use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use moka::sync::Cache;
use primitives::page::PageStart;
use primitives::{PageInfo, PageRequest};

use super::Count;

/// How long a length may be told again.
const AGE: Duration = Duration::from_secs(5);
/// Lists whose lengths are remembered.
const MOST: u64 = 1000;
/// Where the length of a search stops.
const MOST_FOUND: i64 = 10_000;

/// Lengths of lists by what is listed; each is counted about once in five seconds.
#[derive(Clone)]
pub struct Totals<F>(Cache<F, i64>);

impl<F: Hash + Eq + Clone + Send + Sync + 'static> Default for Totals<F> {
    fn default() -> Self {
        Self(Cache::builder().time_to_live(AGE).max_capacity(MOST).build())
    }
}

impl<F: Hash + Eq + Clone + Send + Sync + 'static> Totals<F> {
    /// How a list is to be counted for a page. Searches are counted each time and up to 10,000.
    pub fn count(&self, filter: &F, is_search: bool, page: PageRequest) -> Count {
        match page.start {
            _ if is_search => Count::UpTo(MOST_FOUND),
            PageStart::After(_) => Count::No,
            PageStart::Page(_) => self.0.get(filter).map_or(Count::All, Count::Known),
        }
    }

    /// Remembers what was counted.
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
