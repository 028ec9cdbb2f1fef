//! Follows and their events.

use std::time::Duration;

use identity::ServiceName;
use primitives::ErrorKind;
use proto::CallContext;
use proto::auth::v1::auth_service_client::AuthServiceClient;
use proto::auth::v1::{CheckFollowRequest, FollowerPageRequest, ListFollowsRequest, UnfollowRequest};
use proto::common::v1::PageRequest;
use proto::events::v1::event::Payload;

use crate::world::{World, code, result, user};

#[tokio::test]
async fn follow_creates_one_row_and_one_event() {
    let world = World::new().await;
    let replicas = [world.replica().await, world.replica().await];
    let (anna, bert) = (
        replicas[0].register("anna").await,
        replicas[0].register("bert").await,
    );
    let (anna_id, bert_id) = (user(&anna).id, user(&bert).id);
    let mut events = world.listen(&["user.followed", "user.unfollowed"]).await;

    let tries = (0..10).map(|i| replicas[i % 2].follow(&bert.access_token, anna_id));
    let mut codes: Vec<_> = futures::future::join_all(tries)
        .await
        .into_iter()
        .map(code)
        .collect();
    codes.sort();
    assert_eq!(codes.iter().filter(|code| *code == "ok").count(), 1);
    assert_eq!(codes.iter().filter(|code| *code == "follow.exists").count(), 9);

    let unfollow = async |user_id| {
        result(
            replicas[1]
                .call(Some(&bert.access_token))
                .unfollow(UnfollowRequest { user_id })
                .await,
        )
    };
    unfollow(anna_id).await.unwrap();
    assert_eq!(code(unfollow(anna_id).await), "follow.not_found");
    replicas[0].follow(&bert.access_token, anna_id).await.unwrap();

    let mut received = Vec::new();
    for _ in 0..3 {
        received.push(match events.next().await {
            Payload::UserFollowed(f) => {
                assert_eq!(
                    (f.follower_username.as_str(), f.follower_id, f.following_id),
                    ("bert", bert_id, anna_id)
                );
                "followed"
            }
            Payload::UserUnfollowed(f) => {
                assert_eq!((f.follower_id, f.following_id), (bert_id, anna_id));
                "unfollowed"
            }
            other => panic!("{other:?}"),
        });
    }
    received.sort_unstable();
    assert_eq!(received, ["followed", "followed", "unfollowed"]);
    // The next event is of another follow: there was no fourth.
    replicas[0].follow(&anna.access_token, bert_id).await.unwrap();
    let Payload::UserFollowed(last) = events.next().await else {
        panic!("unexpected event")
    };
    assert_eq!(last.follower_id, anna_id);
}

#[tokio::test]
async fn invalid_follows_are_rejected() {
    let world = World::new().await;
    let replica = world.replica().await;
    let anna = replica.register("anna").await;
    let follow = async |id| replica.follow(&anna.access_token, id).await.unwrap_err();
    let oneself = follow(user(&anna).id).await;
    assert_eq!(
        (oneself.kind, oneself.code.as_ref()),
        (ErrorKind::Invalid, "follow.self")
    );
    assert_eq!(follow(i64::MAX).await.kind, ErrorKind::NotFound);
    for bad in [0, -1, i64::MIN] {
        assert_eq!(follow(bad).await.kind, ErrorKind::Invalid);
    }
}

fn page(page: u32, limit: u32, cursor: Option<String>) -> PageRequest {
    PageRequest { page, limit, cursor }
}

#[tokio::test]
async fn follow_lists_are_newest_first() {
    let world = World::new().await;
    let replica = world.replica().await;
    let star = replica.register("star").await;
    let star_id = user(&star).id;
    let mut fans = Vec::new();
    for i in 0..5 {
        let fan = replica.register(&format!("fan_{i}")).await;
        replica.follow(&fan.access_token, star_id).await.unwrap();
        fans.push(user(&fan).id);
    }
    let newest: Vec<_> = fans.iter().rev().copied().collect();
    let list = async |page: PageRequest| {
        let request = ListFollowsRequest {
            user_id: star_id,
            page: Some(page),
        };
        let answer = result(replica.call(None).list_followers(request).await).unwrap();
        (
            answer.users.iter().map(|user| user.id).collect::<Vec<_>>(),
            answer.page.unwrap(),
        )
    };
    let (ids, info) = list(page(2, 2, None)).await;
    assert_eq!((ids.as_slice(), info.total_items), (&newest[2..4], Some(5)));

    let (mut seen, info) = list(page(0, 2, None)).await;
    let mut cursor = info.next_cursor;
    while !cursor.is_empty() {
        let (ids, info) = list(page(0, 2, Some(cursor))).await;
        assert_eq!(info.total_items, None);
        seen.extend(ids);
        cursor = info.next_cursor;
    }
    assert_eq!(seen, newest);

    let request = |user_id, page| ListFollowsRequest { user_id, page };
    let following = replica.call(None).list_following(request(fans[0], None)).await;
    assert_eq!(result(following).unwrap().users[0].id, star_id);
    let nobody = replica.call(None).list_followers(request(i64::MAX, None)).await;
    assert_eq!(code(result(nobody)), "user.not_found");
    for (limit, cursor) in [(101, None), (1, Some("x".to_owned()))] {
        let page = Some(PageRequest {
            page: 0,
            limit,
            cursor,
        });
        assert_eq!(
            code(result(
                replica.call(None).list_followers(request(star_id, page)).await
            )),
            "request.invalid"
        );
    }
}

#[tokio::test]
async fn follower_pages_ascend_by_id() {
    let world = World::new().await;
    let replica = world.replica().await;
    let star = user(&replica.register("star").await).id;
    let mut fans = Vec::new();
    for i in 0..5 {
        let fan = replica.register(&format!("fan_{i}")).await;
        replica.follow(&fan.access_token, star).await.unwrap();
        fans.push(user(&fan).id);
    }
    let context = CallContext::background(Duration::from_secs(5));
    let mut seen = Vec::new();
    let mut more = true;
    while more {
        let mut notification = AuthServiceClient::new(replica.peer(ServiceName::Notification).with(&context));
        let after_follower_id = seen.last().copied().unwrap_or(0);
        let page = FollowerPageRequest {
            user_id: star,
            after_follower_id,
            limit: 2,
        };
        let page = result(notification.follower_page(page).await).unwrap();
        seen.extend(page.follower_ids);
        more = page.has_more;
    }
    assert_eq!(seen, fans);

    let mut chat = AuthServiceClient::new(replica.peer(ServiceName::Chat).with(&context));
    for (follower_id, following_id, expected) in [(fans[0], star, true), (star, fans[0], false)] {
        let answer = result(
            chat.check_follow(CheckFollowRequest {
                follower_id,
                following_id,
            })
            .await,
        );
        assert_eq!(answer.unwrap().following, expected);
    }
}
