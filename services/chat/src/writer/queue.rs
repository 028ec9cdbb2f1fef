//! The queues of all rooms, and what their tasks share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bus::Realtime;
use primitives::{Clock, StreamId};
use storage::Mongo;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::Span;

use super::inserter::Inserter;
use crate::cache::latest_seq::LatestSeqCache;
use crate::domain::Draft;
use crate::error::Result;
use crate::store::messages::Message;

/// The queues of the active rooms. A task removes its own queue once it is idle.
pub(super) type Queues = Arc<Mutex<HashMap<StreamId, mpsc::Sender<QueuedMessage>>>>;

/// What the tasks of all rooms share.
pub(super) struct WriterContext {
    pub(super) mongo: Mongo,
    pub(super) inserter: Inserter,
    pub(super) latest_seq: LatestSeqCache,
    pub(super) realtime: Realtime,
    pub(super) clock: Clock,
}

pub(super) struct QueuedMessage {
    pub(super) id: String,
    pub(super) draft: Draft,
    /// When the sender stops waiting.
    pub(super) deadline: Instant,
    pub(super) span: Span,
    pub(super) reply: oneshot::Sender<Result<Message>>,
}

pub(super) fn lock(queues: &Queues) -> MutexGuard<'_, HashMap<StreamId, mpsc::Sender<QueuedMessage>>> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
}
