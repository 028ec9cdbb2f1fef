//! Publishes with confirms: a message counts as published once the broker has written it to disk.

use std::collections::HashSet;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, PublisherConfirm};
use tokio::time::{Instant, timeout_at};

use crate::connection::{REQUEST_TIMEOUT, within};
use crate::{Bus, Error, topology};

/// A persistent message to publish.
pub(crate) struct OutgoingMessage {
    pub(crate) exchange: String,
    pub(crate) key: String,
    /// Unique among the messages that are published together.
    pub(crate) id: String,
    pub(crate) headers: FieldTable,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublishOutcome {
    Confirmed,
    /// No queue is bound for the message, so the broker dropped it.
    Returned,
    /// Refused, or not confirmed in time: publish it again.
    Failed,
}

/// A channel in confirm mode that is reopened after a failure.
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

    /// Opens the channel unless it is open.
    pub(crate) async fn ready(&mut self) -> Result<(), Error> {
        self.channel().await.map(|_| ())
    }

    pub(crate) async fn publish(&mut self, message: OutgoingMessage) -> Result<(), Error> {
        match self.publish_all(vec![message]).await?.first() {
            Some(PublishOutcome::Confirmed) => Ok(()),
            Some(PublishOutcome::Returned) => Err(Error::Unroutable),
            Some(PublishOutcome::Failed) | None => Err(Error::Unconfirmed),
        }
    }

    /// Publishes messages and waits for all confirms. Returns the outcomes in the order of the messages.
    pub(crate) async fn publish_all(
        &mut self,
        messages: Vec<OutgoingMessage>,
    ) -> Result<Vec<PublishOutcome>, Error> {
        let channel = self.channel().await?;
        let deadline = Instant::now() + REQUEST_TIMEOUT;
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
            if *outcome == PublishOutcome::Confirmed && returned.contains(id) {
                *outcome = PublishOutcome::Returned;
            }
        }
        if outcomes.contains(&PublishOutcome::Failed) {
            // A late confirm must not be attributed to the next messages.
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

async fn send(channel: &Channel, message: OutgoingMessage) -> lapin::Result<PublisherConfirm> {
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

/// Waits for the confirms and collects the ids of returned messages. lapin attaches a returned message to
/// whichever confirm completes next, so it may belong to another message of the batch. Once the whole batch
/// is confirmed, all of its returned messages have been seen.
async fn await_confirms(
    sent: Vec<Option<PublisherConfirm>>,
    deadline: Instant,
) -> (Vec<PublishOutcome>, HashSet<String>) {
    let mut outcomes = Vec::with_capacity(sent.len());
    let mut returned = HashSet::new();
    for confirm in sent {
        let confirmation = match confirm {
            Some(confirm) => timeout_at(deadline, confirm).await.ok().and_then(Result::ok),
            None => None,
        };
        outcomes.push(match &confirmation {
            Some(Confirmation::Ack(_)) => PublishOutcome::Confirmed,
            _ => PublishOutcome::Failed,
        });
        let message = confirmation.and_then(Confirmation::take_message);
        if let Some(id) = message.and_then(|message| message.delivery.properties.message_id().clone()) {
            returned.insert(id.to_string());
        }
    }
    (outcomes, returned)
}
