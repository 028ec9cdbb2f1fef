//! The auth service, whose snapshot fills a new copy of owners.

use std::time::Duration;

use proto::auth::v1::SnapshotRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::{CallContext, Peer, error_from_status};

use crate::store::owners::OwnerSnapshot;

pub const PAGE_SIZE: u32 = 1000;
const DEADLINE: Duration = Duration::from_secs(5);

/// Returns the users after an id, ordered by id. The last page has fewer than [`PAGE_SIZE`].
pub async fn snapshot_page(auth: &Peer, after: i64) -> Result<Vec<OwnerSnapshot>, primitives::Error> {
    let mut client = AuthServiceClient::new(auth.with(&CallContext::background(DEADLINE)));
    let request = SnapshotRequest {
        after_user_id: after,
        limit: PAGE_SIZE,
    };
    let response = client
        .snapshot(request)
        .await
        .map_err(|status| error_from_status(&status))?;
    let owners = response.into_inner().owners.into_iter();
    Ok(owners
        .map(|owner| OwnerSnapshot {
            id: owner.id,
            username: owner.username,
            display_name: owner.display_name,
            banned: owner.banned,
            version: owner.version,
        })
        .collect())
}
