//! Calls of the auth service, which owns the follows.

use std::time::Duration;

use primitives::UserId;
use proto::auth::v1::FollowerPageRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::{CallContext, Peer, error_from_status};

use crate::domain::FollowerPage;
use crate::error::Result;

const TIMEOUT: Duration = Duration::from_secs(3);

/// Returns up to `limit` followers of a user whose ids are greater than `after`.
pub async fn follower_page(auth: &Peer, user: UserId, after: i64, limit: u32) -> Result<FollowerPage> {
    let mut client = AuthServiceClient::new(auth.with(&CallContext::background(TIMEOUT)));
    let request = FollowerPageRequest {
        user_id: user.0,
        after_follower_id: after,
        limit,
    };
    let response = client
        .follower_page(request)
        .await
        .map_err(|status| error_from_status(&status))?
        .into_inner();
    Ok(FollowerPage {
        users: response.follower_ids.into_iter().map(UserId).collect(),
        has_more: response.has_more,
    })
}
