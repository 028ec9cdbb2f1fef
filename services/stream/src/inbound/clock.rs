//! Periodic tasks. Each runs on one leading replica unless noted otherwise, and is safe to run twice.

mod reconciler;
mod search;
mod viewers;

pub use reconciler::Reconciler;
pub(crate) use search::index_search;
pub use viewers::ViewerCounts;
