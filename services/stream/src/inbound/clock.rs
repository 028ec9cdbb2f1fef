//! What happens by itself: periodic tasks without arguments, each carried out by one acting replica and safe
//! to do twice.

mod reconciler;
mod search;
mod viewers;

pub use reconciler::Reconciler;
pub use search::write_search;
pub use viewers::ViewerCounts;
