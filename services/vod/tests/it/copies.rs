//! Names, categories and streams of other services.

use proto::auth::v1::Owner;
use proto::events::v1::event::Payload;
use proto::events::v1::{CategoryDeleted, StreamDeleted, UserDeleted, UserUpdated};
use proto::stream::v1::CategoryCopy;
use proto::vod::v1::VodStatus;

use crate::recording::three_seconds;
use crate::world::{OWNER, World, finished};

const FILE: &str = "abcdefghijklmnopqrst-1795376364.flv";

fn named(name: &str) -> Payload {
    Payload::UserUpdated(UserUpdated {
        user_id: OWNER.0,
        username: "alice".into(),
        display_name: name.into(),
    })
}

#[tokio::test]
async fn newest_version_of_a_copy_wins() {
    let mut world = World::stopped(|_| {}).await;
    let owner = Owner {
        id: OWNER.0,
        username: "alice".into(),
        display_name: "First".into(),
        banned: false,
        version: 1,
    };
    world.peers.auth.add_owner(owner);
    let talk = CategoryCopy {
        id: 2,
        name: "Talk".into(),
        slug: "talk".into(),
        tags: vec![],
        version: 1,
    };
    world.peers.stream.add_category(talk);
    world.record(FILE, three_seconds());
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    world.run();
    let id = world.wait_for_vod(VodStatus::Ready).await.id;
    let copied =
        async || world.get(id).await.display_name == "First" && world.get(id).await.category.is_some();
    world.eventually("the copies", copied).await;
    assert_eq!(world.get(id).await.category.unwrap().slug, "talk");
    world.deliver(named("Third"), 3).await;
    world.deliver(named("Second"), 2).await;
    assert_eq!(world.get(id).await.display_name, "Third");
    vod::inbound::clock::fill(&world.serving).await.unwrap();
    assert_eq!(world.get(id).await.display_name, "Third");

    world
        .deliver(Payload::CategoryDeleted(CategoryDeleted { category_id: 2 }), 2)
        .await;
    vod::inbound::clock::fill(&world.serving).await.unwrap();
    assert_eq!(world.get(id).await.category, None);
}

#[tokio::test]
async fn deleted_user_loses_all_vods_and_is_not_recreated() {
    let world = World::running().await;
    world.record(FILE, three_seconds());
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    world.wait_for_vod(VodStatus::Ready).await;
    world
        .sql("INSERT INTO vods (user_id, title) SELECT 7, 'More' FROM generate_series(1, 250)")
        .await;
    world
        .deliver(Payload::UserDeleted(UserDeleted { user_id: OWNER.0 }), 4)
        .await;
    assert!(world.vods().await.is_empty());
    world
        .eventually("the objects to be deleted", async || {
            world.objects_in_bucket().await.is_empty()
        })
        .await;

    world.deliver(named("Late"), 9).await;
    let late = "abcdefghijklmnopqrst-1795376399.flv";
    world.record(late, three_seconds());
    world.deliver(Payload::RecordingFinished(finished(late)), 1).await;
    world
        .eventually("the late file to be deleted", async || {
            world.files_on_disk().is_empty()
        })
        .await;
    assert!(world.vods().await.is_empty());
    assert_eq!(
        world.sql("SELECT 1 FROM owners WHERE username <> ''").await.len(),
        0
    );
}

#[tokio::test]
async fn vods_outlive_their_stream_in_any_event_order() {
    let world = World::running().await;
    world.record(FILE, three_seconds());
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    world.wait_for_vod(VodStatus::Ready).await;
    world
        .deliver(
            Payload::StreamDeleted(StreamDeleted {
                stream_id: 3,
                user_id: OWNER.0,
            }),
            5,
        )
        .await;
    let second = "abcdefghijklmnopqrst-1795376399.flv";
    world.record(second, three_seconds());
    world
        .deliver(Payload::RecordingFinished(finished(second)), 1)
        .await;
    let vods = world.vods().await;
    assert_eq!(vods.len(), 2);
    assert!(vods.iter().all(|vod| vod.stream_id.is_none()));
}
