//! Calls to the stream and auth services.

use std::time::Duration;

use primitives::{BroadcastId, CategoryId, StreamId, UserId};
use proto::auth::v1::SnapshotRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::stream::v1::stream_service_client::StreamServiceClient;
use proto::stream::v1::{CategorySnapshotRequest, ResolveRecordingRequest};
use proto::{CallContext, Peer, error_from_status};

use crate::error::Result;
use crate::store::copies::{Category, Owner};
use crate::store::recordings::NewRecording;
use primitives::RecordingName;

const DEADLINE: Duration = Duration::from_secs(5);
/// Users per response.
pub const SNAPSHOT_PAGE: u32 = 1000;

/// RecordingOwner a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordingOwner {
    /// The stream service does not know the file.
    Unknown,
    /// The publish is still writing the file.
    OnAir,
    Finished(Box<NewRecording>),
}

/// Asks the stream service for the owner of a file on the disk of a node.
pub async fn recording_owner(stream: &Peer, node: &str, file: &RecordingName) -> Result<RecordingOwner> {
    let mut client = StreamServiceClient::new(stream.with(&CallContext::background(DEADLINE)));
    let request = ResolveRecordingRequest {
        node: node.to_owned(),
        file_name: file.as_str().to_owned(),
    };
    let answer = client
        .resolve_recording(request)
        .await
        .map_err(|status| error_from_status(&status))?;
    let Some(owner) = answer.into_inner().owner else {
        return Ok(RecordingOwner::Unknown);
    };
    if owner.on_air {
        return Ok(RecordingOwner::OnAir);
    }
    Ok(RecordingOwner::Finished(Box::new(NewRecording {
        node: node.to_owned(),
        file: file.clone(),
        broadcast: BroadcastId::try_from(owner.broadcast_id).ok(),
        stream: StreamId(owner.stream_id),
        user: UserId(owner.user_id),
        title: owner.title,
        description: owner.description,
        category: owner.category_id.map(CategoryId),
        key_fingerprint: owner.key_fingerprint,
    })))
}

/// Returns the next users after an id, in ascending order. Fewer than [`SNAPSHOT_PAGE`] users are the last
/// page.
pub async fn owners_after(auth: &Peer, after_user_id: i64) -> Result<Vec<Owner>> {
    let mut client = AuthServiceClient::new(auth.with(&CallContext::background(DEADLINE)));
    let request = SnapshotRequest {
        after_user_id,
        limit: SNAPSHOT_PAGE,
    };
    let answer = client
        .snapshot(request)
        .await
        .map_err(|status| error_from_status(&status))?;
    let owner = |owner: proto::auth::v1::Owner| Owner {
        id: owner.id,
        username: owner.username,
        display_name: owner.display_name,
        version: owner.version,
    };
    Ok(answer.into_inner().owners.into_iter().map(owner).collect())
}

pub async fn categories(stream: &Peer) -> Result<Vec<Category>> {
    let mut client = StreamServiceClient::new(stream.with(&CallContext::background(DEADLINE)));
    let answer = client
        .category_snapshot(CategorySnapshotRequest {})
        .await
        .map_err(|status| error_from_status(&status))?;
    let category = |copy: proto::stream::v1::CategoryCopy| Category {
        id: copy.id,
        name: copy.name,
        slug: copy.slug,
        tags: copy.tags,
        version: copy.version,
    };
    Ok(answer.into_inner().categories.into_iter().map(category).collect())
}
