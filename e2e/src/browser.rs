//! Players in a headless Chromium.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// What the browser needs to start and to load a page, on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

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

impl Player {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hls => "hls",
            Self::Dash => "dash",
            Self::File => "file",
        }
    }
}

/// How the watch page played during a measurement.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Playback {
    /// By how many seconds of media playback advanced.
    pub advanced: f64,
    /// How many seconds the measurement took.
    pub elapsed: f64,
    /// How many bytes of audio were decoded.
    pub audio_bytes: u64,
    /// How often the player ran out of data.
    pub stalls: u32,
}

/// Plays a URL until playback has advanced by some seconds. Returns `advanced`, `width`, `height`,
/// `audioBytes` and every URL that was `requested`.
pub async fn play(player: Player, origin: &str, url: &str, seconds: u32) -> Result<Value> {
    let kind = player.as_str();
    let stdout = run(
        "play.mjs",
        &[kind, origin, url, &seconds.to_string()],
        START_TIMEOUT,
    )
    .await;
    let stdout = stdout.with_context(|| format!("{kind} does not play {url}"))?;
    Ok(serde_json::from_slice(&stdout)?)
}

/// Opens the watch page of a live stream and measures its own player for some seconds.
pub async fn watch(player: Player, origin: &str, stream: i64, seconds: u32) -> Result<Playback> {
    let kind = player.as_str();
    let arguments = [kind, origin, &stream.to_string(), &seconds.to_string()];
    let timeout = START_TIMEOUT + Duration::from_secs(seconds.into());
    let stdout = run("watch.mjs", &arguments, timeout).await;
    let stdout = stdout.with_context(|| format!("the watch page does not play {kind}"))?;
    Ok(serde_json::from_slice(&stdout)?)
}

async fn run(script: &str, arguments: &[&str], timeout: Duration) -> Result<Vec<u8>> {
    let run = crate::node(script)
        .args(arguments)
        .stdout(Stdio::piped())
        .output();
    let output = tokio::time::timeout(timeout, run)
        .await
        .context("the browser does not respond")??;
    ensure!(output.status.success(), "{script} failed: {}", output.status);
    Ok(output.stdout)
}

/// What the API reference showed and did.
#[derive(Debug, Deserialize)]
pub struct Reference {
    /// The ids of the operations shown.
    pub operations: Vec<String>,
    /// Violated directives of the content security policy.
    pub violations: Vec<String>,
    /// URLs of other origins that the page requested.
    pub foreign: Vec<String>,
    /// Uncaught errors.
    pub errors: Vec<String>,
}

/// Opens the API reference.
pub async fn reference(origin: &str) -> Result<Reference> {
    let stdout = run("docs.mjs", &[origin], START_TIMEOUT).await;
    let stdout = stdout.context("the API reference does not load")?;
    Ok(serde_json::from_slice(&stdout)?)
}
