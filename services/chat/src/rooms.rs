//! May a room be spoken in: the copy that events keep, and the stream service where the copy may be behind.
//!
//! A stream that the copy has as live is taken for live without asking anybody. A stream that it does not
//! know, or has as ended, may have started a moment ago, or before this service first ran; then the stream
//! service is asked, and what it says is put into the copy. Either answer holds for a second, so a room that
//! is not live costs one question a second for each replica, and while the stream service is away chat goes
//! on in every room that is known to be live.

use primitives::{Clock, StreamId, UserId};
use proto::Peer;
use storage::Mongo;

use crate::error::{Error, Result};
use crate::fresh::Fresh;
use crate::outbound::stream;
use crate::store::rooms::{Room, room_get, room_put};

/// Rooms remembered at once.
const ROOMS: u64 = 10_000;

/// Knows streams.
pub struct Rooms {
    source: Source,
    answers: Fresh<StreamId, Room>,
}

/// Whom to ask.
#[derive(Clone)]
struct Source {
    mongo: Mongo,
    streams: Peer,
    clock: Clock,
}

impl Rooms {
    /// Asks this copy and this service.
    #[must_use]
    pub fn new(mongo: Mongo, streams: Peer, clock: Clock) -> Self {
        Self {
            source: Source {
                mongo,
                streams,
                clock,
            },
            answers: Fresh::new(ROOMS),
        }
    }

    /// Whose a room is, if it may be spoken in.
    ///
    /// # Errors
    /// [`Error::NoStream`], [`Error::NotLive`], and unavailability when nobody knows.
    pub async fn live(&self, stream: StreamId) -> Result<UserId> {
        match self.room(stream).await? {
            Room::Known { owner, live: true } => Ok(owner),
            Room::Known { live: false, .. } => Err(Error::NotLive),
            Room::Gone => Err(Error::NoStream),
        }
    }

    /// Whose a room is, live or not; `None` when the stream is gone.
    ///
    /// # Errors
    /// Unavailability when nobody knows.
    pub async fn owner(&self, stream: StreamId) -> Result<Option<UserId>> {
        Ok(match self.room(stream).await? {
            Room::Known { owner, .. } => Some(owner),
            Room::Gone => None,
        })
    }

    /// Forgets an answer, because an event said something new.
    pub async fn forget(&self, stream: StreamId) {
        self.answers.forget(&stream).await;
    }

    async fn room(&self, stream: StreamId) -> Result<Room> {
        self.answers.get(stream, || self.source.clone().ask(stream)).await
    }
}

impl Source {
    async fn ask(self, stream: StreamId) -> Result<Room> {
        let copy = room_get(&self.mongo, stream).await?;
        if matches!(copy, Some(Room::Known { live: true, .. } | Room::Gone)) {
            return copy.ok_or(Error::NoStream);
        }
        match (stream::room(&self.streams, stream).await, copy) {
            (Ok(Some((room, version))), _) => {
                room_put(&self.mongo, stream, room, version, self.clock.now()).await?;
                Ok(room)
            }
            (Ok(None), _) => Ok(Room::Gone),
            (Err(_), Some(copy)) => Ok(copy),
            (Err(error), None) => Err(error),
        }
    }
}
