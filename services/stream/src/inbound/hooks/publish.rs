//! The `publish` hook: decides whether an encoder may publish.

use std::time::Duration;

use tokio::time::Instant;

use super::form::Form;
use super::{HookAnswer, HookCall, Hooks, count_rejection};
use crate::domain::{
    ActivePublish, EncoderHealth, EndReason, MediaReading, PlaybackName, PublishAttempt, PublishRejection,
    StreamSecret, check_publish,
};
use crate::error::Result;
use crate::store::hooks::{Admission, AdmissionOutcome, EncoderConnection, PublishTarget};

/// Every rejection of a publish takes this long, which is longer than any check.
const REJECTION_DELAY: Duration = Duration::from_millis(100);
/// How long the current encoder is polled if its last progress is too old; slightly longer than the timeout
/// that makes an encoder stale.
const POLL_TIMEOUT: Duration = Duration::from_millis(3100);
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// Why a publish hook is denied, as a metric label.
type DenialLabel = &'static str;

/// Denies a hook; a publish only after [`REJECTION_DELAY`].
pub(super) async fn reject(call: HookCall, started: Instant) -> HookAnswer {
    if call == HookCall::Publish {
        tokio::time::sleep(REJECTION_DELAY.saturating_sub(started.elapsed())).await;
    }
    HookAnswer::Deny
}

impl Hooks {
    pub(super) async fn on_publish(
        &self,
        connection: EncoderConnection,
        form: &Form,
        started: Instant,
    ) -> HookAnswer {
        match self.decide(connection, form).await {
            Ok(Ok(())) => HookAnswer::Allow,
            Ok(Err(label)) => {
                count_rejection(label);
                reject(HookCall::Publish, started).await
            }
            Err(error) => {
                tracing::warn!(%error, "failed to check a publish");
                HookAnswer::Unavailable
            }
        }
    }

    async fn decide(&self, connection: EncoderConnection, form: &Form) -> Result<Result<(), DenialLabel>> {
        if !self.nodes.is_configured(&connection.node) {
            tracing::warn!(node = %connection.node, "received a hook of an unconfigured media node");
            return Ok(Err("unknown_node"));
        }
        // Validated before any other use of the name.
        let Ok(name) = PlaybackName::parse(form.first("name").unwrap_or_default()) else {
            return Ok(Err("malformed_name"));
        };
        let secret = form.first("key").and_then(|text| StreamSecret::parse(text).ok());
        let target = self.store.publish_target(&name).await?;
        match self.check(&connection, target.as_ref(), secret.as_ref()).await {
            Ok(replaces) => self.admit(connection, name, target, secret, replaces).await,
            Err(rejection) => {
                if let Some(target) = target {
                    self.store.publish_rejection_add(target.stream, rejection).await?;
                }
                Ok(Err(rejection.as_str()))
            }
        }
    }

    /// Checks the attempt, and drops a stale encoder that blocks it. Returns the publish that it replaces.
    async fn check(
        &self,
        connection: &EncoderConnection,
        target: Option<&PublishTarget>,
        secret: Option<&StreamSecret>,
    ) -> Result<Option<(i64, EndReason)>, PublishRejection> {
        let attempt = |current, has_disk_space| PublishAttempt {
            secret,
            secret_hash: target.map(|target| target.secret_hash.as_slice()),
            owner_banned: target.is_some_and(|target| target.owner_banned),
            has_disk_space,
            current,
        };
        // Callers without the key must not cause requests to other machines.
        check_publish(&attempt(None, true), &self.store.keyring)?;
        let active = target.and_then(|target| target.active.as_ref());
        let other = active.filter(|(active, boot_id)| !is_same(active, boot_id, connection));
        let health = match other {
            Some((active, boot_id)) => Some(self.health(active, boot_id, connection).await),
            None => None,
        };
        let has_disk_space = self.disk_space.is_sufficient().await;
        check_publish(&attempt(health, has_disk_space), &self.store.keyring)?;
        let Some((active, _)) = other else { return Ok(None) };
        if health != Some(EncoderHealth::Stale) {
            return Ok(Some((active.id, EndReason::PublisherGone)));
        }
        self.drop_stale(active).await?;
        Ok(Some((active.id, EndReason::TakenOver)))
    }

    async fn admit(
        &self,
        connection: EncoderConnection,
        name: PlaybackName,
        target: Option<PublishTarget>,
        secret: Option<StreamSecret>,
        replaces: Option<(i64, EndReason)>,
    ) -> Result<Result<(), DenialLabel>> {
        let (Some(target), Some(secret)) = (target, secret) else {
            return Ok(Err(PublishRejection::WrongKey.as_str()));
        };
        let stream = target.stream;
        let admission = Admission {
            stream,
            owner: target.owner,
            name,
            secret,
            connection,
            replaces,
            trace: proto::trace::current_context(),
        };
        match self.store.publish_admit(admission).await? {
            AdmissionOutcome::Accepted => {
                tracing::info!(stream_id = stream.0, "accepted an encoder");
                Ok(Ok(()))
            }
            AdmissionOutcome::AlreadyEnded => Ok(Err("repeated")),
            AdmissionOutcome::Rejected(rejection) => {
                self.store.publish_rejection_add(stream, rejection).await?;
                Ok(Err(rejection.as_str()))
            }
        }
    }

    /// Returns the health of the stream's current encoder.
    async fn health(
        &self,
        active: &ActivePublish,
        boot_id: &str,
        connection: &EncoderConnection,
    ) -> EncoderHealth {
        if active.node == connection.node && boot_id != connection.boot_id {
            // The nginx of that encoder has restarted since.
            return EncoderHealth::Disconnected;
        }
        match self.read(active).await {
            Some(reading) => match active.progress.health(reading) {
                EncoderHealth::Unknown => self.poll(active, reading).await,
                health => health,
            },
            None => EncoderHealth::Unknown,
        }
    }

    /// Polls until the encoder has sent something, or is stale.
    async fn poll(&self, active: &ActivePublish, first: MediaReading) -> EncoderHealth {
        let end = Instant::now() + POLL_TIMEOUT;
        while Instant::now() < end {
            tokio::time::sleep(POLL_INTERVAL).await;
            match self.read(active).await {
                Some(MediaReading { bytes: None, .. }) => return EncoderHealth::Disconnected,
                Some(reading) if reading.bytes > first.bytes => return EncoderHealth::Healthy,
                Some(_) => {}
                None => return EncoderHealth::Unknown,
            }
        }
        EncoderHealth::Stale
    }

    /// Returns `None` if the node does not answer.
    async fn read(&self, active: &ActivePublish) -> Option<MediaReading> {
        match self.nodes.publishers(&active.node).await {
            Ok((publishers, _)) => {
                let found = publishers.iter().find(|publisher| active.is(publisher));
                Some(MediaReading {
                    bytes: found.map(|publisher| publisher.bytes),
                    at: self.store.clock.now(),
                })
            }
            Err(error) => {
                tracing::warn!(%error, node = %active.node, "failed to check the current encoder");
                None
            }
        }
    }

    /// Drops a stale encoder before the hook is answered, since nginx does not handle a second publisher of
    /// the same name cleanly.
    async fn drop_stale(&self, active: &ActivePublish) -> Result<(), PublishRejection> {
        match self
            .nodes
            .drop_client(&active.node, &active.playback_name, active.client)
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, node = %active.node, "failed to drop a stale encoder");
                Err(PublishRejection::Busy)
            }
        }
    }
}

/// Returns whether the hook is a repeat for the current encoder.
fn is_same(active: &ActivePublish, boot_id: &str, connection: &EncoderConnection) -> bool {
    active.node == connection.node && boot_id == connection.boot_id && active.client == connection.client_id
}
