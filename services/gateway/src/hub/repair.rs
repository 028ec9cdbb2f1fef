//! Finds what no realtime message announced: messages whose announcement was lost, and everything that
//! happened while the broker was unavailable.

use std::sync::Arc;

use futures::StreamExt;
use primitives::{ErrorKind, StreamId};
use proto::CallContext;
use proto::chat::v1::list_messages_request::From as Start;

use crate::hub::delivery::Delivery;
use crate::hub::membership::Membership;
use crate::hub::room::{MEMORY, Room};
use crate::hub::rooms::Rooms;
use crate::hub::upstream::{CALL_TIMEOUT, Upstream};

/// Rooms per request for latest sequence numbers.
const ROOMS_PER_CALL: usize = 500;
const CONCURRENT_RESYNCS: usize = 8;

pub(crate) struct Repair {
    rooms: Arc<Rooms>,
    membership: Arc<Membership>,
    delivery: Arc<Delivery>,
    upstream: Upstream,
}

impl Repair {
    pub(super) fn new(
        rooms: &Arc<Rooms>,
        membership: &Arc<Membership>,
        delivery: &Arc<Delivery>,
        upstream: &Upstream,
    ) -> Self {
        Self {
            rooms: rooms.clone(),
            membership: membership.clone(),
            delivery: delivery.clone(),
            upstream: upstream.clone(),
        }
    }

    /// Compares all rooms with their latest sequence numbers, and fetches messages that are missing.
    pub(crate) async fn poll(&self) {
        let mut rooms = self.rooms.all();
        rooms.retain(|room| room.is_open() && room.has_members());
        for chunk in rooms.chunks(ROOMS_PER_CALL) {
            let context = CallContext::background(CALL_TIMEOUT);
            let ids = chunk.iter().map(|room| room.id().0).collect();
            match self.upstream.latest_seqs(ids, &context).await {
                Ok(latest) => latest
                    .into_iter()
                    .for_each(|(stream, seq)| self.compare(stream, seq)),
                Err(error) => tracing::debug!(%error, "cannot fetch latest sequence numbers"),
            }
        }
    }

    fn compare(&self, stream: StreamId, latest: i64) {
        let Some(room) = self.rooms.get(stream) else {
            return;
        };
        if room.progress().is_some_and(|(complete, _)| complete < latest) {
            let delivery = self.delivery.clone();
            tokio::spawn(async move { delivery.fetch_missing(&room).await });
        }
    }

    /// Fetches everything that the rooms may have missed while the broker was unavailable.
    pub(crate) async fn resync(&self) {
        let rooms = self.rooms.all().into_iter().filter(|room| room.is_open());
        futures::stream::iter(rooms)
            .for_each_concurrent(CONCURRENT_RESYNCS, |room| async move {
                let context = CallContext::background(CALL_TIMEOUT);
                match self.upstream.room(room.id(), &context).await {
                    Ok(now) => {
                        self.membership
                            .update_live(&room, |state| state.apply_answer(now.live, now.version));
                        room.set_viewer_count(now.viewer_count);
                    }
                    Err(error) if error.kind == ErrorKind::NotFound => {
                        self.membership.stream_deleted(room.id());
                    }
                    Err(error) => tracing::debug!(%error, "cannot fetch the state of a room"),
                }
                self.delivery.fetch_missing(&room).await;
                self.find_deleted(&room).await;
            })
            .await;
    }

    /// Finds remembered messages that were deleted meanwhile.
    async fn find_deleted(&self, room: &Arc<Room>) {
        let context = CallContext::background(CALL_TIMEOUT);
        let page = self
            .upstream
            .messages(room.id(), MEMORY, Start::Page(1), &context);
        match page.await {
            Ok(page) => page
                .messages
                .into_iter()
                .filter(|message| message.deleted)
                .for_each(|message| room.delete_message(message.id, message.seq)),
            Err(error) => tracing::debug!(%error, "cannot fetch the deleted messages of a room"),
        }
    }
}
