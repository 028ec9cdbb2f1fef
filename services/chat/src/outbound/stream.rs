//! The stream service, asked about a room when our copy does not say that it is live.

use std::time::Duration;

use primitives::{ErrorKind, StreamId, UserId};
use proto::stream::v1::GetRoomRequest;
use proto::stream::v1::stream_service_client::StreamServiceClient;
use proto::{CallContext, Peer, error_from_status};

use crate::error::Result;
use crate::store::rooms::Room;

/// How long the answer may take.
const DEADLINE: Duration = Duration::from_secs(1);

/// What the stream service knows of a stream, with the version of that knowledge; `None` when there is no
/// such stream.
///
/// # Errors
/// The stream service's.
pub async fn room(streams: &Peer, stream: StreamId) -> Result<Option<(Room, i64)>> {
    let mut client = StreamServiceClient::new(streams.with(&CallContext::background(DEADLINE)));
    match client.get_room(GetRoomRequest { stream_id: stream.0 }).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            Ok(Some((
                Room::Known {
                    owner: UserId(answer.owner_id),
                    live: answer.live,
                },
                answer.version,
            )))
        }
        Err(status) => match error_from_status(&status) {
            error if error.kind == ErrorKind::NotFound => Ok(None),
            error => Err(error.into()),
        },
    }
}
