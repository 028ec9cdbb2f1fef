//! Calls of the stream service, which owns the streams.

use std::time::Duration;

use primitives::{ErrorKind, StreamId, UserId};
use proto::stream::v1::GetRoomRequest;
use proto::stream::v1::stream_service_client::StreamServiceClient;
use proto::{CallContext, Peer, error_from_status};

use crate::domain::ChatRoom;
use crate::error::Result;

const TIMEOUT: Duration = Duration::from_secs(1);

/// Returns a stream's room and its version, or `None` if the stream does not exist.
pub async fn room(streams: &Peer, stream: StreamId) -> Result<Option<(ChatRoom, i64)>> {
    let mut client = StreamServiceClient::new(streams.with(&CallContext::background(TIMEOUT)));
    match client.get_room(GetRoomRequest { stream_id: stream.0 }).await {
        Ok(response) => {
            let response = response.into_inner();
            let room = ChatRoom::Existing {
                owner: UserId(response.owner_id),
                live: response.live,
            };
            Ok(Some((room, response.version)))
        }
        Err(status) => match error_from_status(&status) {
            error if error.kind == ErrorKind::NotFound => Ok(None),
            error => Err(error.into()),
        },
    }
}
