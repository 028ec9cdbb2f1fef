//! The gRPC API.

use primitives::{Cursor, Role, UserId};
use proto::common::v1::PageRequest;
use proto::events::v1::event::Payload;
use proto::vod::v1::{
    CountViewsRequest, DeleteVodRequest, GetVodRequest, GuestView, ListVodsRequest, VodStatus,
};
use tonic::Code;

use crate::recording::three_seconds;
use crate::world::{OWNER, World, finished};

const FILE: &str = "abcdefghijklmnopqrst-1795376364.flv";

pub(crate) async fn world_with_vod() -> (World, i64) {
    let world = World::running().await;
    world.record(FILE, three_seconds());
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    let id = world.wait_for_vod(VodStatus::Ready).await.id;
    (world, id)
}

/// Inserts VODs without files, one second apart. The newest has the highest number.
pub(crate) async fn world_with_rows(count: u32) -> World {
    let world = World::running().await;
    let insert = format!(
        "INSERT INTO vods (user_id, stream_id, category_id, title, status, video_url, url_expires_at, b2_file_name, created_at) \
         SELECT {OWNER}, 3, 2, 'Vod ' || n, 'ready', 'http://x', now() + interval '1 day', 'k' || n, \
                now() - interval '1 hour' + n * interval '1 second' FROM generate_series(1, {count}) AS n"
    );
    world.sql(&insert).await;
    world
        .sql("INSERT INTO vods (user_id, title) VALUES (7, 'Unfinished')")
        .await;
    let listening = async || {
        world
            .client(None)
            .list_vods(ListVodsRequest::default())
            .await
            .is_ok()
    };
    world.eventually("the service", listening).await;
    world
}

#[tokio::test]
async fn view_counts_once_per_viewer() {
    let (world, id) = world_with_vod().await;
    let look = async |user: Option<i64>, address: &str, count_view: bool| {
        let user = user.map(|id| (UserId(id), Role::User));
        let mut client = world.client_from(user, address);
        client
            .get_vod(GetVodRequest { id, count_view })
            .await
            .unwrap()
            .into_inner()
            .vod
            .unwrap()
            .view_count
    };
    assert_eq!(look(Some(8), "192.0.2.1", false).await, 0);
    assert_eq!(look(Some(8), "192.0.2.1", true).await, 1);
    assert_eq!(
        look(Some(8), "192.0.2.9", true).await,
        1,
        "a signed-in user counts once across devices"
    );
    assert_eq!(
        look(None, "192.0.2.1", true).await,
        2,
        "a guest counts once per address"
    );
    assert_eq!(look(None, "192.0.2.1", true).await, 2);
    assert_eq!(look(None, "2001:db8::1", true).await, 3);
    assert_eq!(look(Some(9), "192.0.2.1", true).await, 4);
}

#[tokio::test]
async fn batched_views_follow_the_same_cooldown() {
    let (world, id) = world_with_vod().await;
    let seen = |vod_id: i64, address: &str| GuestView {
        vod_id,
        client_address: address.to_owned(),
    };
    let count = async |seen: Vec<GuestView>| {
        let mut client = world.client_from(None, "192.0.2.77");
        client.count_views(CountViewsRequest { seen }).await
    };
    let gone = id + 1;
    let three = vec![
        seen(id, "192.0.2.1"),
        seen(id, "2001:db8::1"),
        seen(gone, "192.0.2.1"),
        seen(id, "192.0.2.1"),
    ];
    count(three.clone()).await.unwrap();
    assert_eq!(world.get(id).await.view_count, 2);
    count(three).await.unwrap();
    assert_eq!(world.get(id).await.view_count, 2, "each is within its cooldown");

    for bad in [
        vec![seen(id, "a name")],
        vec![seen(0, "192.0.2.5")],
        vec![seen(id, "192.0.2.5"); 1001],
    ] {
        let refused = count(bad).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    assert_eq!(world.get(id).await.view_count, 2);
}

#[tokio::test]
async fn url_is_renewed_in_its_last_hour() {
    let (world, id) = world_with_vod().await;
    let fresh = world.get(id).await;
    assert_eq!(
        world.get(id).await.video_url,
        fresh.video_url,
        "a fresh URL is kept"
    );
    let age = "UPDATE vods SET url_expires_at = now() + interval '59 minutes', video_url = 'http://old', \
               thumbnail_url_expires_at = now() - interval '1 minute', thumbnail_url = 'http://old'";
    world.sql(age).await;
    let renewed = world.get(id).await;
    let client = reqwest::Client::new();
    for url in [
        renewed.video_url.as_ref().unwrap(),
        renewed.thumbnail_url.as_ref().unwrap(),
    ] {
        assert!(client.get(url).send().await.unwrap().status().is_success());
    }
    let stored = world
        .sql("SELECT video_url, url_expires_at > now() + interval '23 hours' FROM vods")
        .await;
    assert_eq!(
        stored.first().unwrap().get::<_, String>(0),
        renewed.video_url.unwrap()
    );
    assert!(stored.first().unwrap().get::<_, bool>(1));
    world.sql(age).await;
    let listed = world.vods().await;
    assert_ne!(listed.first().unwrap().video_url.as_deref(), Some("http://old"));
}

#[tokio::test]
async fn owner_deletes_a_vod_with_its_objects() {
    let (world, id) = world_with_vod().await;
    let request = DeleteVodRequest { id };
    let other = world
        .client(Some((UserId(8), Role::Moderator)))
        .delete_vod(request)
        .await
        .unwrap_err();
    assert_eq!(other.code(), Code::PermissionDenied);
    assert_eq!(
        world.client(None).delete_vod(request).await.unwrap_err().code(),
        Code::Unauthenticated
    );
    world.owner().delete_vod(request).await.unwrap();
    assert_eq!(
        world.owner().delete_vod(request).await.unwrap_err().code(),
        Code::NotFound
    );
    world
        .eventually("the objects to be deleted", async || {
            world.objects_in_bucket().await.is_empty()
        })
        .await;
    world
        .eventually("no row of them", async || {
            world.sql("SELECT 1 FROM pending_deletions").await.is_empty()
        })
        .await;
}

#[tokio::test]
async fn invalid_input_is_rejected() {
    let world = world_with_rows(0).await;
    for id in [0, -1] {
        let error = world
            .client(None)
            .get_vod(GetVodRequest {
                id,
                count_view: false,
            })
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
    let missing = world
        .client(None)
        .get_vod(GetVodRequest {
            id: i64::MAX,
            count_view: true,
        })
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    let pages = [
        PageRequest {
            page: 1,
            limit: 101,
            cursor: None,
        },
        PageRequest {
            page: u32::MAX,
            limit: 10,
            cursor: None,
        },
        PageRequest {
            page: 0,
            limit: 10,
            cursor: Some("x".into()),
        },
    ];
    for page in pages {
        let request = ListVodsRequest {
            page: Some(page),
            ..Default::default()
        };
        assert_eq!(
            world.client(None).list_vods(request).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
}

#[tokio::test]
async fn cursor_of_another_list_is_accepted() {
    let world = world_with_rows(0).await;
    for key in [i64::MIN, i64::MAX] {
        let cursor = Some(Cursor { key, id: 1 }.encode());
        let page = Some(PageRequest {
            page: 0,
            limit: 10,
            cursor,
        });
        let request = ListVodsRequest {
            page,
            ..Default::default()
        };
        world.client(None).list_vods(request).await.unwrap();
    }
}
