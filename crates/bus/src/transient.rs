//! A queue that lives as long as its connection: exclusive, auto-deleted, and bound to keys that may change
//! at run time. Its owner learns of each connection, because messages are lost while disconnected.

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

/// Bounds the messages that the broker sends ahead, and those that wait for the owner.
const PREFETCH: u16 = 256;

/// Binds or unbinds a key.
pub(crate) struct BindingChange {
    pub(crate) key: String,
    pub(crate) add: bool,
    /// Receives whether the broker has applied the change.
    pub(crate) done: oneshot::Sender<bool>,
}

pub(crate) enum Incoming {
    /// The queue exists and all keys are bound.
    Connected,
    Message {
        key: String,
        headers: Option<FieldTable>,
        body: Vec<u8>,
    },
}

pub(crate) struct Receiver {
    pub(crate) incoming: mpsc::Receiver<Incoming>,
    pub(crate) changes: mpsc::UnboundedSender<BindingChange>,
    pub(crate) up: Arc<AtomicBool>,
}

/// Starts the task that owns the queue. It ends when the receiver is dropped.
pub(crate) fn start(bus: &Bus, exchange: &'static str, keys: BTreeSet<String>) -> Receiver {
    let (out, incoming) = mpsc::channel(usize::from(PREFETCH));
    let (changes, wanted) = mpsc::unbounded_channel();
    let up = Arc::new(AtomicBool::new(false));
    let task = QueueTask {
        bus: bus.clone(),
        exchange,
        keys,
        changes: wanted,
        out,
        up: Arc::clone(&up),
    };
    tokio::spawn(task.run());
    Receiver {
        incoming,
        changes,
        up,
    }
}

struct QueueTask {
    bus: Bus,
    exchange: &'static str,
    keys: BTreeSet<String>,
    changes: mpsc::UnboundedReceiver<BindingChange>,
    out: mpsc::Sender<Incoming>,
    up: Arc<AtomicBool>,
}

/// Why a session ended.
enum SessionEnd {
    ReceiverDropped,
    ChannelFailed(Error),
}

impl From<Error> for SessionEnd {
    fn from(error: Error) -> Self {
        Self::ChannelFailed(error)
    }
}

impl QueueTask {
    async fn run(mut self) {
        while self.wait_for_broker().await {
            let ended = self.session().await;
            self.up.store(false, Ordering::Release);
            match ended {
                SessionEnd::ReceiverDropped => return,
                SessionEnd::ChannelFailed(error) => {
                    tracing::debug!(exchange = self.exchange, %error, "transient queue lost, redeclaring");
                }
            }
            sleep(std::time::Duration::from_millis(rand::random_range(100..500))).await;
        }
    }

    /// Waits for the connection and records changes of the keys meanwhile. Returns `false` if the receiver
    /// was dropped.
    async fn wait_for_broker(&mut self) -> bool {
        let link = self.bus.consuming().clone();
        loop {
            tokio::select! {
                () = link.connected() => return true,
                () = self.out.closed() => return false,
                Some(change) = self.changes.recv() => {
                    self.record(&change);
                    let _ = change.done.send(false);
                }
            }
        }
    }

    fn record(&mut self, change: &BindingChange) -> bool {
        if change.add {
            self.keys.insert(change.key.clone())
        } else {
            self.keys.remove(&change.key)
        }
    }

    async fn session(&mut self) -> SessionEnd {
        match self.serve().await {
            Ok(()) => SessionEnd::ReceiverDropped,
            Err(end) => end,
        }
    }

    async fn serve(&mut self) -> Result<(), SessionEnd> {
        let out = self.out.clone();
        let channel = self.bus.consuming().channel().await?;
        let (queue, mut messages) = self.declare(&channel).await?;
        self.up.store(true, Ordering::Release);
        let mut pending = Some((Incoming::Connected, None));
        loop {
            // While the owner is busy, take no messages but apply its changes: it may wait for one of them.
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

    async fn apply(&mut self, channel: &Channel, queue: &str, change: BindingChange) -> Result<(), Error> {
        let changed = self.record(&change);
        let (queue, key) = (queue.into(), change.key.as_str().into());
        let applied = match (changed, change.add) {
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
        let _ = change.done.send(applied.is_ok());
        applied
    }
}
