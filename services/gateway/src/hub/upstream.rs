//! The calls that the hub makes to the stream and chat services.

use std::time::Duration;

use primitives::{Error, ErrorKind, StreamId};
use proto::CallContext;
use proto::chat::v1::list_messages_request::From as Start;
use proto::chat::v1::{HeadsRequest, ListMessagesRequest, ListMessagesResponse};
use proto::stream::v1::{
    GetRoomRequest, GetRoomResponse, ReleaseViewersRequest, RenewViewersRequest, ViewerLease,
};

use crate::domain::sequence::History;
use crate::event::ChatMessage;
use crate::outbound::peers::{Answer, Peers};

/// The deadline of calls that no client waits for.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub(super) struct Upstream {
    peers: Peers,
}

impl Upstream {
    pub(super) fn new(peers: Peers) -> Self {
        Self { peers }
    }

    /// Returns a stream's live state and viewer count.
    pub(super) async fn room(
        &self,
        stream: StreamId,
        context: &CallContext,
    ) -> Result<GetRoomResponse, Error> {
        let request = GetRoomRequest { stream_id: stream.0 };
        let room = self.peers.stream(context).get_room(request).await.answer();
        room.map_err(|error| match error.kind {
            ErrorKind::NotFound => Error::new(ErrorKind::NotFound, "stream.not_found", "Stream not found."),
            _ => error,
        })
    }

    pub(super) async fn messages(
        &self,
        stream: StreamId,
        limit: usize,
        from: Start,
        context: &CallContext,
    ) -> Result<ListMessagesResponse, Error> {
        let request = ListMessagesRequest {
            stream_id: stream.0,
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
            from: Some(from),
        };
        self.peers.chat(context).list_messages(request).await.answer()
    }

    /// Returns up to `limit` messages after a sequence number.
    pub(super) async fn messages_after(
        &self,
        stream: StreamId,
        mut after: i64,
        limit: usize,
        context: &CallContext,
    ) -> Result<History<ChatMessage>, Error> {
        loop {
            let page = self
                .messages(stream, limit, Start::AfterSeq(after), context)
                .await?;
            match page.messages.last() {
                // Clients see no tombstones, so such a page would not tell them how far it reaches.
                Some(last) if page.truncated && page.messages.iter().all(|message| message.deleted) => {
                    after = last.seq;
                }
                _ => {
                    return Ok(History {
                        messages: page.messages.iter().map(ChatMessage::from).collect(),
                        truncated: page.truncated,
                    });
                }
            }
        }
    }

    /// Returns the latest sequence number of each room.
    pub(super) async fn latest_seqs(
        &self,
        stream_ids: Vec<i64>,
        context: &CallContext,
    ) -> Result<Vec<(StreamId, i64)>, Error> {
        let request = HeadsRequest { stream_ids };
        let answer = self.peers.chat(context).heads(request).await.answer()?;
        let heads = answer.heads.into_iter();
        Ok(heads.map(|head| (StreamId(head.stream_id), head.seq)).collect())
    }

    pub(super) async fn renew_viewers(
        &self,
        gateway: String,
        leases: Vec<ViewerLease>,
        context: &CallContext,
    ) -> Result<(), Error> {
        let request = RenewViewersRequest { gateway, leases };
        let renewed = self.peers.stream(context).renew_viewers(request).await;
        renewed.answer().map(|_| ())
    }

    pub(super) async fn release_viewers(
        &self,
        gateway: String,
        leases: Vec<ViewerLease>,
        context: &CallContext,
    ) -> Result<(), Error> {
        let request = ReleaseViewersRequest { gateway, leases };
        let released = self.peers.stream(context).release_viewers(request).await;
        released.answer().map(|_| ())
    }
}
