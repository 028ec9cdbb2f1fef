//! Our own watch page in a real browser.

use anyhow::{Result, ensure};
use e2e::api::Api;
use e2e::browser::{Player, watch};
use e2e::live::go_live;
use stack::{Platform, PlatformOptions};

const SECONDS: u32 = 20;
/// A short stall at the start is allowed; a player that has frozen is far below this.
const MIN_ADVANCED: f64 = 18.0;
/// The test tone has 64 kbit/s, so 20 s of it are about 160 kB.
const MIN_AUDIO_BYTES: u64 = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn watch_page_plays_hls_and_dash_with_audio() -> Result<()> {
    let platform = Platform::start(PlatformOptions::default()).await?;
    let streamer = Api::guest(platform.origin())?.register("streamer_lan").await?;
    let (stream, mut publisher) = go_live(&platform, &streamer).await?;
    for player in [Player::Hls, Player::Dash] {
        let seen = watch(player, platform.origin(), stream, SECONDS).await?;
        eprintln!("{player:?}: {seen:?}");
        ensure!(seen.advanced > MIN_ADVANCED, "{player:?} froze: {seen:?}");
        ensure!(
            seen.audio_bytes > MIN_AUDIO_BYTES,
            "{player:?} has no audio: {seen:?}"
        );
    }
    publisher.stop().await?;
    platform.stop().await
}
