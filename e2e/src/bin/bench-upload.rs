//! Measures the upload of a 2 GiB video: its duration, and the peak memory of each service.
//!
//! Run it with `make bench-upload`, which provides release builds and a stack. Everything, including the
//! client, runs on this machine.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::api::{Api, User, number, text};
use e2e::process::peak_resident_mib;
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use stack::{Platform, PlatformOptions, Service, eventually};
use tokio::process::Command;

/// Size of the video in bytes.
const SIZE: u64 = 2 << 30;
const TIMEOUT: Duration = Duration::from_secs(900);

#[tokio::main]
async fn main() -> Result<()> {
    let mut platform = Platform::start(PlatformOptions::default()).await?;
    let guest = Api::guest(platform.origin())?;
    let user = guest.register("bench_uploader").await?;
    let folder = tempfile::tempdir()?;
    let video = folder.path().join("video.mp4");
    encode(&video).await?;
    peaks(&mut platform, "before")?;
    let started = Instant::now();
    let id = upload(&platform, &user, &video).await?;
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "upload: {SIZE} bytes in {seconds:.1} s, {:.0} MB/s",
        SIZE as f64 / seconds / 1e6
    );
    peaks(&mut platform, "after the upload")?;
    let url = ready(&user, id).await?;
    println!(
        "ready to play {:.1} s after the response",
        started.elapsed().as_secs_f64() - seconds
    );
    ensure!(
        reqwest::get(&url).await?.status().is_success(),
        "the VOD does not open"
    );
    peaks(&mut platform, "after the processing")?;
    platform.stop().await
}

/// Encodes 20 s of video, padded to its size by a `free` box (ISO/IEC 14496-12).
async fn encode(video: &Path) -> Result<()> {
    let status = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=640x360:rate=30:duration=20",
        ])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:duration=20"])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
        ])
        .arg(video)
        .status()
        .await?;
    ensure!(status.success(), "ffmpeg failed");
    let mut file = std::fs::OpenOptions::new().write(true).open(video)?;
    let length = file.seek(SeekFrom::End(0))?;
    // A size of 1 means that a 64-bit size follows.
    file.write_all(&1_u32.to_be_bytes())?;
    file.write_all(b"free")?;
    file.write_all(&(SIZE - length).to_be_bytes())?;
    Ok(file.set_len(SIZE)?)
}

async fn upload(platform: &Platform, user: &User, video: &Path) -> Result<i64> {
    let form = Form::new()
        .text("title", "A long talk")
        .part("videoFile", Part::file(video).await?);
    let sent = reqwest::Client::new()
        .post(format!("{}/api/vod/upload-local", platform.origin()))
        .bearer_auth(&user.token)
        .multipart(form)
        .send()
        .await?;
    let status = sent.status();
    let body: Value = sent.json().await?;
    ensure!(status == 201, "{status}: {body}");
    number(&body, "/vod/id")
}

async fn ready(user: &User, id: i64) -> Result<String> {
    eventually(TIMEOUT, "the VOD", async || {
        let vod = user.api.get(&format!("/vod/{id}")).await?.expect(200)?;
        text(&vod, "/vod/videoUrl").context("not ready")
    })
    .await
}

fn peaks(platform: &mut Platform, when: &str) -> Result<()> {
    for service in Service::ALL {
        let pid = platform
            .services()
            .process(service)?
            .pid()
            .context("not running")?;
        println!(
            "{when}: {} peak {:.0} MiB resident",
            service.name(),
            peak_resident_mib(pid)?
        );
    }
    Ok(())
}
