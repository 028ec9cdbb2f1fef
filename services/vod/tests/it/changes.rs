//! Changes by owners and admins.

use primitives::{Role, UserId};
use proto::events::v1::event::Payload;
use proto::upload::messages;
use proto::vod::v1::{RefreshUrlsRequest, RetryVodRequest, UpdateVodRequest, VodStatus};
use tonic::Code;

use crate::calls::world_with_vod;
use crate::world::{OWNER, World, finished};

const STRANGER: Option<(UserId, Role)> = Some((UserId(9), Role::User));

pub(crate) fn png() -> Vec<u8> {
    let picture = image::RgbImage::from_pixel(1600, 900, image::Rgb([0, 90, 0]));
    let mut file = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

fn named(id: i64, title: &str) -> UpdateVodRequest {
    UpdateVodRequest {
        id,
        title: Some(title.to_owned()),
        ..UpdateVodRequest::default()
    }
}

#[tokio::test]
async fn owner_changes_title_and_thumbnail() {
    let (world, id) = world_with_vod().await;
    let before = world.get(id).await;
    let objects = world.objects_in_bucket().await;
    let changed = world
        .owner()
        .update_vod(messages(&png(), named(id, "Đá bóng")))
        .await;
    let changed = changed.unwrap().into_inner().vod.unwrap();
    assert_eq!(
        (changed.title.as_str(), &changed.description),
        ("Đá bóng", &before.description)
    );
    assert_eq!(changed.video_url, before.video_url);
    let shown = reqwest::get(changed.thumbnail_url.unwrap()).await.unwrap();
    let picture = image::load_from_memory(&shown.bytes().await.unwrap()).unwrap();
    assert_eq!((picture.width(), picture.height()), (1280, 720));
    world
        .eventually("the old picture to be deleted", async || {
            world.objects_in_bucket().await.len() == objects.len()
        })
        .await;
    let removal = UpdateVodRequest {
        id,
        remove_thumbnail: true,
        ..UpdateVodRequest::default()
    };
    let changed = world.owner().update_vod(messages(&[], removal)).await;
    assert_eq!(changed.unwrap().into_inner().vod.unwrap().thumbnail_url, None);
    world
        .eventually("the picture to be deleted", async || {
            world.objects_in_bucket().await.len() == objects.len() - 1
        })
        .await;
}

#[tokio::test]
async fn other_users_cannot_change_a_vod() {
    let (world, id) = world_with_vod().await;
    let before = world.get(id).await;
    let mut stranger = world.client(STRANGER);
    let refused = stranger.update_vod(messages(&[], named(id, "Mine now"))).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let refused = stranger.refresh_urls(RefreshUrlsRequest { id }).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let refused = stranger.retry_vod(RetryVodRequest { id }).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let guest = world
        .client(None)
        .update_vod(messages(&[], named(id, "Mine now")))
        .await;
    assert_eq!(guest.unwrap_err().code(), Code::Unauthenticated);
    let short = world.owner().update_vod(messages(&[], named(id, "x"))).await;
    assert_eq!(short.unwrap_err().code(), Code::InvalidArgument);
    let text = world
        .owner()
        .update_vod(messages(b"no picture", named(id, "Good title")))
        .await;
    assert_eq!(text.unwrap_err().code(), Code::FailedPrecondition);
    let category = UpdateVodRequest {
        category_id: Some(77),
        ..named(id, "Good title")
    };
    let unknown = world.owner().update_vod(messages(&[], category)).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
    assert_eq!(world.get(id).await.title, before.title);

    world.sql("UPDATE vods SET status = 'processing'").await;
    let unseen = stranger.update_vod(messages(&[], named(id, "Mine now"))).await;
    assert_eq!(
        unseen.unwrap_err().code(),
        Code::NotFound,
        "an unfinished VOD is not found"
    );
}

#[tokio::test]
async fn owner_refreshes_urls() {
    let (world, id) = world_with_vod().await;
    world
        .sql("UPDATE vods SET video_url = 'old', url_expires_at = now() + interval '5 hours'")
        .await;
    assert_eq!(world.get(id).await.video_url.as_deref(), Some("old"));
    let renewed = world
        .owner()
        .refresh_urls(RefreshUrlsRequest { id })
        .await
        .unwrap();
    let url = renewed.into_inner().vod.unwrap().video_url.unwrap();
    assert!(reqwest::get(&url).await.unwrap().status().is_success());
    assert_eq!(world.get(id).await.video_url, Some(url));
}

#[tokio::test]
async fn failed_vod_is_retried() {
    const FILE: &str = "abcdefghijklmnopqrst-1795376365.flv";
    let world = World::running().await;
    world.record(FILE, b"this is no video at all");
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    let failed = world.wait_for_vod(VodStatus::Failed).await;
    let retry = RetryVodRequest { id: failed.id };
    // Replaces the damaged file, which has been kept.
    world.record(FILE, crate::recording::three_seconds());
    let again = world
        .owner()
        .retry_vod(retry)
        .await
        .unwrap()
        .into_inner()
        .vod
        .unwrap();
    assert_eq!((again.user_id, again.failure_reason), (OWNER.0, None));
    world.wait_for_vod(VodStatus::Ready).await;
    let twice = world.owner().retry_vod(retry).await.unwrap_err();
    assert_eq!(twice.code(), Code::AlreadyExists);
}
