//! Calls of the auth service, which owns the follows.

use std::time::Duration;

use primitives::UserId;
use proto::auth::v1::CheckFollowRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::{CallContext, Peer, error_from_status};

use crate::error::Result;

const TIMEOUT: Duration = Duration::from_secs(1);

pub async fn check_follow(auth: &Peer, follower: UserId, following: UserId) -> Result<bool> {
    let mut client = AuthServiceClient::new(auth.with(&CallContext::background(TIMEOUT)));
    let request = CheckFollowRequest {
        follower_id: follower.0,
        following_id: following.0,
    };
    match client.check_follow(request).await {
        Ok(response) => Ok(response.into_inner().following),
        Err(status) => Err(error_from_status(&status).into()),
    }
}
