//! A queue that lives as long as its connection: exclusive, deleted with its consumer, bound to keys that may
//! change at run time. After each connecting the owner is told, because what was sent in between is lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;
use lapin::Channel;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::connection::within;
use crate::{Bus, Error, topology};

/// Messages that the broker sends ahead and that wait for the owner; each is a bound on memory.
const PREFETCH: u16 = 256;

/// Adds or removes a key.
pub(crate) struct Change {
    pub(crate) key: String,
    pub(crate) add: bool,
    /// Hears whether the broker has it now.
    pub(crate) done: oneshot::Sender<bool>,
}

/// What the owner of the queue receives.
pub(crate) enum Incoming {
    /// The queue exists and its keys are bound.
    Connected,
    /// A message.
    Message {
        key: String,
        headers: Option<FieldTable>,
        body: Vec<u8>,
    },
}

/// The owner's end.
pub(crate) struct Receiver {
    pub(crate) incoming: mpsc::Receiver<Incoming>,
    pub(crate) changes: mpsc::UnboundedSender<Change>,
    pub(crate) up: Arc<AtomicBool>,
}

/// Starts the task that keeps the queue. It ends when the receiver is dropped.
pub(crate) fn start(bus: &Bus, exchange: &'static str, keys: BTreeSet<String>) -> Receiver {
    let (out, incoming) = mpsc::channel(usize::from(PREFETCH));
    let (changes, wanted) = mpsc::unbounded_channel();
    let up = Arc::new(AtomicBool::new(false));
    let keeper = Keeper {
        bus: bus.clone(),
        exchange,
        keys,
        changes: wanted,
        out,
        up: Arc::clone(&up),
    };
    tokio::spawn(keeper.run());
    Receiver {
        incoming,
        changes,
        up,
    }
}

struct Keeper {
    bus: Bus,
    exchange: &'static str,
    keys: BTreeSet<String>,
    changes: mpsc::UnboundedReceiver<Change>,
    out: mpsc::Sender<Incoming>,
    up: Arc<AtomicBool>,
}

/// Why a session ended.
enum End {
    /// The owner is gone.
    Owner,
    /// The channel is.
    Channel(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Channel(error)
    }
}

impl Keeper {
    async fn run(mut self) {
        while self.wait_for_broker().await {
            let ended = self.session().await;
            self.up.store(false, Ordering::Release);
            match ended {
                End::Owner => return,
                End::Channel(error) => {
                    tracing::debug!(exchange = self.exchange, %error, "listening again soon");
                }
            }
            sleep(std::time::Duration::from_millis(rand::random_range(100..500))).await;
        }
    }

    /// Notes changes of the keys until the broker is there; false when the owner is gone.
    async fn wait_for_broker(&mut self) -> bool {
        let link = self.bus.consuming().clone();
        loop {
            tokio::select! {
                () = link.connected() => return true,
                () = self.out.closed() => return false,
                Some(change) = self.changes.recv() => {
                    self.note(&change);
                    let _ = change.done.send(false);
                }
            }
        }
    }

    fn note(&mut self, change: &Change) -> bool {
        if change.add {
            self.keys.insert(change.key.clone())
        } else {
            self.keys.remove(&change.key)
        }
    }

    async fn session(&mut self) -> End {
        match self.serve().await {
            Ok(()) => End::Owner,
            Err(end) => end,
        }
    }

    async fn serve(&mut self) -> Result<(), End> {
        let out = self.out.clone();
        let channel = self.bus.consuming().channel().await?;
        let (queue, mut messages) = self.declare(&channel).await?;
        self.up.store(true, Ordering::Release);
        let mut pending = Some((Incoming::Connected, None));
        loop {
            // While the owner is busy no message is taken, but its changes are: it may be waiting for one.
            tokio::select! {
                permit = out.reserve(), if pending.is_some() => {
                    let Ok(permit) = permit else { return Ok(()) };
                    if let Some((incoming, acker)) = pending.take() {
                        permit.send(incoming);
                        if let Some(acker) = acker {
                            let acker: lapin::Acker = acker;
                            within(acker.ack(BasicAckOptions::default())).await?;
                        }
                    }
                }
                message = messages.next(), if pending.is_none() => {
                    let message = message.ok_or(Error::Disconnected)?.map_err(Error::from)?;
                    let incoming = Incoming::Message {
                        key: message.routing_key.to_string(),
                        headers: message.properties.headers().clone(),
                        body: message.data,
                    };
                    pending = Some((incoming, Some(message.acker)));
                }
                () = out.closed() => return Ok(()),
                Some(change) = self.changes.recv() => self.apply(&channel, &queue, change).await?,
            }
        }
    }

    async fn declare(&self, channel: &Channel) -> Result<(String, lapin::Consumer), Error> {
        match self.exchange {
            topology::REALTIME => topology::realtime_exchange(channel).await?,
            _ => topology::events_exchange(channel).await?,
        }
        let options = QueueDeclareOptions::exclusive().auto_delete();
        let queue = within(channel.queue_declare("".into(), options, FieldTable::default())).await?;
        let queue = queue.name().to_string();
        let keys: Vec<String> = self.keys.iter().cloned().collect();
        topology::bind(channel, &queue, self.exchange, &keys).await?;
        within(channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
        let options = BasicConsumeOptions {
            exclusive: true,
            ..Default::default()
        };
        let name = queue.as_str().into();
        let messages = within(channel.basic_consume(name, "".into(), options, FieldTable::default())).await?;
        Ok((queue, messages))
    }

    async fn apply(&mut self, channel: &Channel, queue: &str, change: Change) -> Result<(), Error> {
        let changed = self.note(&change);
        let (queue, key) = (queue.into(), change.key.as_str().into());
        let asked = match (changed, change.add) {
            (false, _) => Ok(()),
            (true, true) => {
                let options = QueueBindOptions::default();
                within(channel.queue_bind(queue, self.exchange.into(), key, options, FieldTable::default()))
                    .await
            }
            (true, false) => {
                within(channel.queue_unbind(queue, self.exchange.into(), key, FieldTable::default())).await
            }
        };
        let _ = change.done.send(asked.is_ok());
        asked
    }
}
