//! Lists of streams.

use proto::common::v1::PageRequest;
use proto::stream::v1::{
    CreateStreamRequest, ListStreamsRequest, ListStreamsResponse, StreamSort, StreamStatus,
};
use proto::upload::messages;
use tonic::Code;

use crate::world::{ANNA, BOB, World};

fn page(page: u32, limit: u32, cursor: Option<&str>) -> Option<PageRequest> {
    Some(PageRequest {
        page,
        limit,
        cursor: cursor.map(str::to_owned),
    })
}

async fn list(world: &World, request: ListStreamsRequest) -> ListStreamsResponse {
    world.call(BOB).list_streams(request).await.unwrap().into_inner()
}

fn ids(response: &ListStreamsResponse) -> Vec<i64> {
    response.streams.iter().map(|stream| stream.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_by_number_and_by_cursor_agree() {
    let world = World::new().await;
    let mut created = create_seven(&world).await;
    created.reverse();
    let sql = world.sql().await;
    for sort in [StreamSort::Newest, StreamSort::Viewers] {
        if sort == StreamSort::Viewers {
            let watched = "UPDATE streams SET status = 'live', start_time = created_at, broadcast_id = 1, \
                           node = 'main', viewer_count = (id % 3)::int";
            sql.batch_execute(watched).await.unwrap();
            created.sort_by_key(|id| (-(id % 3), -id));
        }
        let of = |page| ListStreamsRequest {
            page,
            sort: sort.into(),
            ..ListStreamsRequest::default()
        };
        let first = list(&world, of(page(1, 3, None))).await;
        let info = first.page.clone().unwrap();
        assert_eq!((ids(&first), info.total_items), (created[..3].to_vec(), Some(7)));
        let second = list(&world, of(page(2, 3, None))).await;
        let after = list(&world, of(page(0, 3, Some(&info.next_cursor)))).await;
        assert_eq!(
            (ids(&second), ids(&after)),
            (created[3..6].to_vec(), created[3..6].to_vec())
        );
        let info = after.page.unwrap();
        assert_eq!(info.total_items, None);
        let last = list(&world, of(page(0, 3, Some(&info.next_cursor)))).await;
        assert_eq!(
            (ids(&last), last.page.unwrap().next_cursor),
            (created[6..].to_vec(), String::new())
        );
    }
    let annas = ListStreamsRequest {
        user_id: Some(ANNA.0),
        category_id: Some(2),
        ..ListStreamsRequest::default()
    };
    assert_eq!(list(&world, annas).await.streams.len(), 4);
    let over = ListStreamsRequest {
        status: StreamStatus::Ended.into(),
        ..ListStreamsRequest::default()
    };
    let over = list(&world, over).await;
    assert!(over.streams.iter().all(|stream| stream.stream_key.is_none()) && over.streams.is_empty());
}

/// Creates Anna's four streams in category 2 and Bob's three without a category, in turns.
async fn create_seven(world: &World) -> Vec<i64> {
    let mut created = Vec::new();
    for number in 0..7 {
        let (user, category_id) = if number % 2 == 0 {
            (ANNA, Some(2))
        } else {
            (BOB, None)
        };
        let request = CreateStreamRequest {
            title: format!("Stream {number}"),
            description: String::new(),
            category_id,
        };
        created.push(
            world
                .call(user)
                .create_stream(messages(&[], request))
                .await
                .unwrap()
                .into_inner()
                .stream
                .unwrap()
                .id,
        );
    }
    created
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_requests_are_rejected() {
    let world = World::new().await;
    for request in [
        ListStreamsRequest {
            page: page(1, 101, None),
            ..ListStreamsRequest::default()
        },
        ListStreamsRequest {
            page: page(1, 10, Some("broken")),
            ..ListStreamsRequest::default()
        },
        ListStreamsRequest {
            page: page(u32::MAX, 100, None),
            ..ListStreamsRequest::default()
        },
        ListStreamsRequest {
            status: 99,
            ..ListStreamsRequest::default()
        },
        ListStreamsRequest {
            sort: 99,
            ..ListStreamsRequest::default()
        },
        ListStreamsRequest {
            user_id: Some(-1),
            ..ListStreamsRequest::default()
        },
    ] {
        assert_eq!(
            world.call(BOB).list_streams(request).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
}
