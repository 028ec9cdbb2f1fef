//! The auth service, asked for all accounts when our copy is new.

use std::time::Duration;

use proto::auth::v1::SnapshotRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::{CallContext, Peer, error_from_status};

use crate::store::owners::Copied;

/// Accounts asked for at once.
pub const PAGE: u32 = 1000;
/// How long a page may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// The accounts after an id, in rising order; fewer than [`PAGE`] are the last.
///
/// # Errors
/// When auth cannot answer.
pub async fn snapshot_page(auth: &Peer, after: i64) -> Result<Vec<Copied>, primitives::Error> {
    let mut client = AuthServiceClient::new(auth.with(&CallContext::background(DEADLINE)));
    let request = SnapshotRequest {
        after_user_id: after,
        limit: PAGE,
    };
    let answer = client
        .snapshot(request)
        .await
        .map_err(|status| error_from_status(&status))?;
    let owners = answer.into_inner().owners.into_iter();
    Ok(owners
        .map(|owner| Copied {
            id: owner.id,
            username: owner.username,
            display_name: owner.display_name,
            banned: owner.banned,
            version: owner.version,
        })
        .collect())
}
