//! Cached answers for guests.

use futures::future::join_all;
use proto::events::v1::VodPublished;
use proto::events::v1::event::Payload;
use reqwest::Method;

use crate::peers::MISSING;
use crate::world::{World, answer};

/// Longer than any of these tests takes.
const LONG: u64 = 60_000;

async fn caching(milliseconds: u64) -> World {
    World::with(|config| config.public.gateway_answer_age_ms = milliseconds).await
}

#[tokio::test]
async fn guests_share_an_answer() {
    let world = caching(LONG).await;
    let first = world.get("/api/vod/12").await;
    assert_eq!(first.headers["content-type"], "application/json");
    // The fake service counts its calls.
    assert_eq!(first.body["vod"]["viewCount"], 1);
    assert_eq!(world.get("/api/vod/12").await.body, first.body);
    assert_eq!(world.get("/api/vod/13").await.body["vod"]["viewCount"], 2);

    let own = world.get_as("/api/vod/12", 5).await;
    assert_eq!(own.body["vod"]["viewCount"], 3, "users get a fresh answer");
    assert_eq!(
        world.get("/api/vod/12").await.body,
        first.body,
        "guests keep the cached answer"
    );

    let at_once = join_all((0..20).map(|_| world.get("/api/vod/14"))).await;
    assert!(at_once.iter().all(|answer| answer.body["vod"]["viewCount"] == 4));
}

#[tokio::test]
async fn every_guest_counts_as_viewer_of_a_cached_answer() {
    let world = caching(LONG).await;
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3"] {
        let request = world.request(Method::GET, "/api/vod/12");
        let request = request.header("X-Forwarded-For", address);
        assert_eq!(answer(request).await.status, 200);
    }
    world.get_as("/api/vod/12", 5).await;
    world.get(&format!("/api/vod/{MISSING}")).await;
    let expected = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|address| (12, address.to_owned()));
    stack::eventually(crate::world::SOON, "the views", async || {
        let seen = world.peers.state().seen.clone();
        if seen.iter().eq(expected.iter()) {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn event_drops_cached_answers() {
    let world = caching(LONG).await;
    assert_eq!(world.get("/api/vod/12").await.body["vod"]["viewCount"], 1);
    let published = VodPublished {
        vod_id: 13,
        ..VodPublished::default()
    };
    world.emit(Payload::VodPublished(published), 13, 1).await;
    stack::eventually(crate::world::SOON, "a fresh answer", async || {
        let count = world.get("/api/vod/12").await.body["vod"]["viewCount"].clone();
        if count == 1 {
            Err("the cached answer")
        } else {
            Ok(())
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn errors_are_not_cached_and_answers_expire() {
    let world = caching(LONG).await;
    world.stream(1, false);
    world.peers.state().stream_away = true;
    assert_eq!(world.get("/api/streams/1").await.status, 503);
    world.peers.state().stream_away = false;
    assert_eq!(world.get("/api/streams/1").await.status, 200);

    let world = caching(50).await;
    assert_eq!(world.get("/api/vod/12").await.body["vod"]["viewCount"], 1);
    stack::eventually(crate::world::SOON, "a fresh answer", async || {
        let count = world.get("/api/vod/12").await.body["vod"]["viewCount"].clone();
        if count == 1 {
            Err("the cached answer")
        } else {
            Ok(())
        }
    })
    .await
    .unwrap();
}
