//! Players in a headless Chromium.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// How a URL is played.
#[derive(Debug, Clone, Copy)]
pub enum Player {
    /// hls.js.
    Hls,
    /// dash.js.
    Dash,
    /// The browser's own.
    File,
}

/// Plays a URL until its clock has advanced by some seconds; answers what was seen: `advanced`, `width`,
/// `height`, `audioBytes`, and every URL that was `requested`.
///
/// # Errors
/// When it does not play within a minute.
pub async fn play(player: Player, origin: &str, url: &str, seconds: u32) -> Result<Value> {
    let kind = match player {
        Player::Hls => "hls",
        Player::Dash => "dash",
        Player::File => "file",
    };
    let run = crate::node("play.mjs")
        .args([kind, origin, url, &seconds.to_string()])
        .stdout(Stdio::piped())
        .output();
    let output = tokio::time::timeout(Duration::from_secs(60), run)
        .await
        .context("the browser hangs")??;
    ensure!(output.status.success(), "{kind} does not play {url}");
    Ok(serde_json::from_slice(&output.stdout)?)
}
