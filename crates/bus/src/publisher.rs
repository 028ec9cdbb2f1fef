//! Publishing with confirms: a message counts as published when the broker says that it is on its disks.

use std::collections::HashSet;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, PublisherConfirm};
use tokio::time::{Instant, timeout_at};

use crate::connection::{ANSWER, within};
use crate::{Bus, Error, topology};

/// A persistent message on its way out.
pub(crate) struct Outgoing {
    pub(crate) exchange: String,
    pub(crate) key: String,
    /// Unique among the messages that are published together.
    pub(crate) id: String,
    pub(crate) headers: FieldTable,
    pub(crate) body: Vec<u8>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The broker has it.
    Confirmed,
    /// No queue is bound for it; the broker dropped it.
    Returned,
    /// Unknown or refused: it is published again.
    Failed,
}

/// A channel in confirm mode, opened again whenever it failed. It belongs to one task.
pub(crate) struct Publisher {
    bus: Bus,
    channel: Option<Channel>,
}

impl Publisher {
    pub(crate) fn new(bus: &Bus) -> Self {
        Self {
            bus: bus.clone(),
            channel: None,
        }
    }

    /// Opens the channel, if it is not open.
    pub(crate) async fn ready(&mut self) -> Result<(), Error> {
        self.channel().await.map(|_| ())
    }

    /// Publishes one message.
    pub(crate) async fn publish(&mut self, message: Outgoing) -> Result<(), Error> {
        match self.publish_all(vec![message]).await?.first() {
            Some(Outcome::Confirmed) => Ok(()),
            Some(Outcome::Returned) => Err(Error::Unroutable),
            Some(Outcome::Failed) | None => Err(Error::Refused),
        }
    }

    /// Publishes messages and waits for all confirms together; says what became of each, in order.
    pub(crate) async fn publish_all(&mut self, messages: Vec<Outgoing>) -> Result<Vec<Outcome>, Error> {
        let channel = self.channel().await?;
        let deadline = Instant::now() + ANSWER;
        let mut ids = Vec::with_capacity(messages.len());
        let mut sent = Vec::with_capacity(messages.len());
        for message in messages {
            ids.push(message.id.clone());
            sent.push(match timeout_at(deadline, send(&channel, message)).await {
                Ok(Ok(confirm)) => Some(confirm),
                Ok(Err(_)) | Err(_) => None,
            });
        }
        let (mut outcomes, returned) = await_confirms(sent, deadline).await;
        for (outcome, id) in outcomes.iter_mut().zip(&ids) {
            if *outcome == Outcome::Confirmed && returned.contains(id) {
                *outcome = Outcome::Returned;
            }
        }
        if outcomes.contains(&Outcome::Failed) {
            // Late confirms must not be taken for those of the next messages.
            self.channel = None;
        }
        Ok(outcomes)
    }

    async fn channel(&mut self) -> Result<Channel, Error> {
        if self.bus.publishing().is_blocked() {
            return Err(Error::Blocked);
        }
        if let Some(channel) = self
            .channel
            .as_ref()
            .filter(|channel| channel.status().connected())
        {
            return Ok(channel.clone());
        }
        let channel = self.bus.publishing().channel().await?;
        within(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        topology::events_exchange(&channel).await?;
        self.channel = Some(channel.clone());
        Ok(channel)
    }
}

async fn send(channel: &Channel, message: Outgoing) -> lapin::Result<PublisherConfirm> {
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_content_type("application/x-protobuf".into())
        .with_message_id(message.id.into())
        .with_headers(message.headers);
    let options = BasicPublishOptions {
        mandatory: true,
        immediate: false,
    };
    channel
        .basic_publish(
            message.exchange.into(),
            message.key.into(),
            options,
            &message.body,
            properties,
        )
        .await
}

/// Waits for the confirms and collects the ids of returned messages. lapin hands a returned message out with
/// whichever confirm is completed next, so a return says nothing about the confirm that carried it; but by
/// the time all messages sent together are confirmed, all of their returns have been handed out.
async fn await_confirms(
    sent: Vec<Option<PublisherConfirm>>,
    deadline: Instant,
) -> (Vec<Outcome>, HashSet<String>) {
    let mut outcomes = Vec::with_capacity(sent.len());
    let mut returned = HashSet::new();
    for confirm in sent {
        let answer = match confirm {
            Some(confirm) => timeout_at(deadline, confirm).await.ok().and_then(Result::ok),
            None => None,
        };
        outcomes.push(match &answer {
            Some(Confirmation::Ack(_)) => Outcome::Confirmed,
            _ => Outcome::Failed,
        });
        let message = answer.and_then(Confirmation::take_message);
        if let Some(id) = message.and_then(|message| message.delivery.properties.message_id().clone()) {
            returned.insert(id.to_string());
        }
    }
    (outcomes, returned)
}
