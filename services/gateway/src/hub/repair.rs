//! How rooms find what they were not told: messages that did not arrive, and all that happened while the
//! broker was away.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use primitives::{ErrorKind, StreamId};
use proto::CallContext;
use proto::chat::v1::HeadsRequest;
use proto::chat::v1::list_messages_request::From as Start;

use crate::hub::Hub;
use crate::hub::line::Line;
use crate::hub::room::{CATCH_UP, MEMORY, Room};
use crate::outbound::peers::Answer;

/// How long a question that nobody waits for may take.
const BACKGROUND: Duration = Duration::from_secs(3);
/// Rooms in one question for heads.
const HEADS: usize = 500;
/// Rooms that ask at once after a reconnection.
const RESYNC_AT_ONCE: usize = 8;

impl Hub {
    /// Fetches what was stored after the last message that is here.
    pub(super) async fn catch_up(&self, room: &Arc<Room>) {
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
}
