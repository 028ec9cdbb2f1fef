//! Writes messages: one queue and one task for each active room.
//!
//! While the task inserts, messages gather in the queue; the task takes all of them and inserts them
//! together. So the number of commands depends on how long an insert takes and not on the number of senders,
//! and a room's messages are published in order. Quiet rooms share their inserts (see `inserter`). Tasks of
//! other replicas write to the same room: [`Batch`](crate::domain::Batch) describes how they share its
//! sequence numbers, and [`Pacing`](crate::domain::Pacing) how each gets its turn.

mod inserter;
mod queue;
mod room;

use std::sync::Arc;

use bus::Realtime;
use primitives::{Clock, StreamId};
use storage::Mongo;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::Span;
use uuid::Uuid;

use crate::cache::latest_seq::LatestSeqCache;
use crate::domain::Draft;
use crate::error::{Error, Result};
use crate::store::messages::Message;
use inserter::Inserter;
use queue::{QueuedMessage, Queues, WriterContext, lock};
use room::RoomTask;

/// Messages that may wait in the queue of one room.
const QUEUE_LENGTH: usize = 512;

/// Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    queues: Queues,
    context: Arc<WriterContext>,
    tasks: TaskTracker,
}

impl Writer {
    #[must_use]
    pub fn new(mongo: Mongo, latest_seq: LatestSeqCache, realtime: Realtime, clock: Clock) -> Self {
        let context = WriterContext {
            inserter: Inserter::new(mongo.clone()),
            mongo,
            latest_seq,
            realtime,
            clock,
        };
        Self {
            queues: Arc::default(),
            context: Arc::new(context),
            tasks: TaskTracker::new(),
        }
    }

    /// Stores a message, publishes it and returns it. A client's retry returns the stored message.
    ///
    /// # Errors
    /// The message may be stored even if this fails.
    pub async fn post(&self, stream: StreamId, draft: Draft, deadline: Instant) -> Result<Message> {
        let (reply, replied) = oneshot::channel();
        let message = QueuedMessage {
            id: Uuid::now_v7().to_string(),
            draft,
            deadline,
            span: Span::current(),
            reply,
        };
        self.enqueue(stream, message)?;
        match timeout_at(deadline, replied).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::Internal("a room's task ended without a reply".to_owned())),
            Err(_) => Err(Error::Unavailable(
                "the message was not stored in time".to_owned(),
            )),
        }
    }

    /// Waits until every queued message is settled.
    pub async fn close(&self) {
        lock(&self.queues).clear();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn enqueue(&self, stream: StreamId, message: QueuedMessage) -> Result<()> {
        let mut queues = lock(&self.queues);
        let queue = queues.entry(stream).or_insert_with(|| self.start_task(stream));
        match queue.try_send(message) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(Error::RoomBusy),
            // The task panicked: otherwise it ends only with the map locked and its queue empty.
            Err(TrySendError::Closed(message)) => {
                *queue = self.start_task(stream);
                queue.try_send(message).map_err(|_| Error::RoomBusy)
            }
        }
    }

    fn start_task(&self, stream: StreamId) -> mpsc::Sender<QueuedMessage> {
        let (sender, queue) = mpsc::channel(QUEUE_LENGTH);
        let task = RoomTask::new(stream, queue, self.queues.clone(), self.context.clone());
        self.tasks.spawn(task.run());
        sender
    }
}
