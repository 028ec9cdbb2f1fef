//! What happens by itself: periodic tasks without arguments, each carried out by one acting replica and safe to do twice.

mod reconciler;
mod viewers;

pub use reconciler::Reconciler;
pub use viewers::ViewerCounts;
