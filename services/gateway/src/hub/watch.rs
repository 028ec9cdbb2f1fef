//! How sockets come into rooms and leave them.

use std::sync::Arc;

use primitives::{Error, ErrorKind, StreamId};
use proto::CallContext;
use proto::chat::v1::list_messages_request::From as Start;
use proto::chat::v1::{ListMessagesRequest, ListMessagesResponse};
use proto::stream::v1::{GetRoomRequest, GetRoomResponse};

use crate::domain::life::Life;
use crate::domain::sequence::History;
use crate::hub::Hub;
use crate::hub::connection::{Connection, Place};
use crate::hub::line::Line;
use crate::hub::room::{Admission, CATCH_UP, MEMORY, Room};
use crate::outbound::peers::Answer;

impl Hub {
    /// Lets a socket into a stream's room, and sends it the history and the welcome.
    pub(crate) async fn join(
        self: &Arc<Self>,
        connection: &Arc<Connection>,
        stream: StreamId,
        after: Option<i64>,
        most_rooms: usize,
        context: &CallContext,
    ) -> Result<(), Error> {
        let place = connection.take_room(stream, most_rooms);
        if place == Place::None {
            let detail = format!("A socket may be in {most_rooms} rooms.");
            return Err(Error::new(ErrorKind::RateLimited, "room.too_many", detail));
        }
        let joined = self.try_join(connection, stream, after, context).await;
        if connection.is_gone() {
            // It left before it was in.
            self.leave(connection, stream);
        } else if joined.is_err() && place == Place::New {
            // Who was here before stays, and hears of the next start.
            connection.drop_room(stream);
        }
        joined
    }

    async fn try_join(
        self: &Arc<Self>,
        connection: &Arc<Connection>,
        stream: StreamId,
        after: Option<i64>,
        context: &CallContext,
    ) -> Result<(), Error> {
        let hold = self.rooms.hold(stream);
        let room = hold.room().clone();
        self.open(&room, context).await?;
        let older = match after {
            Some(after) if !room.remembers(after) => Some(self.older(stream, after, context).await?),
            _ => None,
        };
        // Counted first: should the stream end in this moment, the end finds somebody to take out of the
        // count.
        let viewer = connection.viewer();
        self.enter(stream, &viewer);
        let admission = room.admit(connection, viewer.clone(), hold, after, older);
        if !matches!(admission, Admission::Entered(_)) {
            self.exit(stream, &viewer);
        }
        let messages = match admission {
            Admission::Entered(messages) | Admission::Again(messages) => messages,
            Admission::NotLive => return Err(not_live()),
        };
        self.leases.tell_count(stream, connection);
        // The socket's next event waits for its turn meanwhile.
        tokio::time::sleep(connection.spend_history(messages)).await;
        Ok(())
    }

    /// Takes a socket out of a room.
    pub(crate) fn leave(&self, connection: &Connection, stream: StreamId) {
        connection.drop_room(stream);
        if let Some(viewer) = self
            .rooms
            .get(stream)
            .and_then(|room| room.dismiss(connection.id()))
        {
            self.exit(stream, &viewer);
        }
    }

    /// Makes sure that the room knows its stream, and that the stream is live.
    async fn open(&self, room: &Arc<Room>, context: &CallContext) -> Result<(), Error> {
        if room.is_live() {
            return Ok(());
        }
        let _opening = room.opening.lock().await;
        if room.is_live() {
            return Ok(());
        }
        if !room.is_open() {
            // First the binding, then the question: what changes after the answer is heard.
            self.rooms.bound(room.id()).await;
        }
        let now = self.ask(room.id(), context).await?;
        if !room.is_open() {
            if !now.live {
                return Err(not_live());
            }
            let page = self.list(room.id(), MEMORY, Start::Page(1), context).await?;
            room.open(
                Life::new(true, now.version),
                page.head,
                page.messages.iter().map(Line::from).collect(),
            );
        }
        self.life_changed(room, |life| life.asked(now.live, now.version));
        if now.live { Ok(()) } else { Err(not_live()) }
    }

    pub(super) async fn ask(
        &self,
        stream: StreamId,
        context: &CallContext,
    ) -> Result<GetRoomResponse, Error> {
        let request = GetRoomRequest { stream_id: stream.0 };
        self.peers
            .stream(context)
            .get_room(request)
            .await
            .answer()
            .map_err(|error| match error.kind {
                ErrorKind::NotFound => {
                    Error::new(ErrorKind::NotFound, "stream.not_found", "Stream not found.")
                }
                _ => error,
            })
    }

    pub(super) async fn list(
        &self,
        stream: StreamId,
        limit: usize,
        from: Start,
        context: &CallContext,
    ) -> Result<ListMessagesResponse, Error> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let request = ListMessagesRequest {
            stream_id: stream.0,
            limit,
            from: Some(from),
        };
        self.peers.chat(context).list_messages(request).await.answer()
    }

    /// What was said after a number, from the chat service. A page of nothing but deleted messages is passed
    /// over: it would not say how far it reaches.
    async fn older(
        &self,
        stream: StreamId,
        mut after: i64,
        context: &CallContext,
    ) -> Result<History<Line>, Error> {
        loop {
            let page = self
                .list(stream, CATCH_UP, Start::AfterSeq(after), context)
                .await?;
            match page.messages.last() {
                Some(last) if page.truncated && page.messages.iter().all(|message| message.deleted) => {
                    after = last.seq;
                }
                _ => {
                    return Ok(History {
                        messages: page.messages.iter().map(Line::from).collect(),
                        truncated: page.truncated,
                    });
                }
            }
        }
    }
}

fn not_live() -> Error {
    Error::new(ErrorKind::Conflict, "stream.not_live", "Stream is not live.")
}
