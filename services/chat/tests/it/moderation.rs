//! Moderators, bans and the moderation log.

use std::time::Duration;

use identity::ServiceName;
use primitives::Role;
use proto::auth::v1::Role as RoleMessage;
use proto::error_from_status;
use proto::events::v1::realtime::Message as Realtime;
use tonic::{Code, Status};

use crate::world::{Client, LIVE, OWNER, Replica, TIMEOUT, World};

const VIEWER: i64 = 5;
const MODERATOR: i64 = 6;
const SITE_MODERATOR: i64 = 8;
const ADMIN: i64 = 9;
/// Within a second every replica sees a change; the rest is tolerance for timers.
const CACHE_EXPIRY: Duration = Duration::from_millis(1050);

struct Cast {
    world: World,
    replica: Replica,
    viewer: Client,
    moderator: Client,
    site_moderator: Client,
    owner: Client,
    admin: Client,
}

impl Cast {
    async fn new() -> Self {
        let world = World::new().await;
        let replica = world.fast_replica().await;
        let client = |user, role| world.client(&replica, user, role);
        let (viewer, moderator) = (client(VIEWER, Role::User), client(MODERATOR, Role::User));
        let site_moderator = client(SITE_MODERATOR, Role::Moderator);
        let (owner, admin) = (client(OWNER, Role::User), client(ADMIN, Role::Admin));
        owner.add_moderator(MODERATOR).await.unwrap();
        Self {
            world,
            replica,
            viewer,
            moderator,
            site_moderator,
            owner,
            admin,
        }
    }
}

fn code<T>(outcome: Result<T, Status>) -> Option<String> {
    outcome
        .err()
        .map(|status| error_from_status(&status).code.into_owned())
}

#[tokio::test]
async fn only_moderators_moderate() {
    let cast = Cast::new().await;
    for (client, moderates, manages) in [
        (&cast.viewer, false, false),
        (&cast.moderator, true, false),
        (&cast.site_moderator, true, false),
        (&cast.owner, true, true),
        (&cast.admin, true, true),
    ] {
        let error_unless = |may: bool| (!may).then(|| "chat.not_allowed".to_owned());
        assert_eq!(code(client.ban(20, None).await), error_unless(moderates));
        assert_eq!(code(client.bans().await), error_unless(moderates));
        assert_eq!(code(client.unban(20).await), error_unless(moderates));
        assert_eq!(code(client.moderators().await), error_unless(moderates));
        assert_eq!(code(client.log().await), error_unless(moderates));
        assert_eq!(
            code(client.update_settings(Some(0), None, None).await),
            error_unless(moderates)
        );
        assert_eq!(code(client.add_moderator(21).await), error_unless(manages));
        if manages {
            client.remove_moderator(21).await.unwrap();
        }
        assert_eq!(
            code(client.remove_moderator(22).await).unwrap(),
            if manages {
                "chat.not_moderator"
            } else {
                "chat.not_allowed"
            }
        );
        let message = cast.viewer.send("x").await.unwrap();
        let own = std::ptr::eq(client, &cast.viewer);
        assert_eq!(
            code(client.delete(&message.id).await),
            error_unless(moderates || own)
        );
    }
    assert_eq!(code(cast.owner.unban(20).await).unwrap(), "chat.not_banned");
    assert_eq!(cast.owner.moderators().await.unwrap(), [MODERATOR]);
    let guest = cast.world.client_with(&cast.replica, ServiceName::Gateway, None);
    assert_eq!(
        guest.ban(20, None).await.unwrap_err().code(),
        Code::Unauthenticated
    );
    assert_eq!(guest.log().await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(
        cast.owner.add_moderator(OWNER).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    // A moderator of one room is a viewer in another.
    cast.world.peers.stream.set_room(30, VIEWER, true, 1);
    let message = cast.viewer.send_in(30, "own", None).await.unwrap();
    let request = proto::chat::v1::DeleteMessageRequest {
        stream_id: 30,
        id: message.id,
    };
    let error = cast.moderator.rpc.clone().delete_message(request).await;
    assert_eq!(code(error).unwrap(), "chat.not_allowed");
}

#[tokio::test]
async fn only_lower_ranks_can_be_banned() {
    let cast = Cast::new().await;
    let protected = Some("chat.user_protected".to_owned());
    for (by, user, role, expected) in [
        (&cast.moderator, OWNER, RoleMessage::User, &protected),
        (&cast.moderator, ADMIN, RoleMessage::Admin, &protected),
        (
            &cast.moderator,
            SITE_MODERATOR,
            RoleMessage::Moderator,
            &protected,
        ),
        (&cast.moderator, MODERATOR, RoleMessage::User, &protected),
        (&cast.site_moderator, MODERATOR, RoleMessage::User, &protected),
        (&cast.owner, OWNER, RoleMessage::User, &protected),
        (&cast.owner, ADMIN, RoleMessage::Admin, &protected),
        (&cast.admin, OWNER, RoleMessage::User, &protected),
        (&cast.admin, ADMIN, RoleMessage::Admin, &protected),
        (&cast.moderator, VIEWER, RoleMessage::User, &None),
        (&cast.owner, SITE_MODERATOR, RoleMessage::Moderator, &None),
        (&cast.admin, MODERATOR, RoleMessage::User, &None),
    ] {
        assert_eq!(
            &code(by.ban_with_role(user, role, None).await),
            expected,
            "{user}"
        );
    }
    // A banned moderator can neither send, nor moderate, nor lift their own ban.
    for client in [&cast.moderator, &cast.site_moderator] {
        assert_eq!(code(client.send("x").await).unwrap(), "chat.banned");
        assert_eq!(code(client.unban(MODERATOR).await).unwrap(), "chat.not_allowed");
    }
    // A user who became an admin after a ban can send.
    cast.owner.ban(ADMIN, None).await.unwrap();
    cast.admin.send("still here").await.unwrap();
}

#[tokio::test]
async fn invalid_bans_are_rejected() {
    let cast = Cast::new().await;
    for (user, seconds, role) in [
        (0, None, RoleMessage::User),
        (-1, None, RoleMessage::User),
        (20, Some(0), RoleMessage::User),
        (20, Some(31_536_001), RoleMessage::User),
        (20, None, RoleMessage::Unspecified),
    ] {
        let error = cast.owner.ban_with_role(user, role, seconds).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{user} {seconds:?} {role:?}");
    }
    let request = proto::chat::v1::BanUserRequest {
        stream_id: LIVE,
        user_id: 20,
        role: 99,
        ..Default::default()
    };
    let error = cast.owner.rpc.clone().ban_user(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let request = proto::chat::v1::BanUserRequest {
        stream_id: 99,
        user_id: 20,
        role: 1,
        ..Default::default()
    };
    let error = cast.owner.rpc.clone().ban_user(request).await;
    assert_eq!(code(error).unwrap(), "stream.not_found");
}

/// A ban is published, applies on every replica within a second, and ends by itself or when it is lifted.
#[tokio::test]
async fn bans_apply_everywhere_and_timeouts_end() {
    let cast = Cast::new().await;
    let other = cast.world.fast_replica().await;
    let elsewhere = cast.world.client(&other, VIEWER, Role::User);
    // The other replica has cached the user's entries.
    for text in ["before", "and again"] {
        elsewhere.send(text).await.unwrap();
    }
    cast.moderator.ban(VIEWER, None).await.unwrap();
    assert_eq!(code(cast.viewer.send("x").await).unwrap(), "chat.banned");
    tokio::time::sleep(CACHE_EXPIRY).await;
    assert_eq!(code(elsewhere.send("x").await).unwrap(), "chat.banned");
    let banned = |m: &Realtime| match m {
        Realtime::ChatUserBanned(banned) => Some((banned.user_id, banned.expires_at.is_some())),
        _ => None,
    };
    assert_eq!(
        cast.world.received.first("the ban", banned).await,
        (VIEWER, false)
    );
    // The user can read, and send in other rooms.
    assert!(!cast.viewer.list(10, None).await.messages.is_empty());
    cast.world.peers.stream.set_room(30, 40, true, 1);
    cast.viewer.send_in(30, "elsewhere", None).await.unwrap();
    assert_eq!(cast.owner.bans().await.unwrap(), [VIEWER]);

    // A timeout replaces the ban, and ends.
    let ban = cast.moderator.ban(VIEWER, Some(2)).await.unwrap();
    assert!(ban.expires_at.is_some());
    let error = error_from_status(&cast.viewer.send("x").await.unwrap_err());
    assert!(error.retry_after.is_some());
    stack::eventually(TIMEOUT, "the end of the timeout", async || {
        cast.viewer.send("again").await
    })
    .await
    .unwrap();
    assert!(cast.owner.bans().await.unwrap().is_empty());

    cast.moderator.ban(VIEWER, None).await.unwrap();
    tokio::time::sleep(CACHE_EXPIRY).await;
    assert_eq!(code(elsewhere.send("x").await).unwrap(), "chat.banned");
    cast.moderator.unban(VIEWER).await.unwrap();
    cast.viewer.send("and again").await.unwrap();
    tokio::time::sleep(CACHE_EXPIRY).await;
    elsewhere.send("and here").await.unwrap();
}

#[tokio::test]
async fn log_records_every_action() {
    let cast = Cast::new().await;
    let message = cast.viewer.send("bad").await.unwrap();
    let own = cast.moderator.send("own").await.unwrap();
    for _ in 0..2 {
        cast.moderator.delete(&message.id).await.unwrap();
    }
    cast.moderator.delete(&own.id).await.unwrap();
    cast.moderator.ban(VIEWER, Some(60)).await.unwrap();
    cast.owner.ban(VIEWER, None).await.unwrap();
    cast.site_moderator.unban(VIEWER).await.unwrap();
    cast.admin.slow_mode(0).await;
    cast.owner.remove_moderator(MODERATOR).await.unwrap();
    let log = cast.owner.log().await.unwrap();
    let entries: Vec<_> = log
        .iter()
        .map(|entry| {
            (
                entry.action.as_str(),
                entry.actor_id,
                entry.user_id,
                entry.seconds,
            )
        })
        .collect();
    assert_eq!(
        entries,
        [
            ("moderator_removed", OWNER, Some(MODERATOR), None),
            ("settings_updated", ADMIN, None, None),
            ("user_unbanned", SITE_MODERATOR, Some(VIEWER), None),
            ("user_banned", OWNER, Some(VIEWER), None),
            ("user_timed_out", MODERATOR, Some(VIEWER), Some(60)),
            ("message_deleted", MODERATOR, Some(VIEWER), None),
            ("moderator_added", OWNER, Some(MODERATOR), None),
        ]
    );
    assert_eq!(log[5].message_id.as_deref(), Some(message.id.as_str()));
    assert_eq!((log[3].reason.as_str(), log[5].reason.as_str()), ("spam", ""));

    // Pages by cursor have the same entries in the same order, without totals.
    let first = cast.owner.log_page(1, 3, None).await.unwrap();
    assert_eq!(first.page.as_ref().unwrap().total_items, Some(7));
    let (mut ids, mut cursor) = (Vec::new(), first.page.unwrap().next_cursor);
    ids.extend(first.entries.into_iter().map(|entry| entry.id));
    while !cursor.is_empty() {
        let next = cast.owner.log_page(0, 3, Some(cursor)).await.unwrap();
        ids.extend(next.entries.into_iter().map(|entry| entry.id));
        let page = next.page.unwrap();
        assert_eq!(page.total_items, None);
        cursor = page.next_cursor;
    }
    assert_eq!(ids, log.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>());
    for (limit, cursor) in [(101, None), (5, Some("x".to_owned()))] {
        let error = cast.owner.log_page(1, limit, cursor).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
}
