//! Searches: accents, case, parts of words, and updates of the index.

use identity::ServiceName;
use primitives::{Role, UserId};
use proto::stream::v1::{CreateStreamRequest, ListStreamsRequest, UpdateCategoryRequest, UserIds};
use proto::upload::messages;
use stack::eventually;
use stream::store::owners::OwnerUpdate;
use tonic::Code;
use uuid::Uuid;

use crate::world::{ANNA, BOB, TIMEOUT, World};

impl World {
    async fn stream_of(&self, user: UserId, title: &str, category_id: Option<i64>) -> i64 {
        let request = CreateStreamRequest {
            title: title.into(),
            description: "Every evening, café talk".into(),
            category_id,
        };
        let created = self.call(user).create_stream(messages(&[], request)).await;
        created.unwrap().into_inner().stream.unwrap().id
    }

    /// Returns the ids found, and checks that the total agrees.
    async fn found(&self, request: ListStreamsRequest) -> Vec<i64> {
        let (ids, total) = self.counted(request).await;
        assert_eq!(total, Some(ids.len() as u64));
        ids
    }

    async fn counted(&self, request: ListStreamsRequest) -> (Vec<i64>, Option<u64>) {
        let mut guest = self.call_as(None::<(UserId, Role)>, ServiceName::Gateway);
        let answer = guest.list_streams(request).await.unwrap().into_inner();
        let mut ids: Vec<i64> = answer.streams.iter().map(|stream| stream.id).collect();
        ids.sort_unstable();
        (ids, answer.page.unwrap().total_items)
    }

    async fn search(&self, query: &str) -> Vec<i64> {
        self.found(searched(query)).await
    }
}

fn searched(query: &str) -> ListStreamsRequest {
    ListStreamsRequest {
        query: Some(query.to_owned()),
        ..ListStreamsRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn search_ignores_accents_case_and_word_boundaries() {
    let world = World::new().await;
    let broadcast = world.stream_of(ANNA, "Phát sóng trực tiếp", None).await;
    let football = world.stream_of(BOB, "Đá bóng 100%", Some(2)).await;
    for (query, expected) in [
        ("phat song", vec![broadcast]),
        ("PHÁT", vec![broadcast]),
        ("da", vec![football]),
        ("đá bóng", vec![football]),
        ("son", vec![broadcast]),
        ("iep", vec![broadcast]),
        ("song phat", vec![broadcast]),
        ("cafe", vec![broadcast, football]),
        ("gaming", vec![football]),
        ("games bong", vec![football]),
        ("user7", vec![broadcast]),
        ("100", vec![football]),
        ("phat bong", vec![]),
        ("a", vec![]),
    ] {
        assert_eq!(world.search(query).await, expected, "{query}");
    }
    for blank in ["", "%", "__", "\\", " - "] {
        let rejected = world.call(ANNA).list_streams(searched(blank)).await.unwrap_err();
        assert_eq!(rejected.code(), Code::InvalidArgument, "{blank:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn list_is_filtered_by_tag_username_and_owners() {
    let world = World::new().await;
    let annas = world.stream_of(ANNA, "Of Anna", Some(2)).await;
    let bobs = world.stream_of(BOB, "Of Bob", None).await;
    let request = ListStreamsRequest::default;
    let tag = |tag: &str| ListStreamsRequest {
        tag: Some(tag.into()),
        ..request()
    };
    assert_eq!(world.found(tag("GAMES")).await, [annas]);
    assert!(world.found(tag("game")).await.is_empty());
    let username = |name: &str| ListStreamsRequest {
        username: Some(name.into()),
        ..request()
    };
    assert_eq!(world.found(username("USER8")).await, [bobs]);
    assert!(world.found(username("user")).await.is_empty());
    let owners = |ids: &[i64]| ListStreamsRequest {
        owners: Some(UserIds { ids: ids.to_vec() }),
        ..request()
    };
    assert_eq!(world.found(owners(&[7, 8, 9])).await, [annas, bobs]);
    assert!(world.found(owners(&[])).await.is_empty());
    let many: Vec<i64> = (1..=1001).collect();
    assert_eq!(
        world
            .call(ANNA)
            .list_streams(owners(&many))
            .await
            .unwrap_err()
            .code(),
        Code::InvalidArgument
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn index_follows_names_of_owners_and_categories() {
    let world = World::new().await;
    let id = world.stream_of(ANNA, "Something", Some(2)).await;
    let names = OwnerUpdate::Names {
        username: "anna".into(),
        display_name: "Ånna die Große".into(),
    };
    world
        .replica
        .app
        .store
        .owner_apply(Uuid::now_v7(), ANNA, 2, names)
        .await
        .unwrap();
    let until = async |query: &str, expected: &[i64]| {
        eventually(TIMEOUT, query, async || {
            // Totals are cached, so they may be outdated here.
            world.counted(searched(query)).await.0 == expected
        })
        .await
        .unwrap();
    };
    until("anna grosse", &[id]).await;
    until("user7", &[]).await;
    let request = UpdateCategoryRequest {
        category: "gaming".into(),
        name: Some("Speedruns".into()),
        ..UpdateCategoryRequest::default()
    };
    world
        .admin()
        .update_category(messages(&[], request))
        .await
        .unwrap();
    until("speedrun", &[id]).await;
    until("gaming", &[]).await;
}
