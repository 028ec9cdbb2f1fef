//! Consumes events of other services. The transaction of an effect also claims the event in the inbox, so a
//! repeated event has no effect.

use std::sync::Arc;

use bus::{Consumer, Delivery, HandlerError, inbox_claim};
use chrono::{DateTime, Utc};
use primitives::{BroadcastId, CategoryId, StreamId, UserId};
use proto::events::v1::RecordingFinished;
use proto::events::v1::event::Payload;
use storage::AsyncPgConnection;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::Serving;
use crate::error::{Error, Result};
use crate::store::copies::{self, Category, Owner};
use crate::store::recordings::{NewRecording, recording_insert};
use crate::store::vods::vods_delete_of_user;
use primitives::RecordingName;

/// The name of the consumer, of its queue and of its inbox entries.
pub const CONSUMER: &str = "vod.events";
/// Bans are not consumed, because the VODs of a banned user stay.
const KEYS: &[&str] = &[
    "user.registered",
    "user.updated",
    "user.deleted",
    "category.created",
    "category.updated",
    "category.deleted",
    "stream.deleted",
    "recording.finished",
];

/// Consumes events until `shutdown` is cancelled.
pub async fn run(serving: Arc<Serving>, shutdown: CancellationToken) {
    let bus = serving.bus.clone();
    let handler = move |delivery| {
        let serving = serving.clone();
        async move { handle(&serving, delivery).await }
    };
    Consumer::new(CONSUMER, KEYS).run(bus, shutdown, handler).await;
}

/// Applies an event once.
///
/// # Errors
/// The failure decides whether the event is retried.
pub async fn handle(serving: &Serving, delivery: Delivery) -> Result<(), HandlerError> {
    let (id, version) = (delivery.id, delivery.event.version);
    let Some(payload) = delivery.event.payload else {
        return Ok(());
    };
    let now = serving.app.clock.now();
    if let Payload::UserDeleted(user) = &payload {
        return Ok(delete_user(serving, id, UserId(user.user_id), version, now).await?);
    }
    let update = CopyUpdate::of(payload, version)?;
    serving
        .app
        .database
        .transaction(async move |conn: &mut AsyncPgConnection| -> Result<()> {
            if inbox_claim(conn, CONSUMER, id).await? {
                update.apply(conn, now).await?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

/// The effect of an event on this service.
enum CopyUpdate {
    Owner(Owner),
    Category(Category),
    CategoryGone(CategoryId, i64),
    StreamGone(StreamId),
    RecordingJob(Box<NewRecording>),
    Nothing,
}

impl CopyUpdate {
    fn of(payload: Payload, version: i64) -> Result<Self, HandlerError> {
        Ok(match payload {
            Payload::UserRegistered(user) => Self::Owner(Owner {
                id: user.user_id,
                username: user.username,
                display_name: user.display_name,
                version,
            }),
            Payload::UserUpdated(user) => Self::Owner(Owner {
                id: user.user_id,
                username: user.username,
                display_name: user.display_name,
                version,
            }),
            Payload::CategoryCreated(category) => Self::Category(Category {
                id: category.category_id,
                name: category.name,
                slug: category.slug,
                tags: category.tags,
                version,
            }),
            Payload::CategoryUpdated(category) => Self::Category(Category {
                id: category.category_id,
                name: category.name,
                slug: category.slug,
                tags: category.tags,
                version,
            }),
            Payload::CategoryDeleted(category) => {
                Self::CategoryGone(CategoryId(category.category_id), version)
            }
            Payload::StreamDeleted(stream) => Self::StreamGone(StreamId(stream.stream_id)),
            Payload::RecordingFinished(recording) => Self::RecordingJob(Box::new(new_recording(recording)?)),
            _ => Self::Nothing,
        })
    }

    async fn apply(&self, conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<()> {
        match self {
            Self::Owner(owner) => copies::owner_upsert(conn, owner).await,
            Self::Category(category) => copies::category_upsert(conn, category).await,
            Self::CategoryGone(id, version) => copies::category_delete(conn, *id, *version).await,
            Self::StreamGone(id) => copies::stream_delete(conn, *id).await,
            Self::RecordingJob(recording) => recording_insert(conn, recording, now).await,
            Self::Nothing => Ok(()),
        }
    }
}

/// An invalid file name is a bug of the sender, so the event is not retried.
fn new_recording(event: RecordingFinished) -> Result<NewRecording, HandlerError> {
    let file = RecordingName::parse(&event.file_name);
    Ok(NewRecording {
        file: file.ok_or_else(|| {
            HandlerError::fail(format!("{:?} is not the name of a recording", event.file_name))
        })?,
        node: event.node,
        broadcast: BroadcastId::try_from(event.broadcast_id).ok(),
        stream: StreamId(event.stream_id),
        user: UserId(event.user_id),
        title: event.title,
        description: event.description,
        category: event.category_id.map(CategoryId),
        key_fingerprint: event.key_fingerprint,
    })
}

/// Deletes the VODs of a user in batches. Only the last transaction claims the event, so that the deletion
/// resumes after a crash.
async fn delete_user(
    serving: &Serving,
    event: Uuid,
    user: UserId,
    version: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    loop {
        let more = serving
            .app
            .database
            .transaction(async move |conn: &mut AsyncPgConnection| {
                copies::owner_delete(conn, user, version).await?;
                let more = vods_delete_of_user(conn, user, now).await?;
                if !more {
                    inbox_claim(conn, CONSUMER, event).await?;
                }
                Ok::<_, Error>(more)
            })
            .await?;
        if !more {
            return Ok(());
        }
    }
}
