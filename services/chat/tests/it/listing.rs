//! Lists of messages and latest sequence numbers.

use primitives::Role;
use proto::chat::v1::HeadsRequest;
use proto::chat::v1::list_messages_request::From;
use tonic::Code;

use crate::world::{LIVE, TIMEOUT, World};

#[tokio::test]
async fn lists_page_by_seq_and_by_number() {
    let world = World::new().await;
    let replica = world.fast_replica().await;
    let client = world.client(&replica, 5, Role::User);
    for i in 1..=25 {
        client.send(&i.to_string()).await.unwrap();
    }
    let numbers = async |limit, from| {
        let answer = client.list(limit, from).await;
        assert_eq!((answer.head, answer.total_messages), (25, 25));
        (
            answer.messages.iter().map(|m| m.seq).collect::<Vec<_>>(),
            answer.truncated,
        )
    };
    assert_eq!(numbers(10, None).await, ((16..=25).collect(), true));
    assert_eq!(numbers(10, Some(From::Page(2))).await, ((6..=15).collect(), true));
    assert_eq!(numbers(10, Some(From::Page(3))).await, ((1..=5).collect(), false));
    assert_eq!(numbers(10, Some(From::Page(4))).await, (vec![], false));
    assert_eq!(numbers(500, Some(From::Page(1000))).await, (vec![], false));
    assert_eq!(numbers(3, Some(From::BeforeSeq(6))).await, (vec![3, 4, 5], true));
    assert_eq!(
        numbers(5, Some(From::BeforeSeq(6))).await,
        (vec![1, 2, 3, 4, 5], false)
    );
    assert_eq!(numbers(3, Some(From::AfterSeq(0))).await, (vec![1, 2, 3], true));
    assert_eq!(
        numbers(3, Some(From::AfterSeq(22))).await,
        (vec![23, 24, 25], false)
    );
    assert_eq!(numbers(3, Some(From::AfterSeq(i64::MAX))).await, (vec![], false));
    for (limit, from) in [
        (0, None),
        (501, None),
        (10, Some(From::Page(0))),
        (10, Some(From::Page(1001))),
        (10, Some(From::AfterSeq(-1))),
    ] {
        let request = proto::chat::v1::ListMessagesRequest {
            stream_id: LIVE,
            limit,
            from,
        };
        let error = client.rpc.clone().list_messages(request).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{limit} {from:?}");
    }
}

#[tokio::test]
async fn heads_span_replicas() {
    let world = World::new().await;
    world.peers.stream.set_room(8, 1, true, 1);
    let replicas = [world.fast_replica().await, world.fast_replica().await];
    let (one, two) = (
        world.client(&replicas[0], 5, Role::User),
        world.client(&replicas[1], 6, Role::User),
    );
    one.send("a").await.unwrap();
    two.send("b").await.unwrap();
    two.send_in(8, "c", None).await.unwrap();
    let heads = async |ids: Vec<i64>| {
        let answer = one
            .rpc
            .clone()
            .heads(HeadsRequest { stream_ids: ids })
            .await?
            .into_inner();
        Ok::<_, tonic::Status>(
            answer
                .heads
                .iter()
                .map(|head| (head.stream_id, head.seq))
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(
        heads(vec![LIVE, 8, 9]).await.unwrap(),
        [(LIVE, 2), (8, 1), (9, 0)]
    );
    two.send("d").await.unwrap();
    let wait = stack::eventually(TIMEOUT, "the new head", async || {
        heads(vec![LIVE]).await.unwrap() == [(LIVE, 3)]
    });
    wait.await.unwrap();
    assert_eq!(heads(vec![0]).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(
        heads((1..=1001).collect()).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(heads((1..=1000).collect()).await.unwrap().len(), 1000);
}
