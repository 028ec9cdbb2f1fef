//! Lists of VODs.

use primitives::{Role, UserId};
use proto::common::v1::PageRequest;
use proto::vod::v1::{LatestOfStreamRequest, ListVodsRequest, ListVodsResponse};
use tonic::Code;

use crate::calls::world_with_rows;
use crate::world::{OWNER, World};

async fn list(world: &World, request: ListVodsRequest) -> ListVodsResponse {
    world.client(None).list_vods(request).await.unwrap().into_inner()
}

async fn page(world: &World, page: u32, limit: u32) -> ListVodsResponse {
    let page = Some(PageRequest {
        page,
        limit,
        cursor: None,
    });
    let request = ListVodsRequest {
        page,
        ..Default::default()
    };
    list(world, request).await
}

fn titles(answer: &ListVodsResponse) -> Vec<&str> {
    answer.vods.iter().map(|vod| vod.title.as_str()).collect()
}

#[tokio::test]
async fn lists_are_sorted_newest_first_by_page_and_cursor() {
    let world = world_with_rows(25).await;
    let first = page(&world, 1, 10).await;
    assert_eq!(titles(&first).first(), Some(&"Vod 25"));
    assert_eq!(
        (first.vods.len(), first.page.as_ref().unwrap().total_items),
        (10, Some(25))
    );
    let last = page(&world, 3, 10).await;
    assert_eq!(titles(&last), ["Vod 5", "Vod 4", "Vod 3", "Vod 2", "Vod 1"]);
    assert_eq!(last.page.unwrap().next_cursor, "");
    let beyond = page(&world, 9, 10).await;
    assert_eq!(
        (beyond.vods.len(), beyond.page.unwrap().total_items),
        (0, Some(25))
    );

    let mut cursor = first.page.unwrap().next_cursor;
    let mut seen = 10;
    while !cursor.is_empty() {
        let next = Some(PageRequest {
            page: 0,
            limit: 7,
            cursor: Some(cursor),
        });
        let answer = list(
            &world,
            ListVodsRequest {
                page: next,
                ..Default::default()
            },
        )
        .await;
        assert_eq!(
            titles(&answer).first(),
            Some(&format!("Vod {}", 25 - seen).as_str())
        );
        seen += answer.vods.len();
        assert_eq!(answer.page.as_ref().unwrap().total_items, None);
        cursor = answer.page.unwrap().next_cursor;
    }
    assert_eq!(seen, 25);
}

#[tokio::test]
async fn lists_are_filtered_and_show_unfinished_vods_to_their_owner() {
    let world = world_with_rows(3).await;
    let count = async |request: ListVodsRequest| list(&world, request).await.vods.len();
    assert_eq!(
        count(ListVodsRequest {
            stream_id: Some(3),
            ..Default::default()
        })
        .await,
        3
    );
    assert_eq!(
        count(ListVodsRequest {
            stream_id: Some(4),
            ..Default::default()
        })
        .await,
        0
    );
    assert_eq!(
        count(ListVodsRequest {
            category_id: Some(2),
            ..Default::default()
        })
        .await,
        3
    );
    assert_eq!(
        count(ListVodsRequest {
            user_id: Some(OWNER.0),
            ..Default::default()
        })
        .await,
        3
    );
    assert_eq!(world.vods().await.len(), 4);
    let latest = LatestOfStreamRequest { stream_id: 3 };
    let newest = world
        .client(None)
        .latest_of_stream(latest)
        .await
        .unwrap()
        .into_inner()
        .vod
        .unwrap();
    assert_eq!(newest.title, "Vod 3");
    let none = world
        .client(None)
        .latest_of_stream(LatestOfStreamRequest { stream_id: 4 })
        .await
        .unwrap_err();
    assert_eq!(none.code(), Code::NotFound);
}

#[tokio::test]
async fn stream_filter_shows_processing_and_failed_vods_to_their_owner() {
    let world = world_with_rows(2).await;
    world
        .sql(
            "INSERT INTO vods (user_id, stream_id, title, status, failure_reason) \
             VALUES (7, 3, 'Processing', 'processing', NULL), (7, 3, 'Failed', 'failed', 'damaged'), \
                    (8, 3, 'Of another user', 'processing', NULL)",
        )
        .await;
    let listed = async |viewer: Option<(UserId, Role)>, request: ListVodsRequest| {
        let answer = world
            .client(viewer)
            .list_vods(request)
            .await
            .unwrap()
            .into_inner();
        let total = answer.page.as_ref().unwrap().total_items;
        assert_eq!(total, Some(answer.vods.len() as u64));
        let mut titles: Vec<String> = answer.vods.into_iter().map(|vod| vod.title).collect();
        titles.sort();
        titles
    };
    let of_stream = ListVodsRequest {
        stream_id: Some(3),
        ..Default::default()
    };
    let (owner, admin) = (Some((OWNER, Role::User)), Some((UserId(9), Role::Admin)));
    let (stranger, moderator) = (
        Some((UserId(10), Role::User)),
        Some((UserId(11), Role::Moderator)),
    );
    assert_eq!(
        listed(owner, of_stream.clone()).await,
        ["Failed", "Processing", "Vod 1", "Vod 2"]
    );
    assert_eq!(
        listed(admin, of_stream.clone()).await,
        ["Failed", "Of another user", "Processing", "Vod 1", "Vod 2"]
    );
    for viewer in [stranger, moderator, None] {
        assert_eq!(listed(viewer, of_stream.clone()).await, ["Vod 1", "Vod 2"]);
    }
    let of_another = ListVodsRequest {
        user_id: Some(8),
        ..of_stream
    };
    assert!(listed(owner, of_another).await.is_empty());
    assert_eq!(
        listed(owner, ListVodsRequest::default()).await,
        ["Vod 1", "Vod 2"]
    );
}
