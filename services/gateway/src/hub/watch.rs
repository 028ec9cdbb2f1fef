//! How rooms come into being and keep up: joining, news of a stream, messages that did not arrive.

use std::sync::Arc;
use std::time::Duration;

use domain::{Error, ErrorKind, StreamId};
use futures::StreamExt;
use identity::Revocation;
use proto::CallContext;
use proto::chat::v1::list_messages_request::From as Start;
use proto::chat::v1::{HeadsRequest, ListMessagesRequest, ListMessagesResponse};
use proto::events::v1::{NotificationsRead, UsersNotified};
use proto::stream::v1::{GetRoomRequest, GetRoomResponse};
use proto::time::datetime;

use crate::domain::life::{Change, Life};
use crate::domain::sequence::History;
use crate::hub::Hub;
use crate::hub::connection::{Connection, Place};
use crate::hub::event::{NewNotification, NotificationRead, ServerEvent};
use crate::hub::line::Line;
use crate::hub::room::{Admission, CATCH_UP, MEMORY, Room};
use crate::outbound::peers::Answer;

/// How long a question that nobody waits for may take.
const BACKGROUND: Duration = Duration::from_secs(3);
/// Messages often overtake one another by a little; only a gap that stays is worth a question.
const GAP_PATIENCE: Duration = Duration::from_millis(30);
/// Rooms in one question for heads.
const HEADS: usize = 500;
/// Rooms that ask at once after a reconnection.
const RESYNC_AT_ONCE: usize = 8;

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
        // Counted first: should the stream end in this moment, the end finds somebody to take out of the count.
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

    async fn ask(&self, stream: StreamId, context: &CallContext) -> Result<GetRoomResponse, Error> {
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

    async fn list(
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

    async fn older(
        &self,
        stream: StreamId,
        after: i64,
        context: &CallContext,
    ) -> Result<History<Line>, Error> {
        let page = self
            .list(stream, CATCH_UP, Start::AfterSeq(after), context)
            .await?;
        Ok(History {
            messages: page.messages.iter().map(Line::from).collect(),
            truncated: page.truncated,
        })
    }

    fn life_changed(&self, room: &Arc<Room>, news: impl FnOnce(&mut Life) -> Option<Change>) {
        for viewer in room.live_changed(news) {
            self.exit(room.id(), &viewer);
        }
    }

    /// An event said that a stream started or ended.
    pub(crate) fn live_heard(&self, stream: StreamId, live: bool, version: i64) {
        if let Some(room) = self.rooms.get(stream) {
            self.life_changed(&room, |life| life.heard(live, version));
        }
    }

    /// A stream was deleted.
    pub(crate) fn stream_deleted(&self, stream: StreamId) {
        let Some(room) = self.rooms.get(stream) else {
            return;
        };
        for viewer in room.stream_deleted() {
            self.exit(stream, &viewer);
        }
    }

    /// Tells everyone in a stream's room.
    pub(crate) fn tell<E: ServerEvent>(&self, stream: StreamId, event: &E) {
        if let Some(room) = self.rooms.get(stream) {
            room.tell(event);
        }
    }

    /// How many watch a stream.
    pub(crate) fn counted(&self, stream: StreamId, viewers: u32) {
        if let Some(room) = self.rooms.get(stream) {
            room.counted(viewers);
        }
    }

    /// A message is gone.
    pub(crate) fn message_deleted(&self, stream: StreamId, id: String, seq: i64) {
        if let Some(room) = self.rooms.get(stream) {
            room.message_deleted(id, seq);
        }
    }

    /// Messages were stored. They are delivered in their turn, and what is missing before them is fetched.
    pub(crate) fn posted(self: &Arc<Self>, stream: StreamId, lines: impl IntoIterator<Item = Line>) {
        let Some(room) = self.rooms.get(stream) else {
            return;
        };
        if room.offer(lines) {
            let hub = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(GAP_PATIENCE).await;
                if room.complete().is_some_and(|(_, gap)| gap) {
                    hub.catch_up(&room).await;
                }
            });
        }
    }

    /// Fetches what was stored after the last message that is here.
    async fn catch_up(&self, room: &Arc<Room>) {
        let Ok(_fetching) = room.fetching.try_lock() else {
            return;
        };
        while let Some((complete, _)) = room.complete() {
            let context = CallContext::background(BACKGROUND);
            match self
                .list(room.id(), CATCH_UP, Start::AfterSeq(complete), &context)
                .await
            {
                Ok(page) => {
                    metrics::counter!("gateway_chat_fetches_total").increment(1);
                    room.offer(page.messages.iter().map(Line::from));
                    let advanced = room.complete().is_some_and(|(now, _)| now > complete);
                    if !page.truncated || !advanced {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, stream_id = room.id().0, "a room's messages could not be fetched");
                    return;
                }
            }
        }
    }

    /// Looks for messages that were stored but never announced.
    pub(crate) async fn poll_heads(self: &Arc<Self>) {
        let rooms: Vec<_> = self
            .rooms
            .all()
            .into_iter()
            .filter(|room| room.is_open() && room.has_members())
            .collect();
        for some in rooms.chunks(HEADS) {
            let context = CallContext::background(BACKGROUND);
            let request = HeadsRequest {
                stream_ids: some.iter().map(|room| room.id().0).collect(),
            };
            match self.peers.chat(&context).heads(request).await.answer() {
                Ok(answer) => {
                    for head in answer.heads {
                        self.head_heard(StreamId(head.stream_id), head.seq);
                    }
                }
                Err(error) => tracing::debug!(%error, "heads could not be asked"),
            }
        }
    }

    fn head_heard(self: &Arc<Self>, stream: StreamId, head: i64) {
        let Some(room) = self.rooms.get(stream) else {
            return;
        };
        if room.complete().is_some_and(|(complete, _)| complete < head) {
            let hub = self.clone();
            tokio::spawn(async move { hub.catch_up(&room).await });
        }
    }

    /// Asks for everything that may have been missed, room by room.
    pub(crate) async fn resync(self: &Arc<Self>) {
        let rooms = self.rooms.all().into_iter().filter(|room| room.is_open());
        futures::stream::iter(rooms)
            .for_each_concurrent(RESYNC_AT_ONCE, |room| async move {
                let context = CallContext::background(BACKGROUND);
                match self.ask(room.id(), &context).await {
                    Ok(now) => {
                        self.life_changed(&room, |life| life.asked(now.live, now.version));
                        room.counted(now.viewer_count);
                    }
                    Err(error) if error.kind == ErrorKind::NotFound => self.stream_deleted(room.id()),
                    Err(error) => tracing::debug!(%error, "a room could not be asked"),
                }
                self.catch_up(&room).await;
                self.look_for_deleted(&room).await;
            })
            .await;
    }

    /// Looks whether messages that are remembered were deleted meanwhile.
    async fn look_for_deleted(&self, room: &Arc<Room>) {
        let context = CallContext::background(BACKGROUND);
        match self.list(room.id(), MEMORY, Start::Page(1), &context).await {
            Ok(page) => page
                .messages
                .into_iter()
                .filter(|message| message.deleted)
                .for_each(|message| room.message_deleted(message.id, message.seq)),
            Err(error) => tracing::debug!(%error, "a room's deleted messages could not be asked"),
        }
    }

    /// Pushes a notice to all sockets of the users that it is for.
    pub(crate) fn notified(&self, notice: &UsersNotified) {
        for user in &notice.users {
            let sockets = self.of_user(domain::UserId(user.user_id));
            if sockets.is_empty() {
                continue;
            }
            let _span = tracing::info_span!("socket.new_notification", user_id = user.user_id).entered();
            let event = NewNotification {
                id: user.notification_id,
                r#type: notice.r#type.clone(),
                message: notice.message.clone(),
                related_entity_id: notice.related_entity_id,
                related_entity_type: notice.related_entity_type.clone(),
                created_at: datetime(notice.created_at.as_ref()),
            };
            sockets.iter().for_each(|socket| socket.emit(&event));
        }
    }

    /// Tells all tabs of a user what one of them has read.
    pub(crate) fn read(&self, read: &NotificationsRead) {
        let event = NotificationRead {
            ids: read.ids.clone(),
            all: read.all,
            unread_count: read.unread_count,
        };
        let sockets = self.of_user(domain::UserId(read.user_id));
        sockets.iter().for_each(|socket| socket.emit(&event));
    }

    /// Closes the sockets whose token was revoked.
    pub(crate) fn revoked(&self, revocation: &Revocation) {
        self.close_those(|user| revocation.refuses(user));
    }

    /// Closes all sockets whose token is revoked, when it is not known which news were missed.
    pub(crate) fn look_at_all(&self) {
        self.close_those(|user| self.verifier.is_revoked(user));
    }

    fn close_those(&self, refused: impl Fn(&identity::User) -> bool) {
        for connection in self.all() {
            if connection.session().is_some_and(|session| refused(&session.user)) {
                connection.expel();
            }
        }
    }
}

fn not_live() -> Error {
    Error::new(ErrorKind::Conflict, "stream.not_live", "Stream is not live.")
}
