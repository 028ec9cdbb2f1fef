//! What owners, admins and other users may do.

use identity::ServiceName;
use proto::events::v1::event::Payload;
use proto::stream::v1::{
    CreateStreamRequest, DeleteStreamRequest, GetCategoryRequest, ListCategoriesRequest, ListStreamsRequest,
    StopStreamRequest, StreamStatus, UpdateStreamRequest,
};
use proto::upload::messages;
use tonic::Code;

use crate::world::{ANNA, BOB, TIMEOUT, World, ended, recorded};

fn update(id: i64, title: &str, category_id: Option<i64>) -> UpdateStreamRequest {
    UpdateStreamRequest {
        remove_thumbnail: false,
        id,
        title: Some(title.into()),
        description: None,
        category_id,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_owners_and_admins_update_a_stream() {
    let world = World::new().await;
    let (id, key) = world.create().await;
    let _publisher = world.go_live(id, &key).await;
    let change = |title: &str, category_id| update(id, title, category_id);
    let rejected = world
        .call(BOB)
        .update_stream(messages(&[], change("Mine now", None)))
        .await
        .unwrap_err();
    assert_eq!(rejected.code(), Code::PermissionDenied);
    let changed = world
        .call(ANNA)
        .update_stream(messages(&[], change("Another", Some(2))))
        .await
        .unwrap()
        .into_inner()
        .stream
        .unwrap();
    assert_eq!(
        (changed.title.as_str(), changed.category.unwrap().slug.as_str()),
        ("Another", "gaming")
    );
    let event = world
        .events
        .first("stream.updated", |payload| match payload {
            Payload::StreamUpdated(updated) => Some(updated.clone()),
            _ => None,
        })
        .await;
    assert_eq!((event.title.as_str(), event.category_id), ("Another", Some(2)));
    let changed = world
        .admin()
        .update_stream(messages(&[], change("Moderated", Some(0))))
        .await
        .unwrap()
        .into_inner()
        .stream
        .unwrap();
    assert_eq!((changed.category, changed.stream_key), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_updates_are_rejected() {
    let world = World::new().await;
    let (id, _) = world.create().await;
    let change = |title: &str, category_id| update(id, title, category_id);
    for (request, code) in [
        (change("x", None), Code::InvalidArgument),
        (change("a\0bc", None), Code::InvalidArgument),
        (change("Fine", Some(99)), Code::NotFound),
        (update(999, "Fine", None), Code::NotFound),
        (update(-1, "Fine", None), Code::NotFound),
    ] {
        assert_eq!(
            world
                .call(ANNA)
                .update_stream(messages(&[], request))
                .await
                .unwrap_err()
                .code(),
            code
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_the_broadcast_and_drops_the_encoder() {
    let world = World::with(|config| config.stream_reconnect_grace_seconds = 20).await;
    let (id, key) = world.create().await;
    let mut publisher = world.go_live(id, &key).await;
    let rejected = world
        .call(BOB)
        .stop_stream(StopStreamRequest { id })
        .await
        .unwrap_err();
    assert_eq!(rejected.code(), Code::PermissionDenied);
    let stopped = world
        .admin()
        .stop_stream(StopStreamRequest { id })
        .await
        .unwrap()
        .into_inner()
        .stream
        .unwrap();
    assert_eq!(stopped.status(), StreamStatus::Ended);
    publisher.wait(TIMEOUT).await.unwrap();
    assert_eq!(
        world.events.first_with_time("stream.ended", ended).await.1.reason,
        "stopped"
    );
    world.events.first_with_time("recording.finished", recorded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_stream_keeps_its_recording() {
    let world = World::new().await;
    let (id, key) = world.create().await;
    let mut publisher = world.go_live(id, &key).await;
    let rejected = world
        .call(BOB)
        .delete_stream(DeleteStreamRequest { id })
        .await
        .unwrap_err();
    assert_eq!(rejected.code(), Code::PermissionDenied);
    world
        .call(ANNA)
        .delete_stream(DeleteStreamRequest { id })
        .await
        .unwrap();
    assert_eq!(
        world.try_stream(ANNA, id).await.unwrap_err().code(),
        Code::NotFound
    );
    let again = world
        .call(ANNA)
        .delete_stream(DeleteStreamRequest { id })
        .await
        .unwrap_err();
    assert_eq!(again.code(), Code::NotFound);
    publisher.wait(TIMEOUT).await.unwrap();
    assert_eq!(
        world.events.first_with_time("stream.ended", ended).await.1.reason,
        "deleted"
    );
    let (_, recording) = world.events.first_with_time("recording.finished", recorded).await;
    assert_eq!(
        (recording.stream_id, recording.user_id, recording.title.as_str()),
        (0, ANNA.0, "A title")
    );
    let mut late = world.publish(&key).await;
    assert!(!late.wait(TIMEOUT).await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn unauthorised_callers_are_rejected() {
    let world = World::new().await;
    let request = || CreateStreamRequest {
        title: "A title".into(),
        ..CreateStreamRequest::default()
    };
    let guest = world
        .call_as(None, ServiceName::Gateway)
        .create_stream(messages(&[], request()))
        .await
        .unwrap_err();
    assert_eq!(guest.code(), Code::Unauthenticated);
    let other_service = world
        .call_as(None, ServiceName::Chat)
        .create_stream(messages(&[], request()))
        .await
        .unwrap_err();
    assert_eq!(other_service.code(), Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_categories_are_seeded() {
    let world = World::new().await;
    let mut client = world.call(ANNA);
    let request = |tag: Option<&str>| ListCategoriesRequest {
        page: None,
        tag: tag.map(str::to_owned),
    };
    let all = client.list_categories(request(None)).await.unwrap().into_inner();
    assert_eq!(
        (all.categories.len(), all.page.unwrap().total_items),
        (8, Some(8))
    );
    let tagged = client
        .list_categories(request(Some("technology")))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(tagged.categories.len(), 2);
    for name in ["gaming", "2"] {
        let found = client
            .get_category(GetCategoryRequest {
                category: name.into(),
            })
            .await
            .unwrap()
            .into_inner();
        assert_eq!(found.category.unwrap().name, "Gaming");
    }
    for name in ["nothing", "99", "0", "", "a/b"] {
        let missing = client
            .get_category(GetCategoryRequest {
                category: name.into(),
            })
            .await
            .unwrap_err();
        assert_eq!(missing.code(), Code::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_message_is_resource_exhausted() {
    let world = World::new().await;
    let request = ListStreamsRequest {
        query: Some("x".repeat(5 << 20)),
        ..ListStreamsRequest::default()
    };
    let rejected = world.call(ANNA).list_streams(request).await.unwrap_err();
    assert_eq!(rejected.code(), Code::ResourceExhausted, "{rejected:?}");
}
