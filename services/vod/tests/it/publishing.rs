//! A recording becomes a VOD.

use std::sync::{Arc, Mutex};

use bus::{Consumer, emit};
use proto::events::v1::event::Payload;
use proto::events::v1::{UserRegistered, VodPublished};
use proto::vod::v1::{GetVodRequest, ListVodsRequest, VodStatus};
use reqwest::StatusCode;
use reqwest::header::RANGE;
use storage::AsyncPgConnection;

use crate::recording::{duration, three_seconds};
use crate::world::{OWNER, World, finished};

const FILE: &str = "abcdefghijklmnopqrst-1795376364.flv";

#[tokio::test]
async fn event_on_the_bus_leads_to_a_playable_url() {
    let world = World::running().await;
    let heard = listen(&world);
    let user = UserRegistered {
        user_id: OWNER.0,
        username: "alice".into(),
        display_name: "Alice".into(),
    };
    world.deliver(Payload::UserRegistered(user), 1).await;
    world.record(FILE, three_seconds());
    tell(&world, Payload::RecordingFinished(finished(FILE))).await;

    let listed = world.wait_for_vod(VodStatus::Ready).await;
    let vod = world.get(listed.id).await;
    assert_eq!(
        (vod.title.as_str(), vod.description.as_str()),
        ("Evening", "A talk")
    );
    assert_eq!((vod.stream_id, vod.user_id), (Some(3), OWNER.0));
    assert_eq!(
        (vod.username.as_str(), vod.display_name.as_str()),
        ("alice", "Alice")
    );
    assert!(
        (vod.duration_seconds - 3.0).abs() < 0.5,
        "{}",
        vod.duration_seconds
    );

    let url = vod.video_url.unwrap();
    assert!((duration(&url) - vod.duration_seconds).abs() < 0.1);
    let client = reqwest::Client::new();
    let part = client.get(&url).header(RANGE, "bytes=0-99").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap().len(), 100);
    let picture = client
        .get(vod.thumbnail_url.unwrap())
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    media::image::normalise(picture.to_vec(), 4000).await.unwrap();

    world
        .eventually("the file to be deleted", async || {
            world.files_on_disk().is_empty()
        })
        .await;
    assert_eq!(world.objects_in_bucket().await.len(), 2);
    world
        .eventually("the news", async || !heard.lock().unwrap().is_empty())
        .await;
    let news = heard.lock().unwrap().clone();
    assert_eq!(news, [(vod.id, "Evening".to_owned(), "Alice".to_owned())]);
}

#[tokio::test]
async fn duplicate_event_creates_one_vod() {
    let world = World::running().await;
    world.record(FILE, three_seconds());
    let id = uuid::Uuid::now_v7();
    for _ in 0..2 {
        world
            .deliver_again(id, Payload::RecordingFinished(finished(FILE)), 1)
            .await;
    }
    // Another event for the same file.
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    world.wait_for_vod(VodStatus::Ready).await;
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    assert_eq!(world.vods().await.len(), 1);
    assert_eq!(world.job_state().await, ("published".to_owned(), 1));
    assert_eq!(world.objects_in_bucket().await.len(), 2);
}

#[tokio::test]
async fn reconnect_creates_a_vod_per_recording() {
    let world = World::running().await;
    for file in [
        "abcdefghijklmnopqrst-1795376364.flv",
        "abcdefghijklmnopqrst-1795376370.flv",
    ] {
        world.record(file, three_seconds());
        world.deliver(Payload::RecordingFinished(finished(file)), 1).await;
    }
    let ready = async || {
        world
            .vods()
            .await
            .iter()
            .filter(|vod| vod.status() == VodStatus::Ready)
            .count()
    };
    world.eventually("two VODs", async || ready().await == 2).await;
}

#[tokio::test]
async fn processing_vod_is_visible_to_its_owner_and_admins() {
    // The file does not exist, so the job is retried.
    let mut world = World::stopped(|config| config.work.as_mut().unwrap().1.max_attempts = 100).await;
    world.run();
    world.deliver(Payload::RecordingFinished(finished(FILE)), 1).await;
    let vod = world.wait_for_vod(VodStatus::Processing).await;
    assert_eq!(vod.video_url, None);
    let request = GetVodRequest {
        id: vod.id,
        count_view: true,
    };
    let refused = world.client(None).get_vod(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::NotFound);
    let other = world.client(Some((primitives::UserId(8), primitives::Role::Moderator)));
    assert_eq!(
        other.clone().get_vod(request).await.unwrap_err().code(),
        tonic::Code::NotFound
    );
    let admin = world.client(Some((primitives::UserId(9), primitives::Role::Admin)));
    assert_eq!(
        admin
            .clone()
            .get_vod(request)
            .await
            .unwrap()
            .into_inner()
            .vod
            .unwrap()
            .view_count,
        0
    );
}

/// Publishes an event through the relay of the service.
async fn tell(world: &World, payload: Payload) {
    let write = async move |conn: &mut AsyncPgConnection| {
        emit(conn, payload, 1, 1).await?;
        Ok::<_, storage::Error>(())
    };
    world.app.database.transaction(write).await.unwrap();
}

type News = Arc<Mutex<Vec<(i64, String, String)>>>;

fn listen(world: &World) -> News {
    let news = News::default();
    let kept = news.clone();
    let note = move |event: VodPublished| {
        kept.lock()
            .unwrap()
            .push((event.vod_id, event.title, event.display_name));
    };
    let consumer = Consumer::new("notification.test", &["vod.published"]);
    tokio::spawn(consumer.run(
        world.serving.bus.clone(),
        world.shutdown.soft_token(),
        move |delivery| {
            if let Some(Payload::VodPublished(event)) = delivery.event.payload {
                note(event);
            }
            std::future::ready(Ok(()))
        },
    ));
    news
}

/// Prints how long a viewer waits for the VOD of a minute on air, with the settings that a deployment has.
#[tokio::test]
#[ignore = "a measurement"]
async fn measure_processing_of_one_minute() {
    let change = |config: &mut vod::Config| {
        let work = &mut config.work.as_mut().unwrap().1;
        (work.settle_seconds, work.sweep_seconds, work.lease_seconds) = (1.5, 15.0, 60);
    };
    let mut world = World::stopped(change).await;
    world.run();
    world
        .eventually("the service", async || {
            world
                .client(None)
                .list_vods(ListVodsRequest::default())
                .await
                .is_ok()
        })
        .await;
    let minute = crate::recording::encode("60");
    world.record(FILE, &minute);
    let ended = std::time::Instant::now();
    tell(&world, Payload::RecordingFinished(finished(FILE))).await;
    world.wait_for_vod(VodStatus::Ready).await;
    println!(
        "a recording of {} bytes is a VOD after {:?}",
        minute.len(),
        ended.elapsed()
    );
}
