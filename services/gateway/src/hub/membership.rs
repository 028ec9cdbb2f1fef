//! How sockets join and leave rooms, and how rooms follow their stream's live state.

use std::sync::Arc;

use primitives::{Error, ErrorKind, StreamId};
use proto::CallContext;
use proto::chat::v1::list_messages_request::From as Start;

use crate::domain::live_state::{LiveState, LiveTransition};
use crate::domain::presence::Viewer;
use crate::event::ChatMessage;
use crate::hub::connection::{Connection, RoomSlot};
use crate::hub::room::{Admission, HISTORY_LIMIT, MEMORY, Room};
use crate::hub::rooms::Rooms;
use crate::hub::upstream::Upstream;
use crate::hub::viewers::Viewers;

pub(crate) struct Membership {
    rooms: Arc<Rooms>,
    viewers: Arc<Viewers>,
    upstream: Upstream,
}

impl Membership {
    pub(super) fn new(rooms: &Arc<Rooms>, viewers: &Arc<Viewers>, upstream: &Upstream) -> Self {
        Self {
            rooms: rooms.clone(),
            viewers: viewers.clone(),
            upstream: upstream.clone(),
        }
    }

    /// Adds a socket to a stream's room and sends it the history and the welcome.
    ///
    /// # Errors
    /// `room.too_many`, `stream.not_found`, `stream.not_live`, or the error of a peer.
    pub(crate) async fn join(
        &self,
        connection: &Arc<Connection>,
        stream: StreamId,
        after: Option<i64>,
        max_rooms: usize,
        context: &CallContext,
    ) -> Result<(), Error> {
        let slot = connection.add_room(stream, max_rooms);
        if slot == RoomSlot::LimitReached {
            let detail = format!("A socket may be in at most {max_rooms} rooms.");
            return Err(Error::new(ErrorKind::RateLimited, "room.too_many", detail));
        }
        let joined = self.try_join(connection, stream, after, context).await;
        if connection.is_closed() {
            // It closed while it was joining, before there was anything to leave.
            self.leave(connection, stream);
        } else if joined.is_err() && slot == RoomSlot::New {
            // A socket that waits for the stream's next start keeps waiting.
            connection.remove_room(stream);
        }
        joined
    }

    async fn try_join(
        &self,
        connection: &Arc<Connection>,
        stream: StreamId,
        after: Option<i64>,
        context: &CallContext,
    ) -> Result<(), Error> {
        let guard = self.rooms.guard(stream);
        let room = guard.room().clone();
        self.open(&room, context).await?;
        let older = match after {
            Some(after) if !room.remembers(after) => {
                let older = self
                    .upstream
                    .messages_after(stream, after, HISTORY_LIMIT, context);
                Some(older.await?)
            }
            _ => None,
        };
        // Counted first: if the stream ends at this moment, its end removes the viewer again.
        let viewer = connection.viewer();
        self.viewers.enter(stream, &viewer);
        let admission = room.admit(connection, viewer.clone(), Box::new(guard), after, older);
        if !matches!(admission, Admission::Joined(_)) {
            self.viewers.leave(stream, &viewer);
        }
        let messages = match admission {
            Admission::Joined(messages) | Admission::Rejoined(messages) => messages,
            Admission::NotLive => return Err(not_live()),
        };
        self.viewers.send_count(stream, connection);
        // Delays the socket's next event, not other sockets.
        tokio::time::sleep(connection.count_history(messages)).await;
        Ok(())
    }

    /// Removes a socket from a room.
    pub(crate) fn leave(&self, connection: &Connection, stream: StreamId) {
        connection.remove_room(stream);
        let room = self.rooms.get(stream);
        if let Some(viewer) = room.and_then(|room| room.remove(connection.id())) {
            self.viewers.leave(stream, &viewer);
        }
    }

    /// Removes a socket from all its rooms.
    pub(super) fn leave_all(&self, connection: &Connection) {
        for stream in connection.rooms() {
            self.leave(connection, stream);
        }
    }

    /// Counts a socket's viewer in its rooms after the user behind it may have changed.
    pub(super) fn viewer_changed(&self, connection: &Connection, before: &Viewer) {
        let after = connection.viewer();
        if *before == after {
            return;
        }
        for stream in connection.rooms() {
            self.viewers.enter(stream, &after);
            let room = self.rooms.get(stream);
            let is_member = room.is_some_and(|room| room.set_viewer(connection.id(), &after));
            // A socket that left meanwhile is counted for neither.
            self.viewers
                .leave(stream, if is_member { before } else { &after });
        }
    }

    /// Applies an event that a stream started or ended.
    pub(crate) fn apply_live_event(&self, stream: StreamId, live: bool, version: i64) {
        if let Some(room) = self.rooms.get(stream) {
            self.update_live(&room, |state| state.apply_event(live, version));
        }
    }

    /// Updates the live state of a room's stream. If the stream ended, all sockets leave.
    pub(super) fn update_live(
        &self,
        room: &Arc<Room>,
        update: impl FnOnce(&mut LiveState) -> Option<LiveTransition>,
    ) {
        for viewer in room.update_live(update) {
            self.viewers.leave(room.id(), &viewer);
        }
    }

    /// Closes the room of a deleted stream.
    pub(crate) fn stream_deleted(&self, stream: StreamId) {
        if let Some(room) = self.rooms.get(stream) {
            for viewer in room.stream_deleted() {
                self.viewers.leave(stream, &viewer);
            }
        }
    }

    /// Loads the room if necessary, and fails unless its stream is live.
    async fn open(&self, room: &Arc<Room>, context: &CallContext) -> Result<(), Error> {
        if room.is_live() {
            return Ok(());
        }
        let _opening = room.opening.lock().await;
        if room.is_live() {
            return Ok(());
        }
        if !room.is_open() {
            // Bound before the state is fetched, so that no change after the answer is missed.
            self.rooms.bound(room.id()).await;
        }
        let now = self.upstream.room(room.id(), context).await?;
        if !room.is_open() {
            if !now.live {
                return Err(not_live());
            }
            let page = self.upstream.messages(room.id(), MEMORY, Start::Page(1), context);
            let page = page.await?;
            room.open(
                LiveState::new(true, now.version),
                page.head,
                page.messages.iter().map(ChatMessage::from).collect(),
            );
        }
        self.update_live(room, |state| state.apply_answer(now.live, now.version));
        if now.live { Ok(()) } else { Err(not_live()) }
    }
}

fn not_live() -> Error {
    Error::new(ErrorKind::Conflict, "stream.not_live", "Stream is not live.")
}
