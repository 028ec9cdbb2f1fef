//! Inserts for many rooms. A busy room inserts batches of its own. A message that is alone in its room shares
//! an insert with those of other rooms: while one insert runs, the next ones gather. So a thousand quiet
//! rooms cost as few commands as one busy room.

use metrics::{counter, histogram};
use storage::Mongo;
use tokio::sync::{mpsc, oneshot};

use crate::domain::InsertOutcome;
use crate::error::{Error, Result};
use crate::store::messages::{Message, messages_insert, messages_insert_each};

const MAX_BATCH: usize = 500;
/// Messages that may wait for a shared insert.
const QUEUE_LENGTH: usize = 4096;

/// Its task ends with it.
#[derive(Debug)]
pub(super) struct Inserter {
    mongo: Mongo,
    singles: mpsc::Sender<SingleInsert>,
}

/// A message that is alone in its room.
#[derive(Debug)]
struct SingleInsert {
    message: Message,
    reply: oneshot::Sender<Result<InsertOutcome>>,
}

impl Inserter {
    pub(super) fn new(mongo: Mongo) -> Self {
        let (singles, queue) = mpsc::channel(QUEUE_LENGTH);
        tokio::spawn(insert_singles(mongo.clone(), queue));
        Self { mongo, singles }
    }

    /// Inserts messages of one room in order, up to the first conflict. A majority acknowledges them. Only
    /// one insert per room may run at a time, or its messages lose their order.
    pub(super) async fn insert(&self, batch: &[Message]) -> Result<InsertOutcome> {
        let [message] = batch else {
            record_insert(batch.len());
            return messages_insert(&self.mongo, batch).await;
        };
        let (reply, outcome) = oneshot::channel();
        let single = SingleInsert {
            message: message.clone(),
            reply,
        };
        let ended = || Error::Internal("the task for single messages ended".to_owned());
        self.singles.send(single).await.map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }
}

async fn insert_singles(mongo: Mongo, mut queue: mpsc::Receiver<SingleInsert>) {
    let mut gathered = Vec::with_capacity(MAX_BATCH);
    while queue.recv_many(&mut gathered, MAX_BATCH).await > 0 {
        let (messages, replies): (Vec<_>, Vec<_>) = gathered
            .drain(..)
            .map(|single: SingleInsert| (single.message, single.reply))
            .unzip();
        record_insert(messages.len());
        let outcomes = messages_insert_each(&mongo, &messages).await;
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            let _ = reply.send(outcome);
        }
    }
}

fn record_insert(messages: usize) {
    counter!("chat_inserts_total").increment(1);
    histogram!("chat_messages_together").record(f64::from(u32::try_from(messages).unwrap_or(u32::MAX)));
}
