//! Measures a broadcast from encoder to replay, and the resources of the idle platform.
//!
//! Run it with `make bench`, which provides release builds and a stack. Everything, including the load, runs
//! on this machine.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
#![expect(clippy::indexing_slicing, reason = "a missing JSON field reads as null")]

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::api::{Api, User, text};
use e2e::live::create_stream;
use e2e::process::{cpu_seconds, resident_mib};
use e2e::socket::Socket;
use serde_json::Value;
use stack::{Platform, PlatformOptions, Publisher, eventually};

/// Number of `on_publish` hooks, sent one after another.
const HOOKS: usize = 500;
/// Number of measurements of going live.
const STARTS: usize = 5;
/// Length of the broadcast whose VOD is timed.
const BROADCAST: Duration = Duration::from_secs(60);
/// How long the idle platform is measured.
const IDLE: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<()> {
    // One streamer creates hundreds of streams, faster than the limit.
    let unlimited = ("AIRWAVE_GATEWAY_WRITES_PER_MINUTE".to_owned(), "0".to_owned());
    let options = PlatformOptions {
        variables: vec![unlimited],
    };
    let mut platform = Platform::start(options).await?;
    let guest = Api::guest(platform.origin())?;
    idle(&mut platform, "after start").await?;
    let streamer = guest.register("bench_streamer").await?;
    let viewer = guest.register("bench_viewer").await?;
    viewer
        .api
        .post(&format!("/users/{}/follow", streamer.id), Value::Null)
        .await?
        .expect(201)?;
    let mut socket = Socket::connect(platform.origin(), Some(&viewer.token)).await?;
    socket.emit("join_notification_room", Value::Null).await?;
    hooks(&mut platform, &streamer).await?;
    for _ in 0..STARTS {
        start(&platform, &guest, &streamer, &mut socket).await?;
    }
    replay(&platform, &guest, &streamer, &mut socket).await?;
    drop(socket);
    idle(&mut platform, "after the broadcasts").await?;
    platform.stop().await
}

/// Measures resident memory and processor time of the six services without load.
async fn idle(platform: &mut Platform, when: &str) -> Result<()> {
    let pids: Vec<u32> = platform
        .services()
        .processes()
        .filter_map(|child| child.pid())
        .collect();
    let before = cpu_seconds(&pids)?;
    let started = Instant::now();
    tokio::time::sleep(IDLE).await;
    let share = (cpu_seconds(&pids)? - before) / started.elapsed().as_secs_f64() * 100.0;
    let resident = pids.iter().map(|pid| resident_mib(*pid)).sum::<Result<f64>>()?;
    println!(
        "idle {when}: {} services, {resident:.0} MiB resident in total, {share:.2} % of a core",
        pids.len()
    );
    Ok(())
}

/// Measures `on_publish` through nginx's hook location, each time for another stream.
async fn hooks(platform: &mut Platform, streamer: &User) -> Result<()> {
    let url = format!("{}/_hook/publish", platform.media().hook_url());
    let http = reqwest::Client::new();
    let mut times = Vec::new();
    for client in 0..HOOKS {
        let key = create_stream(streamer).await?.1;
        let (name, secret) = key.split_once("?key=").context("no secret")?;
        let id = 1_000_000 + client;
        let body = format!(
            "app=live&flashver=&swfurl=&tcurl=&pageurl=&addr=127.0.0.1&clientid={id}&call=publish&name={name}\
             &type=live&key={secret}"
        );
        let sent = Instant::now();
        let request = http
            .post(&url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let status = request.send().await?.status();
        times.push(sent.elapsed().as_secs_f64() * 1000.0);
        ensure!(status.is_success(), "on_publish returned {status}");
    }
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    println!(
        "on_publish, {HOOKS} one after another: median {:.1} ms, p99 {:.1} ms",
        at(50),
        at(99)
    );
    Ok(())
}

/// Measures from the encoder's start to the follower's notification and to the first playlist with a segment.
async fn start(platform: &Platform, guest: &Api, streamer: &User, socket: &mut Socket) -> Result<()> {
    let (id, key) = create_stream(streamer).await?;
    let started = Instant::now();
    let mut publisher = publish(platform, &key).await?;
    socket
        .event_where("new_notification", TIMEOUT, |n| {
            n["relatedEntityId"] == id && n["type"] == "stream_started"
        })
        .await?;
    let notified = started.elapsed();
    let stream = guest.get(&format!("/streams/{id}")).await?.expect(200)?;
    let hls = text(&stream, "/stream/playbackUrls/hls")?;
    eventually(TIMEOUT, "a playlist with a segment", async || {
        let playlist = reqwest::get(&hls).await?.error_for_status()?.text().await?;
        ensure!(playlist.contains("#EXTINF"), "no segment yet");
        anyhow::Ok(())
    })
    .await?;
    println!(
        "going live: follower's notification {:.2} s and first playlist {:.2} s after the encoder's start",
        notified.as_secs_f64(),
        started.elapsed().as_secs_f64()
    );
    publisher.stop().await?;
    eventually(TIMEOUT, "the end", async || {
        let stream = guest.get(&format!("/streams/{id}")).await?.expect(200)?;
        ensure!(stream["stream"]["status"] == "ended", "still live");
        anyhow::Ok(())
    })
    .await
}

/// Measures from the end of a broadcast, after its reconnect grace, to a playable VOD.
async fn replay(platform: &Platform, guest: &Api, streamer: &User, socket: &mut Socket) -> Result<()> {
    let (id, key) = create_stream(streamer).await?;
    let mut publisher = publish(platform, &key).await?;
    tokio::time::sleep(BROADCAST).await;
    publisher.stop().await?;
    let stopped = Instant::now();
    eventually(TIMEOUT, "the end", async || {
        let stream = guest.get(&format!("/streams/{id}")).await?.expect(200)?;
        ensure!(stream["stream"]["status"] == "ended", "still live");
        anyhow::Ok(())
    })
    .await?;
    let ended = Instant::now();
    let vod = eventually(TIMEOUT, "the VOD", async || {
        guest.get(&format!("/streams/{id}/vod")).await?.expect(200)
    })
    .await?;
    let ready = Instant::now();
    let url = text(&vod, "/vod/videoUrl")?;
    ensure!(
        reqwest::get(&url).await?.status().is_success(),
        "the VOD does not open"
    );
    println!(
        "replay of {:.1} s: ready {:.2} s after the end, which was {:.2} s after the encoder stopped",
        vod.pointer("/vod/durationSeconds")
            .and_then(Value::as_f64)
            .unwrap_or_default(),
        (ready - ended).as_secs_f64(),
        (ended - stopped).as_secs_f64()
    );
    socket
        .event_where("new_notification", TIMEOUT, |n| n["type"] == "new_vod")
        .await?;
    Ok(())
}

async fn publish(platform: &Platform, key: &str) -> Result<Publisher> {
    Publisher::start(&platform.publish_url(key)).await
}
