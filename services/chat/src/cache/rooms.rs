//! Owners and live states of rooms.
//!
//! The collection `rooms` is trusted when it says that a stream is live or deleted. A stream that is unknown
//! or ended there may have just started, or started before this service first ran; then the stream service is
//! asked, and the collection updated. Entries are cached for a second, so a room that is not live costs one
//! request per second and replica. While the stream service is unavailable, chat continues in every room that
//! is known to be live.

use primitives::{Clock, StreamId, UserId};
use proto::Peer;
use storage::Mongo;

use super::refreshing::RefreshingCache;
use crate::domain::ChatRoom;
use crate::error::{Error, Result};
use crate::outbound::stream;
use crate::store::rooms::{room_get, room_put};

const MAX_ROOMS: u64 = 10_000;

pub struct RoomCache {
    source: RoomSource,
    rooms: RefreshingCache<StreamId, ChatRoom>,
}

#[derive(Clone)]
struct RoomSource {
    mongo: Mongo,
    streams: Peer,
    clock: Clock,
}

impl RoomCache {
    #[must_use]
    pub fn new(mongo: Mongo, streams: Peer, clock: Clock) -> Self {
        Self {
            source: RoomSource {
                mongo,
                streams,
                clock,
            },
            rooms: RefreshingCache::new(MAX_ROOMS),
        }
    }

    /// Returns the owner of a live room.
    ///
    /// # Errors
    /// [`Error::StreamNotFound`] or [`Error::StreamNotLive`].
    pub async fn live_owner(&self, stream: StreamId) -> Result<UserId> {
        match self.room(stream).await? {
            ChatRoom::Existing { owner, live: true } => Ok(owner),
            ChatRoom::Existing { live: false, .. } => Err(Error::StreamNotLive),
            ChatRoom::Deleted => Err(Error::StreamNotFound),
        }
    }

    /// Returns the owner of a room, live or not; `None` if the stream does not exist.
    pub async fn owner(&self, stream: StreamId) -> Result<Option<UserId>> {
        Ok(match self.room(stream).await? {
            ChatRoom::Existing { owner, .. } => Some(owner),
            ChatRoom::Deleted => None,
        })
    }

    pub async fn invalidate(&self, stream: StreamId) {
        self.rooms.invalidate(&stream).await;
    }

    async fn room(&self, stream: StreamId) -> Result<ChatRoom> {
        self.rooms.get(stream, || self.source.clone().load(stream)).await
    }
}

impl RoomSource {
    async fn load(self, stream: StreamId) -> Result<ChatRoom> {
        let copy = room_get(&self.mongo, stream).await?;
        if matches!(
            copy,
            Some(ChatRoom::Existing { live: true, .. } | ChatRoom::Deleted)
        ) {
            return copy.ok_or(Error::StreamNotFound);
        }
        match (stream::room(&self.streams, stream).await, copy) {
            (Ok(Some((room, version))), _) => {
                room_put(&self.mongo, stream, room, version, self.clock.now()).await?;
                Ok(room)
            }
            (Ok(None), _) => Ok(ChatRoom::Deleted),
            // Better a stale answer than none.
            (Err(_), Some(copy)) => Ok(copy),
            (Err(error), None) => Err(error),
        }
    }
}
