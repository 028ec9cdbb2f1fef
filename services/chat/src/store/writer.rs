//! Writing messages: one queue for each room that is being spoken in, and one task that empties it.
//!
//! While the task writes, messages gather; it takes all that have gathered and inserts them together. So a
//! room costs as many commands as fit behind one another, however many people speak, and messages are
//! announced in their order; rooms in which little is said share theirs (`inserter`). Tasks of other replicas
//! write to the same room; `primitives::Batch` says how they share its numbers, and `primitives::Turns` that
//! each gets its turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bus::Realtime;
use metrics::counter;
use primitives::{Clock, StreamId};
use storage::Mongo;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::Span;
use uuid::Uuid;

use super::heads::Heads;
use super::inserter::Inserter;
use super::messages::{Message, message_of_client};
use crate::domain::{Batch, Conflict, Draft, Insert, Turns};
use crate::error::{Error, Result};
use crate::outbound::push;

/// Messages that may wait for one room's turn.
const WAITING: usize = 512;
/// Messages that are inserted together.
const TOGETHER: usize = 100;
/// A room in which nobody speaks for this long gives its task up.
const IDLE: Duration = Duration::from_secs(30);

/// Writes messages. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    inner: Arc<Inner>,
}

struct Inner {
    mongo: Mongo,
    inserter: Inserter,
    heads: Heads,
    realtime: Realtime,
    clock: Clock,
    rooms: Mutex<HashMap<StreamId, mpsc::Sender<Waiting>>>,
    tasks: TaskTracker,
}

/// A message that waits for its turn.
struct Waiting {
    id: String,
    draft: Draft,
    until: Instant,
    span: Span,
    answer: oneshot::Sender<Result<Message>>,
}

impl Writer {
    /// A writer that has nothing to do yet.
    #[must_use]
    pub fn new(mongo: Mongo, heads: Heads, realtime: Realtime, clock: Clock) -> Self {
        let inner = Inner {
            inserter: Inserter::new(mongo.clone()),
            mongo,
            heads,
            realtime,
            clock,
            rooms: Mutex::default(),
            tasks: TaskTracker::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Writes a message, announces it and answers it as it is stored; a repeat gets the message that is
    /// there. The message may be written although the caller does not wait for the answer.
    ///
    /// # Errors
    /// The store's; the message may be there all the same.
    pub async fn post(&self, stream: StreamId, draft: Draft, until: Instant) -> Result<Message> {
        let (answer, answered) = oneshot::channel();
        let id = Uuid::now_v7().to_string();
        self.queue(
            stream,
            Waiting {
                id,
                draft,
                until,
                span: Span::current(),
                answer,
            },
        )?;
        match timeout_at(until, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::Internal(
                "a room's task ended without an answer".to_owned(),
            )),
            Err(_) => Err(Error::Unavailable(
                "the message was not stored in time".to_owned(),
            )),
        }
    }

    /// Waits until every message that was taken is answered.
    pub async fn close(&self) {
        self.rooms().clear();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    fn queue(&self, stream: StreamId, waiting: Waiting) -> Result<()> {
        let mut rooms = self.rooms();
        let room = rooms.entry(stream).or_insert_with(|| self.open(stream));
        match room.try_send(waiting) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Error::Busy),
            // The task ends only with the map's lock held and an empty queue, unless it panicked.
            Err(mpsc::error::TrySendError::Closed(waiting)) => {
                let room = self.open(stream);
                let sent = room.try_send(waiting);
                rooms.insert(stream, room);
                sent.map_err(|_| Error::Busy)
            }
        }
    }

    fn open(&self, stream: StreamId) -> mpsc::Sender<Waiting> {
        let (sender, queue) = mpsc::channel(WAITING);
        let task = Room {
            writer: self.clone(),
            stream,
            queue,
            head: None,
            turns: Turns::default(),
            took: Duration::ZERO,
        };
        self.inner.tasks.spawn(task.run());
        sender
    }

    fn rooms(&self) -> std::sync::MutexGuard<'_, HashMap<StreamId, mpsc::Sender<Waiting>>> {
        self.inner.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task of one room.
struct Room {
    writer: Writer,
    stream: StreamId,
    queue: mpsc::Receiver<Waiting>,
    head: Option<i64>,
    turns: Turns,
    /// How long the last insert took.
    took: Duration,
}

impl Room {
    async fn run(mut self) {
        let mut together = Vec::with_capacity(TOGETHER);
        loop {
            match timeout(IDLE, self.queue.recv_many(&mut together, TOGETHER)).await {
                Ok(0) => return,
                Ok(_) => {
                    self.write(together.drain(..)).await;
                    self.rest().await;
                }
                Err(_) if self.gives_up() => return,
                Err(_) => {}
            }
        }
    }

    /// Lets the writers of other replicas have their turn while messages gather.
    async fn rest(&mut self) {
        if !self.queue.is_empty() {
            sleep(self.turns.rest(self.took)).await;
        }
    }

    /// Leaves the map, unless a message came in the meantime.
    fn gives_up(&mut self) -> bool {
        let mut rooms = self.writer.rooms();
        let idle = self.queue.is_empty();
        if idle {
            rooms.remove(&self.stream);
        }
        idle
    }

    async fn write(&mut self, messages: impl Iterator<Item = Waiting>) {
        // Whoever does not wait any more was told that it failed, and is not surprised by the message.
        let messages = messages.filter(|waiting| !waiting.answer.is_closed());
        let mut batch = Batch::new(messages, self.head);
        while !batch.is_done() {
            if let Err(error) = self.write_once(&mut batch).await {
                self.head = None;
                batch
                    .give_up()
                    .for_each(|waiting| drop(waiting.answer.send(Err(error.clone()))));
                return;
            }
        }
        self.head = batch.head();
    }

    /// One insert, and an answer for each message that it settled.
    async fn write_once(&mut self, batch: &mut Batch<Waiting>) -> Result<()> {
        let inner = Arc::clone(&self.writer.inner);
        let mongo = &inner.mongo;
        if batch.head().is_none() {
            batch.learn(inner.heads.now(self.stream).await?);
        }
        let now = inner.clock.now();
        let rows: Vec<Message> = batch
            .numbered()
            .map(|(seq, waiting)| Message::new(waiting.id.clone(), self.stream, &waiting.draft, seq, now))
            .collect();
        if batch
            .numbered()
            .all(|(_, waiting)| waiting.until <= Instant::now())
        {
            return Err(Error::Unavailable(
                "no message of the batch is waited for any more".to_owned(),
            ));
        }
        let began = Instant::now();
        let outcome = inner.inserter.insert(&rows).await?;
        self.took = began.elapsed();
        if matches!(outcome, Insert::StoppedAt(_, Conflict::Number)) {
            self.turns.met_another();
            counter!("chat_insert_conflicts_total").increment(1);
        }
        let settled = batch.settle(outcome);
        self.announce(settled.stored, rows);
        if let Some(repeat) = settled.repeat {
            let there = message_of_client(mongo, self.stream, &repeat.draft).await;
            let gone = || Error::Internal("a repeat of a message that is not there".to_owned());
            let _ = repeat.answer.send(there.and_then(|there| there.ok_or_else(gone)));
        }
        Ok(())
    }

    /// Tells the gateways, all at once, and then those who said the messages.
    fn announce(&self, stored: Vec<(i64, Waiting)>, mut rows: Vec<Message>) {
        rows.truncate(stored.len());
        let span = span_of(stored.iter().map(|(_, waiting)| &waiting.span));
        span.in_scope(|| push::messages_posted(&self.writer.inner.realtime, self.stream, &rows));
        counter!("chat_messages_total").increment(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        for ((_, waiting), row) in stored.into_iter().zip(rows) {
            let _ = waiting.answer.send(Ok(row));
        }
    }
}

/// What is done for several messages together belongs to the trace of the first, and is linked to those of
/// the others.
fn span_of<'a>(mut messages: impl Iterator<Item = &'a Span>) -> Span {
    let Some(first) = messages.next() else {
        return Span::none();
    };
    let together = tracing::info_span!(parent: first, "chat.announce");
    for other in messages {
        together.follows_from(other);
    }
    together
}
