//! Permissions to call and to delete.

use identity::ServiceName;
use mongodb::bson::Bson;
use primitives::{Role, UserId};
use proto::chat::v1::{DeleteMessageRequest, HeadsRequest};
use proto::events::v1::realtime::Message as Realtime;
use tonic::{Code, Status};

use crate::world::{Client, LIVE, OWNER, TIMEOUT, World};

async fn delete(client: &Client, stream: i64, id: &str) -> Result<(), Status> {
    let request = DeleteMessageRequest {
        stream_id: stream,
        id: id.to_owned(),
    };
    client.rpc.clone().delete_message(request).await.map(drop)
}

#[tokio::test]
async fn deleted_message_leaves_a_tombstone() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let client = world.client(&replica, 5, Role::User);
    let first = client.send("first").await.unwrap();
    client.send("second").await.unwrap();
    for _ in 0..2 {
        delete(&client, LIVE, &first.id).await.unwrap();
    }
    let third = client.send("third").await.unwrap();
    assert_eq!(third.seq, 3);
    let listed = client.list(10, None).await;
    assert_eq!((listed.messages.len(), listed.total_messages), (3, 3));
    let tombstone = &listed.messages[0];
    assert_eq!(
        (tombstone.seq, tombstone.deleted, tombstone.message.as_str()),
        (1, true, "")
    );
    let stored = &world.stored(LIVE).await[0];
    assert_eq!(
        (
            stored.get_str("message").unwrap(),
            stored.get_str("deletedBy").unwrap()
        ),
        ("", "5")
    );
    assert!(matches!(stored.get("deletedAt"), Some(Bson::DateTime(_))));
    let deletions = || {
        let deleted = world.received.all(|message| match message {
            Realtime::ChatMessageDeleted(d) if d.id == first.id && d.seq == 1 => Some(()),
            _ => None,
        });
        deleted.len()
    };
    let posted = || world.posted().iter().any(|posted| posted.seq == 3);
    stack::eventually(TIMEOUT, "the announcements", async || posted())
        .await
        .unwrap();
    assert_eq!(deletions(), 1, "published once");
}

#[tokio::test]
async fn only_authors_and_moderators_delete() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let author = world.client(&replica, 5, Role::User);
    for (user, role, code) in [
        (6, Role::User, Some(Code::PermissionDenied)),
        (OWNER, Role::User, None),
        (7, Role::Moderator, None),
        (8, Role::Admin, None),
        (5, Role::User, None),
    ] {
        let message = author.send("x").await.unwrap();
        let outcome = delete(&world.client(&replica, user, role), LIVE, &message.id).await;
        assert_eq!(
            outcome.err().map(|status| status.code()),
            code,
            "user {user}, {role:?}"
        );
    }
    let message = author.send("x").await.unwrap();
    assert_eq!(
        delete(&author, 8, &message.id).await.unwrap_err().code(),
        Code::NotFound,
        "of another room"
    );
    assert_eq!(
        delete(&author, LIVE, "none").await.unwrap_err().code(),
        Code::NotFound
    );
    assert_eq!(
        delete(&author, LIVE, "").await.unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn guests_read_only() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    world.client(&replica, 5, Role::User).send("hello").await.unwrap();
    let guest = world.client_with(&replica, ServiceName::Gateway, None);
    assert_eq!(guest.list(10, None).await.messages.len(), 1);
    assert_eq!(
        guest.send("hello").await.unwrap_err().code(),
        Code::Unauthenticated
    );
    assert_eq!(
        delete(&guest, LIVE, "x").await.unwrap_err().code(),
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn only_the_gateway_may_call() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let token = world.kit.issuer.token(UserId(5), "lan", Role::User);
    for service in ServiceName::ALL
        .into_iter()
        .filter(|name| *name != ServiceName::Gateway)
    {
        let client = world.client_with(&replica, service, Some(token.clone()));
        assert_eq!(
            client.send("x").await.unwrap_err().code(),
            Code::PermissionDenied,
            "{service}"
        );
        let heads = client
            .rpc
            .clone()
            .heads(HeadsRequest {
                stream_ids: vec![LIVE],
            })
            .await;
        assert_eq!(heads.unwrap_err().code(), Code::PermissionDenied, "{service}");
    }
    let forged = world.client_with(&replica, ServiceName::Gateway, Some("forged".to_owned()));
    assert_eq!(forged.send("x").await.unwrap_err().code(), Code::Unauthenticated);
}
