//! The gRPC service.

use identity::ServiceName;
use proto::PeerChannel;
use proto::common::v1::PageRequest;
use proto::events::v1::NotificationsRead;
use proto::notification::v1::notification_service_client::NotificationServiceClient;
use proto::notification::v1::{
    ListNotificationsRequest, ListNotificationsResponse, MarkAllReadRequest, MarkReadRequest, Subject,
    UnreadCountRequest,
};
use tonic::Code;

use crate::world::{Replica, TIMEOUT, World};

/// Inserts notifications 1 to `n` for a user, oldest first.
async fn insert(world: &World, user: i64, n: i64) {
    let statement = format!(
        "WITH n AS (INSERT INTO notifications (user_id, type, message, related_entity_id, \
         related_entity_type, \
         actor_id, event_id, dedupe_key, subject_title) SELECT {user}, 'stream_started', 'message ' || i, i, \
         'stream', 1, gen_random_uuid(), 'stream_started:' || i, 'title ' || i \
         FROM generate_series(1, {n}) AS i ORDER BY i RETURNING id) SELECT count(*) FROM n"
    );
    assert_eq!(world.count(&statement).await, n);
}

fn page(page: u32, limit: u32, cursor: Option<String>) -> ListNotificationsRequest {
    ListNotificationsRequest {
        page: Some(PageRequest { page, limit, cursor }),
        is_read: None,
    }
}

async fn world() -> (World, Replica) {
    let world = World::new().await;
    let replica = world.replica(|_| {}).await;
    (world, replica)
}

async fn list(
    client: &NotificationServiceClient<PeerChannel>,
    request: ListNotificationsRequest,
) -> ListNotificationsResponse {
    let listed = client.clone().list_notifications(request).await;
    listed.unwrap().into_inner()
}

#[tokio::test]
async fn lists_page_by_number_and_by_cursor() {
    let (world, replica) = world().await;
    insert(&world, 5, 25).await;
    insert(&world, 6, 3).await;
    let client = world.client(&replica, 5);
    let first = list(&client, page(1, 10, None)).await;
    let info = first.page.unwrap();
    assert_eq!(
        (
            first.notifications.len(),
            info.total_items,
            info.total_items_capped
        ),
        (10, Some(25), false)
    );
    assert_eq!(first.notifications[0].message, "message 25", "newest first");
    assert!(
        first
            .notifications
            .iter()
            .all(|n| n.user_id == 5 && !n.is_read && n.created_at.is_some())
    );
    let subject = Subject {
        id: 25,
        title: "title 25".to_owned(),
    };
    assert_eq!(
        (first.notifications[0].actor_id, &first.notifications[0].subject),
        (1, &Some(subject))
    );

    let by_number = list(&client, page(2, 10, None)).await;
    let by_cursor = list(&client, page(0, 10, Some(info.next_cursor))).await;
    assert_eq!(by_number.notifications, by_cursor.notifications);
    let info = by_cursor.page.unwrap();
    assert_eq!(info.total_items, None);
    let last = list(&client, page(0, 10, Some(info.next_cursor))).await;
    assert_eq!(
        (last.notifications.len(), last.page.unwrap().next_cursor),
        (5, String::new())
    );
    // The default page size is ten.
    let default = list(&client, ListNotificationsRequest::default()).await;
    assert_eq!(default.notifications.len(), 10);
}

#[tokio::test]
async fn users_read_only_their_own_notifications() {
    let (world, replica) = world().await;
    insert(&world, 5, 3).await;
    let (mut own, mut other) = (world.client(&replica, 5), world.client(&replica, 6));
    let list = own
        .list_notifications(page(1, 10, None))
        .await
        .unwrap()
        .into_inner()
        .notifications;
    let id = list[0].id;
    let error = other.mark_read(MarkReadRequest { id }).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert_eq!(unread(&own).await, 3);
    for _ in 0..2 {
        let marked = own
            .mark_read(MarkReadRequest { id })
            .await
            .unwrap()
            .into_inner()
            .notification
            .unwrap();
        assert!(marked.is_read && marked.id == id);
        assert_eq!((marked.actor_id, &marked.subject), (1, &list[0].subject));
    }
    assert_eq!(unread(&own).await, 2);
    let only = |is_read| ListNotificationsRequest {
        page: None,
        is_read: Some(is_read),
    };
    let read = own.list_notifications(only(true)).await.unwrap().into_inner();
    assert_eq!(
        (read.notifications.len(), read.page.unwrap().total_items),
        (1, Some(1))
    );
    assert_eq!(
        own.list_notifications(only(false))
            .await
            .unwrap()
            .into_inner()
            .notifications
            .len(),
        2
    );

    assert_eq!(mark_all(&other).await, 0);
    insert(&world, 6, 1).await;
    assert_eq!((mark_all(&own).await, mark_all(&own).await), (2, 0));
    assert_eq!(mark_all(&other).await, 1, "each user marks only their own");
    reads_are_pushed(&world, id).await;
    assert_eq!(unread(&own).await, 0);
}

async fn unread(client: &NotificationServiceClient<PeerChannel>) -> u64 {
    let counted = client.clone().unread_count(UnreadCountRequest {}).await;
    counted.unwrap().into_inner().count
}

/// Marks all notifications of a user as read, and returns how many were unread.
async fn mark_all(client: &NotificationServiceClient<PeerChannel>) -> u64 {
    let marked = client.clone().mark_all_read(MarkAllReadRequest {}).await;
    marked.unwrap().into_inner().affected_count
}

/// User 5 read one notification and then all others; user 6 read all.
async fn reads_are_pushed(world: &World, id: i64) {
    // Pushed only when something changed. Messages stay in order, so the last one comes after all others.
    let read_message = |user_id, ids: &[i64], all, unread_count| NotificationsRead {
        user_id,
        ids: ids.to_vec(),
        all,
        unread_count,
    };
    stack::eventually(TIMEOUT, "the read messages", async || {
        let read = world.read();
        if read
            == [
                read_message(5, &[id], false, 2),
                read_message(5, &[], true, 0),
                read_message(6, &[], true, 0),
            ]
        {
            Ok(())
        } else {
            Err(format!("{read:?}"))
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn mark_all_read_spans_batches() {
    let (world, replica) = world().await;
    insert(&world, 5, 2300).await;
    let mut client = world.client(&replica, 5);
    let marked = client
        .mark_all_read(MarkAllReadRequest {})
        .await
        .unwrap()
        .into_inner()
        .affected_count;
    assert_eq!(
        (
            marked,
            world
                .count("SELECT count(*) FROM notifications WHERE NOT is_read")
                .await
        ),
        (2300, 0)
    );
}

#[tokio::test]
async fn invalid_input_is_rejected() {
    let (world, replica) = world().await;
    let mut client = world.client(&replica, 5);
    for bad in [
        page(1, 101, None),
        page(u32::MAX, 100, None),
        page(0, 10, Some("x".to_owned())),
    ] {
        let error = client.list_notifications(bad).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
    for (id, code) in [
        (0, Code::InvalidArgument),
        (-1, Code::InvalidArgument),
        (i64::MAX, Code::NotFound),
    ] {
        assert_eq!(
            client.mark_read(MarkReadRequest { id }).await.unwrap_err().code(),
            code,
            "{id}"
        );
    }
}

#[tokio::test]
async fn only_the_gateway_may_call_on_behalf_of_a_user() {
    let (world, replica) = world().await;
    let token = world
        .kit
        .issuer
        .token(primitives::UserId(5), "lan", primitives::Role::User);
    let code = async |service, token| {
        let mut client = world.client_with(&replica, service, token);
        client
            .unread_count(UnreadCountRequest {})
            .await
            .map_err(|status| status.code())
            .map(drop)
    };
    assert_eq!(code(ServiceName::Gateway, Some(token.clone())).await, Ok(()));
    assert_eq!(code(ServiceName::Gateway, None).await, Err(Code::Unauthenticated));
    assert_eq!(
        code(ServiceName::Gateway, Some("forged".to_owned())).await,
        Err(Code::Unauthenticated)
    );
    for other in ServiceName::ALL
        .into_iter()
        .filter(|name| *name != ServiceName::Gateway)
    {
        assert_eq!(
            code(other, Some(token.clone())).await,
            Err(Code::PermissionDenied),
            "{other}"
        );
    }
    // Directly, without a service token.
    let channel = tonic::transport::Endpoint::new(format!("http://{}", replica.app.grpc_addr))
        .unwrap()
        .connect_lazy();
    let mut bare =
        proto::notification::v1::notification_service_client::NotificationServiceClient::new(channel);
    let error = bare.unread_count(UnreadCountRequest {}).await.unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
    let mut request = tonic::Request::new(UnreadCountRequest {});
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer {token}").parse().unwrap());
    assert_eq!(
        bare.unread_count(request).await.unwrap_err().code(),
        Code::PermissionDenied
    );
}
