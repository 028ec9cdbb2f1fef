//! The auth service, which knows who follows whom.

use std::time::Duration;

use primitives::UserId;
use proto::auth::v1::FollowerPageRequest;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::{CallContext, Peer, error_from_status};

use crate::domain::Page;
use crate::error::Result;

/// How long a page of followers may take.
const DEADLINE: Duration = Duration::from_secs(3);

/// The page of a user's followers after one of them.
///
/// # Errors
/// The auth service's.
pub async fn follower_page(auth: &Peer, user: UserId, after: i64, limit: u32) -> Result<Page> {
    let mut client = AuthServiceClient::new(auth.with(&CallContext::background(DEADLINE)));
    let request = FollowerPageRequest {
        user_id: user.0,
        after_follower_id: after,
        limit,
    };
    let answer = client
        .follower_page(request)
        .await
        .map_err(|status| error_from_status(&status))?
        .into_inner();
    Ok(Page {
        users: answer.follower_ids.into_iter().map(UserId).collect(),
        has_more: answer.has_more,
    })
}
