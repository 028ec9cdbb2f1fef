//! Inserts of many rooms. A room in which much is said has batches of its own; messages that come alone, each
//! in its room, are written together with one another: while one insert is under way the next ones gather. So
//! a thousand quiet rooms cost as few commands as a loud one.

use metrics::{counter, histogram};
use storage::Mongo;
use tokio::sync::{mpsc, oneshot};

use super::messages::{Message, messages_insert, messages_insert_each};
use crate::domain::Insert;
use crate::error::{Error, Result};

/// Messages that are inserted together.
const TOGETHER: usize = 500;
/// Messages that wait for the insert under way.
const WAITING: usize = 4096;

/// Inserts messages; its task ends with it.
#[derive(Debug)]
pub(super) struct Inserter {
    mongo: Mongo,
    alone: mpsc::Sender<Alone>,
}

/// A message that is alone in its room.
#[derive(Debug)]
struct Alone {
    message: Message,
    answer: oneshot::Sender<Result<Insert>>,
}

impl Inserter {
    pub(super) fn new(mongo: Mongo) -> Self {
        let (alone, queue) = mpsc::channel(WAITING);
        tokio::spawn(write_together(mongo.clone(), queue));
        Self { mongo, alone }
    }

    /// Inserts messages of one room in their order, acknowledged by a majority, up to the first conflict. A
    /// room has one insert under way at a time, or the order of its messages is lost.
    pub(super) async fn insert(&self, batch: &[Message]) -> Result<Insert> {
        let [message] = batch else {
            count(batch.len());
            return messages_insert(&self.mongo, batch).await;
        };
        let (answer, answered) = oneshot::channel();
        let alone = Alone {
            message: message.clone(),
            answer,
        };
        let ended = || Error::Internal("the task of single messages ended".to_owned());
        self.alone.send(alone).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

async fn write_together(mongo: Mongo, mut queue: mpsc::Receiver<Alone>) {
    let mut together = Vec::with_capacity(TOGETHER);
    while queue.recv_many(&mut together, TOGETHER).await > 0 {
        let (messages, answers): (Vec<_>, Vec<_>) = together
            .drain(..)
            .map(|alone: Alone| (alone.message, alone.answer))
            .unzip();
        count(messages.len());
        let outcomes = messages_insert_each(&mongo, &messages).await;
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            let _ = answer.send(outcome);
        }
    }
}

fn count(messages: usize) {
    counter!("chat_inserts_total").increment(1);
    histogram!("chat_messages_together").record(f64::from(u32::try_from(messages).unwrap_or(u32::MAX)));
}
