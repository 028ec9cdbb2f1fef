//! May this encoder publish?

use std::time::{Duration, Instant};

use primitives::Clock;

use super::form::Form;
use super::{Answer, Call, Hooks, rejected};
use crate::domain::{
    ActivePublish, Attempt, EndReason, Health, PlaybackName, Reading, Refusal, Secret, judge,
};
use crate::error::Result;
use crate::store::hooks::{Admission, Admitted, Client, Known};

/// Every refusal of a publish takes this long, whatever its reason; longer than any of them needs.
const REFUSAL: Duration = Duration::from_millis(100);
/// How long an encoder is watched that nobody has looked at for a while.
const WATCH: Duration = Duration::from_millis(3100);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(300);

/// Refuses a hook; a publish after the time that each refusal takes.
pub(super) async fn refuse(call: Call, started: Instant) -> Answer {
    if call == Call::Publish {
        tokio::time::sleep(REFUSAL.saturating_sub(started.elapsed())).await;
    }
    Answer::No
}

impl Hooks {
    pub(super) async fn on_publish(&self, client: Client, form: &Form, started: Instant) -> Answer {
        match self.decide(client, form).await {
            Ok(Ok(())) => Answer::Yes,
            Ok(Err(reason)) => {
                rejected(reason);
                refuse(Call::Publish, started).await
            }
            Err(error) => {
                tracing::warn!(%error, "a publish could not be judged");
                Answer::Unknown
            }
        }
    }

    async fn decide(&self, client: Client, form: &Form) -> Result<Result<(), &'static str>> {
        if !self.nodes.names().any(|name| name == client.node) {
            tracing::warn!(node = client.node, "hook of a media node that is not configured");
            return Ok(Err("unknown_node"));
        }
        // Only our own pattern, before anything else sees the name.
        let Ok(name) = PlaybackName::parse(form.first("name").unwrap_or_default()) else {
            return Ok(Err("malformed_name"));
        };
        let secret = form.first("key").and_then(|text| Secret::parse(text).ok());
        let known = self.store.stream_known(&name).await?;
        match self.verdict(&client, known.as_ref(), secret.as_ref()).await {
            Ok(replaces) => self.admit(client, name, known, secret, replaces).await,
            Err(refusal) => {
                if let Some(known) = known {
                    self.store.refusal_add(known.stream, refusal).await?;
                }
                Ok(Err(refusal.as_str()))
            }
        }
    }

    /// Judges the attempt, and makes room for it. Answers which publish it takes the place of.
    async fn verdict(
        &self,
        client: &Client,
        known: Option<&Known>,
        secret: Option<&Secret>,
    ) -> Result<Option<(i64, EndReason)>, Refusal> {
        let attempt = |other, space_left| Attempt {
            secret,
            secret_hash: known.map(|known| known.secret_hash.as_slice()),
            owner_banned: known.is_some_and(|known| known.owner_banned),
            space_left,
            other,
        };
        // Other machines are asked only for those who have the key.
        judge(&attempt(None, true), &self.store.keyring)?;
        let active = known.and_then(|known| known.active.as_ref());
        let other = active.filter(|(active, boot_id)| !is_same(active, boot_id, client));
        let health = match other {
            Some((active, boot_id)) => Some(self.health(active, boot_id, client).await),
            None => None,
        };
        judge(&attempt(health, self.space.is_left().await), &self.store.keyring)?;
        let Some((active, _)) = other else { return Ok(None) };
        if health != Some(Health::Stale) {
            return Ok(Some((active.id, EndReason::PublisherGone)));
        }
        self.make_room(active).await?;
        Ok(Some((active.id, EndReason::TakenOver)))
    }

    async fn admit(
        &self,
        client: Client,
        name: PlaybackName,
        known: Option<Known>,
        secret: Option<Secret>,
        replaces: Option<(i64, EndReason)>,
    ) -> Result<Result<(), &'static str>> {
        let (Some(known), Some(secret)) = (known, secret) else {
            return Ok(Err(Refusal::WrongKey.as_str()));
        };
        let (stream, owner) = (known.stream, known.owner);
        let trace = proto::trace::current_context();
        let admission = Admission {
            stream,
            owner,
            name,
            secret,
            client,
            replaces,
            trace,
        };
        match self.store.publish_admit(admission).await? {
            Admitted::Yes => {
                tracing::info!(stream_id = stream.0, "publisher let in");
                Ok(Ok(()))
            }
            Admitted::Over => Ok(Err("repeated")),
            Admitted::No(refusal) => {
                self.store.refusal_add(stream, refusal).await?;
                Ok(Err(refusal.as_str()))
            }
        }
    }

    /// How the encoder is that publishes already.
    async fn health(&self, active: &ActivePublish, boot_id: &str, client: &Client) -> Health {
        if active.node == client.node && boot_id != client.boot_id {
            // Its nginx is gone, and the one that asks has taken its place.
            return Health::Gone;
        }
        match self.look(active).await {
            Some(reading) => match active.progress.health(reading) {
                Health::Unclear => self.watch(active, reading).await,
                health => health,
            },
            None => Health::Unclear,
        }
    }

    /// Looks until the encoder has sent something, or nothing for as long as a stale one.
    async fn watch(&self, active: &ActivePublish, first: Reading) -> Health {
        let end = Instant::now() + WATCH;
        while Instant::now() < end {
            tokio::time::sleep(LOOK).await;
            match self.look(active).await {
                Some(Reading { bytes: None, .. }) => return Health::Gone,
                Some(reading) if reading.bytes > first.bytes => return Health::Healthy,
                Some(_) => {}
                None => return Health::Unclear,
            }
        }
        Health::Stale
    }

    async fn look(&self, active: &ActivePublish) -> Option<Reading> {
        match self.nodes.publishers(&active.node).await {
            Ok((publishers, _)) => {
                let found = publishers.iter().find(|publisher| active.is(publisher));
                Some(Reading {
                    bytes: found.map(|publisher| publisher.bytes),
                    at: Clock::system().now(),
                })
            }
            Err(error) => {
                tracing::warn!(%error, node = active.node, "the other encoder cannot be looked at");
                None
            }
        }
    }

    /// Sends a stale encoder away. nginx refuses a second publisher of a name by itself, and leaves a mess:
    /// so it must be gone before we answer.
    async fn make_room(&self, active: &ActivePublish) -> Result<(), Refusal> {
        match self
            .nodes
            .drop_client(&active.node, &active.name, active.client)
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, node = active.node, "a stale encoder could not be dropped");
                Err(Refusal::Busy)
            }
        }
    }
}

fn is_same(active: &ActivePublish, boot_id: &str, client: &Client) -> bool {
    active.node == client.node && boot_id == client.boot_id && active.client == client.id
}
