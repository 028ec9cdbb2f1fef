//! Events of the other services. Each is claimed in the inbox in the transaction of its effect, so a repeat
//! has none.

use std::sync::Arc;

use bus::{Consumer, Delivery, Failure, inbox_claim};
use chrono::{DateTime, Utc};
use primitives::{BroadcastId, CategoryId, StreamId, UserId};
use proto::events::v1::RecordingFinished;
use proto::events::v1::event::Payload;
use storage::AsyncPgConnection;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::Serving;
use crate::domain::RecordingName;
use crate::error::{Error, Result};
use crate::store::copies::{self, Category, Owner};
use crate::store::recordings::{NewRecording, recording_insert};
use crate::store::vods::vods_delete_of_user;

/// The consumer's name, that of its queue, and the one under which the inbox knows it.
pub const CONSUMER: &str = "vod.events";
/// What it hears. A ban changes nothing here: the VODs stay.
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

/// Consumes until told to stop.
pub async fn run(serving: Arc<Serving>, shutdown: CancellationToken) {
    let bus = serving.bus.clone();
    let handler = move |delivery| {
        let serving = serving.clone();
        async move { handle(&serving, delivery).await }
    };
    Consumer::new(CONSUMER, KEYS).run(bus, shutdown, handler).await;
}

/// Makes the event's effect, once.
///
/// # Errors
/// Whether a later try may work.
pub async fn handle(serving: &Serving, delivery: Delivery) -> Result<(), Failure> {
    let (id, version) = (delivery.id, delivery.event.version);
    let Some(payload) = delivery.event.payload else {
        return Ok(());
    };
    let now = serving.app.clock.now();
    if let Payload::UserDeleted(user) = &payload {
        return Ok(forget(serving, id, UserId(user.user_id), version, now).await?);
    }
    let fact = Fact::of(payload, version)?;
    serving
        .app
        .database
        .transaction(async move |conn: &mut AsyncPgConnection| -> Result<()> {
            if inbox_claim(conn, CONSUMER, id).await? {
                fact.keep(conn, now).await?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

/// What an event means here.
enum Fact {
    Owner(Owner),
    Category(Category),
    CategoryGone(CategoryId, i64),
    StreamGone(StreamId),
    Recording(Box<NewRecording>),
    Nothing,
}

impl Fact {
    fn of(payload: Payload, version: i64) -> Result<Self, Failure> {
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
            Payload::RecordingFinished(recording) => Self::Recording(Box::new(new_recording(recording)?)),
            _ => Self::Nothing,
        })
    }

    async fn keep(&self, conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<()> {
        match self {
            Self::Owner(owner) => copies::owner_keep(conn, owner).await,
            Self::Category(category) => copies::category_keep(conn, category).await,
            Self::CategoryGone(id, version) => copies::category_delete(conn, *id, *version).await,
            Self::StreamGone(id) => copies::stream_delete(conn, *id).await,
            Self::Recording(recording) => recording_insert(conn, recording, now).await,
            Self::Nothing => Ok(()),
        }
    }
}

/// A name that is no recording's never becomes one: such an event is a defect of its sender.
fn new_recording(event: RecordingFinished) -> Result<NewRecording, Failure> {
    let file = RecordingName::parse(&event.file_name);
    Ok(NewRecording {
        file: file.ok_or_else(|| Failure::fail(format!("{:?} is no recording", event.file_name)))?,
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

/// Deletes what a user had, some VODs in each transaction. Only the last one claims the event, so that a
/// crash in between goes on.
async fn forget(
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
