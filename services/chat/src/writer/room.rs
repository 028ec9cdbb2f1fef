//! The task that writes the messages of one room.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use primitives::StreamId;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tracing::Span;

use super::queue::{QueuedMessage, Queues, WriterContext, lock};
use crate::domain::{Batch, InsertConflict, InsertOutcome, Pacing};
use crate::error::{Error, Result};
use crate::outbound::push;
use crate::store::messages::{Message, message_get_by_client_id};

/// Messages per insert.
const MAX_BATCH: usize = 100;
/// How long a room may be quiet before its task ends.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct RoomTask {
    stream: StreamId,
    queue: mpsc::Receiver<QueuedMessage>,
    queues: Queues,
    context: Arc<WriterContext>,
    /// The room's latest sequence number, if known.
    latest: Option<i64>,
    pacing: Pacing,
    last_insert: Duration,
}

impl RoomTask {
    pub(super) fn new(
        stream: StreamId,
        queue: mpsc::Receiver<QueuedMessage>,
        queues: Queues,
        context: Arc<WriterContext>,
    ) -> Self {
        Self {
            stream,
            queue,
            queues,
            context,
            latest: None,
            pacing: Pacing::default(),
            last_insert: Duration::ZERO,
        }
    }

    pub(super) async fn run(mut self) {
        let mut gathered = Vec::with_capacity(MAX_BATCH);
        loop {
            match timeout(IDLE_TIMEOUT, self.queue.recv_many(&mut gathered, MAX_BATCH)).await {
                Ok(0) => return,
                Ok(_) => {
                    self.write(gathered.drain(..)).await;
                    self.pause().await;
                }
                Err(_) if self.retire() => return,
                Err(_) => {}
            }
        }
    }

    /// Leaves the room to the writers of other replicas for a moment, while messages gather.
    async fn pause(&mut self) {
        if !self.queue.is_empty() {
            sleep(self.pacing.pause(self.last_insert)).await;
        }
    }

    /// Removes the room's queue and returns true, unless a message arrived in the meantime.
    fn retire(&mut self) -> bool {
        let mut queues = lock(&self.queues);
        let idle = self.queue.is_empty();
        if idle {
            queues.remove(&self.stream);
        }
        idle
    }

    async fn write(&mut self, messages: impl Iterator<Item = QueuedMessage>) {
        // A sender that no longer waits was told that the message failed, so it must not appear.
        let messages = messages.filter(|message| !message.reply.is_closed());
        let mut batch = Batch::new(messages, self.latest);
        while !batch.is_done() {
            if let Err(error) = self.write_once(&mut batch).await {
                self.latest = None;
                for message in batch.into_unsettled() {
                    let _ = message.reply.send(Err(error.clone()));
                }
                return;
            }
        }
        self.latest = batch.latest();
    }

    /// Runs one insert and replies to the senders of the messages that it settled.
    async fn write_once(&mut self, batch: &mut Batch<QueuedMessage>) -> Result<()> {
        let context = Arc::clone(&self.context);
        if batch.latest().is_none() {
            batch.set_latest(context.latest_seq.read(self.stream).await?);
        }
        let now = context.clock.now();
        let rows: Vec<Message> = batch
            .numbered()
            .map(|(seq, message)| Message::new(message.id.clone(), self.stream, &message.draft, seq, now))
            .collect();
        if batch
            .numbered()
            .all(|(_, message)| message.deadline <= Instant::now())
        {
            return Err(Error::Unavailable(
                "the whole batch is past its deadline".to_owned(),
            ));
        }
        let started = Instant::now();
        let outcome = context.inserter.insert(&rows).await?;
        self.last_insert = started.elapsed();
        if matches!(outcome, InsertOutcome::StoppedAt(_, InsertConflict::Number)) {
            self.pacing.conflict();
            counter!("chat_insert_conflicts_total").increment(1);
        }
        let settled = batch.settle(outcome);
        self.publish(settled.stored, rows);
        if let Some(repeat) = settled.repeat {
            let stored = message_get_by_client_id(&context.mongo, self.stream, &repeat.draft).await;
            let missing = || Error::Internal("the original of a repeated message is missing".to_owned());
            let _ = repeat
                .reply
                .send(stored.and_then(|stored| stored.ok_or_else(missing)));
        }
        Ok(())
    }

    /// Publishes the stored messages together, then replies to their senders.
    fn publish(&self, stored: Vec<(i64, QueuedMessage)>, mut rows: Vec<Message>) {
        rows.truncate(stored.len());
        let span = shared_span(stored.iter().map(|(_, message)| &message.span));
        span.in_scope(|| push::messages_posted(&self.context.realtime, self.stream, &rows));
        counter!("chat_messages_total").increment(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        for ((_, message), row) in stored.into_iter().zip(rows) {
            let _ = message.reply.send(Ok(row));
        }
    }
}

/// Returns a span for work on several messages: a child of the first message's span that follows the others.
fn shared_span<'a>(mut spans: impl Iterator<Item = &'a Span>) -> Span {
    let Some(first) = spans.next() else {
        return Span::none();
    };
    let shared = tracing::info_span!(parent: first, "chat.announce");
    for other in spans {
        shared.follows_from(other);
    }
    shared
}
