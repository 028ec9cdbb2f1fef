//! Administration of accounts.

use primitives::{Clock, Error, Role as Rank};
use proto::auth::v1::{
    Account, BanRequest, FollowingIdsRequest, ListAccountsRequest, Role, SessionResponse, SetRoleRequest,
    UnbanRequest,
};
use proto::events::v1::event::Payload;
use stack::eventually;

use crate::world::{PASSWORD, Replica, TIMEOUT, World, code, result, user};

impl Replica {
    /// Registers a user, grants the admin role and signs in.
    async fn admin(&self, name: &str) -> SessionResponse {
        self.register(name).await;
        let now = Clock::system().now();
        self.store.user_grant(name, Rank::Admin, now).await.unwrap();
        self.login(name, PASSWORD).await.unwrap()
    }

    async fn set_role(&self, token: &str, user_id: i64, role: i32) -> Result<Account, Error> {
        let request = SetRoleRequest { user_id, role };
        result(self.call(Some(token)).set_role(request).await).map(|answer| answer.account.unwrap())
    }

    async fn ban(&self, token: &str, user_id: i64, reason: &str) -> Result<Account, Error> {
        let reason = reason.to_owned();
        let request = BanRequest { user_id, reason };
        result(self.call(Some(token)).ban(request).await).map(|answer| answer.account.unwrap())
    }

    async fn unban(&self, token: &str, user_id: i64) -> Result<Account, Error> {
        let answer = self.call(Some(token)).unban(UnbanRequest { user_id }).await;
        result(answer).map(|answer| answer.account.unwrap())
    }

    async fn names(&self, token: &str, request: ListAccountsRequest) -> Result<Vec<String>, Error> {
        let answer = result(self.call(Some(token)).list_accounts(request).await)?;
        let users = answer.accounts.into_iter().map(|account| account.user.unwrap());
        Ok(users.map(|user| user.username).collect())
    }
}

#[tokio::test]
async fn ban_blocks_sign_in_until_lifted() {
    let world = World::new().await;
    let replica = world.replica().await;
    let root = replica.admin("boss").await;
    let anna = replica.register("anna").await;
    let id = user(&anna).id;
    let mut events = world.listen(&["user.banned", "user.unbanned"]).await;
    let banned = replica.ban(&root.access_token, id, "spam").await.unwrap();
    assert!(banned.banned_at.is_some() && banned.ban_reason == "spam");
    let Payload::UserBanned(event) = events.next().await else {
        panic!()
    };
    assert_eq!((event.user_id, event.reason.as_str()), (id, "spam"));
    assert_eq!(code(replica.login("anna", PASSWORD).await), "auth.banned");
    assert_eq!(
        code(replica.refresh(&anna.refresh_token).await),
        "auth.refresh_token_invalid"
    );
    eventually(TIMEOUT, "the token to be refused", async || {
        code(replica.me(&anna.access_token).await) == "auth.token_invalid"
    })
    .await
    .unwrap();

    let lifted = replica.unban(&root.access_token, id).await.unwrap();
    assert!(lifted.banned_at.is_none() && lifted.ban_reason.is_empty());
    let Payload::UserUnbanned(event) = events.next().await else {
        panic!()
    };
    assert_eq!(event.user_id, id);
    replica.login("anna", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn administration_requires_the_admin_role() {
    let world = World::new().await;
    let replica = world.replica().await;
    let root = replica.admin("boss").await;
    let anna = replica.register("anna").await;
    let (root_id, anna_id) = (user(&root).id, user(&anna).id);
    let token = &anna.access_token;
    let admin = Role::Admin.into();
    assert_eq!(
        code(replica.set_role(token, anna_id, admin).await),
        "auth.admin_only"
    );
    assert_eq!(code(replica.ban(token, root_id, "").await), "auth.admin_only");
    assert_eq!(code(replica.unban(token, root_id).await), "auth.admin_only");
    assert_eq!(
        code(replica.names(token, ListAccountsRequest::default()).await),
        "auth.admin_only"
    );

    let token = &root.access_token;
    assert_eq!(code(replica.ban(token, root_id, "").await), "user.is_admin");
    assert_eq!(
        code(replica.set_role(token, root_id, Role::User.into()).await),
        "user.last_admin"
    );
    assert_eq!(
        code(replica.set_role(token, anna_id, 99).await),
        "request.invalid"
    );
    assert_eq!(code(replica.set_role(token, anna_id, 0).await), "request.invalid");
    assert_eq!(code(replica.set_role(token, 999, admin).await), "user.not_found");
    assert_eq!(
        code(replica.ban(token, anna_id, &"x".repeat(501)).await),
        "request.invalid"
    );

    replica.set_role(token, anna_id, admin).await.unwrap();
    eventually(TIMEOUT, "the old token to be refused", async || {
        code(replica.me(&anna.access_token).await) == "auth.token_invalid"
    })
    .await
    .unwrap();
    let renewed = replica.refresh(&anna.refresh_token).await.unwrap();
    assert_eq!(user(&renewed).role(), Role::Admin);
    let lowered = replica
        .set_role(&renewed.access_token, root_id, Role::Moderator.into())
        .await;
    assert_eq!(lowered.unwrap().user.unwrap().role(), Role::Moderator);
    // Rejected with or without the revocation: the role is read from the table.
    let refused = code(replica.unban(&root.access_token, anna_id).await);
    assert!(
        ["auth.admin_only", "auth.token_invalid"].contains(&refused.as_str()),
        "{refused}"
    );
}

#[tokio::test]
async fn accounts_are_filtered_by_name_role_and_ban() {
    let world = World::new().await;
    let replica = world.replica().await;
    let root = replica.admin("boss").await;
    for name in ["ann_a", "annb", "Carl"] {
        replica.register(name).await;
    }
    let token = &root.access_token;
    let all = ListAccountsRequest::default;
    assert_eq!(
        replica.names(token, all()).await.unwrap(),
        ["Carl", "annb", "ann_a", "boss"]
    );
    let prefix = |text: &str| ListAccountsRequest {
        prefix: Some(text.to_owned()),
        ..all()
    };
    assert_eq!(
        replica.names(token, prefix("ANN")).await.unwrap(),
        ["annb", "ann_a"]
    );
    assert_eq!(replica.names(token, prefix("ann_")).await.unwrap(), ["ann_a"]);
    assert_eq!(code(replica.names(token, prefix("%")).await), "request.invalid");
    let admins = ListAccountsRequest {
        role: Role::Admin.into(),
        ..all()
    };
    assert_eq!(replica.names(token, admins).await.unwrap(), ["boss"]);
    let carl = replica.login("carl", PASSWORD).await.unwrap();
    replica.ban(token, user(&carl).id, "").await.unwrap();
    let banned = ListAccountsRequest {
        banned: Some(true),
        ..all()
    };
    assert_eq!(replica.names(token, banned).await.unwrap(), ["Carl"]);
}

#[tokio::test]
async fn following_ids_are_newest_first() {
    let world = World::new().await;
    let replica = world.replica().await;
    let anna = replica.register("anna").await;
    let mut others = Vec::new();
    for name in ["bob", "carl"] {
        let other = user(&replica.register(name).await).id;
        replica.follow(&anna.access_token, other).await.unwrap();
        others.insert(0, other);
    }
    let mut client = replica.call(Some(&anna.access_token));
    let ids = result(client.following_ids(FollowingIdsRequest {}).await).unwrap();
    assert_eq!(ids.user_ids, others);
}
