//! The way of a message into its room, and how a gap before it is filled.

use std::sync::Arc;
use std::time::Duration;

use primitives::StreamId;
use proto::CallContext;
use proto::chat::v1::list_messages_request::From as Start;

use crate::event::ChatMessage;
use crate::hub::room::{HISTORY_LIMIT, Room};
use crate::hub::rooms::Rooms;
use crate::hub::upstream::{CALL_TIMEOUT, Upstream};

/// How long a missing message may take to arrive before it is fetched: messages often overtake each other.
const GAP_TIMEOUT: Duration = Duration::from_millis(30);

pub(crate) struct Delivery {
    rooms: Arc<Rooms>,
    upstream: Upstream,
}

impl Delivery {
    pub(super) fn new(rooms: &Arc<Rooms>, upstream: &Upstream) -> Self {
        Self {
            rooms: rooms.clone(),
            upstream: upstream.clone(),
        }
    }

    /// Delivers stored messages in order, and fetches messages that are missing before them.
    pub(crate) fn deliver(
        self: &Arc<Self>,
        stream: StreamId,
        messages: impl IntoIterator<Item = ChatMessage>,
    ) {
        let Some(room) = self.rooms.get(stream) else {
            return;
        };
        if room.accept(messages) {
            let this = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(GAP_TIMEOUT).await;
                if room.progress().is_some_and(|(_, has_gap)| has_gap) {
                    this.fetch_missing(&room).await;
                }
            });
        }
    }

    /// Fetches the messages after the last delivered one.
    pub(super) async fn fetch_missing(&self, room: &Arc<Room>) {
        let Ok(_fetching) = room.fetching.try_lock() else {
            return;
        };
        while let Some((complete, _)) = room.progress() {
            let context = CallContext::background(CALL_TIMEOUT);
            let start = Start::AfterSeq(complete);
            let page = self.upstream.messages(room.id(), HISTORY_LIMIT, start, &context);
            match page.await {
                Ok(page) => {
                    metrics::counter!("gateway_chat_fetches_total").increment(1);
                    room.accept(page.messages.iter().map(ChatMessage::from));
                    let advanced = room.progress().is_some_and(|(now, _)| now > complete);
                    if !page.truncated || !advanced {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, stream_id = room.id().0, "cannot fetch missing messages");
                    return;
                }
            }
        }
    }
}
