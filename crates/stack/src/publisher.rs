//! ffmpeg as an encoder: an endless test pattern with a tone in real time, H.264 and AAC, one keyframe per
//! second.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use tempfile::NamedTempFile;

use crate::child::{Child, Program};
use crate::place;

/// Long enough that a test's broadcast seldom reaches the end of the loop.
const CLIP_SECONDS: &str = "30";

/// Returns the encoded test pattern of this checkout, and encodes it if necessary.
///
/// Encoding takes 15 % of a core per publisher, copying the encoded file 1 %.
pub async fn clip() -> Result<PathBuf> {
    let folder = place::checkout().join(".cache");
    place::passable_folder(&folder)?;
    let clip = folder.join("clip.flv");
    let lock = File::create(folder.join("clip.lock"))?;
    // Only one process encodes. The lock blocks, hence `spawn_blocking`.
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
    if !clip.exists() {
        encode(&folder, &clip).await?;
    }
    drop(lock);
    Ok(clip)
}

async fn encode(folder: &Path, clip: &Path) -> Result<()> {
    let unfinished = folder.join("unfinished.flv");
    Program::new("ffmpeg", place::program("ffmpeg")?, folder.join("clip.log"))
        .args(["-nostdin", "-v", "error", "-y"])
        .args(["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"])
        .args([
            "-t",
            CLIP_SECONDS,
            "-pix_fmt",
            "yuv420p",
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-b:v",
            "600k",
        ])
        .args(["-g", "25", "-keyint_min", "25", "-sc_threshold", "0", "-bf", "0"])
        .args(["-c:a", "aac", "-ac", "2", "-b:a", "64k", "-f", "flv"])
        .arg(&unfinished)
        .run(Duration::from_secs(120))
        .await?;
    std::fs::rename(unfinished, clip).context("cannot rename the clip")
}

/// A running encoder; dropping it kills it.
#[derive(Debug)]
pub struct Publisher {
    ffmpeg: Child,
    _log: NamedTempFile,
}

impl Publisher {
    /// Publishes to `SERVER/KEY` until stopped.
    pub async fn start(url: &str) -> Result<Self> {
        Self::publish(url, &[]).await
    }

    /// Publishes to `SERVER/KEY` for some seconds and then stops like an encoder that its user stops.
    pub async fn start_for(url: &str, seconds: u32) -> Result<Self> {
        Self::publish(url, &["-t", &seconds.to_string()]).await
    }

    async fn publish(url: &str, limits: &[&str]) -> Result<Self> {
        let log = NamedTempFile::with_prefix("airwave-publisher-")?;
        let program = Program::new("publisher", place::program("ffmpeg")?, log.path())
            .args(["-nostdin", "-v", "warning", "-re", "-stream_loop", "-1", "-i"])
            .arg(clip().await?)
            .args(limits)
            .args([
                "-c",
                "copy",
                "-f",
                "flv",
                "-flvflags",
                "no_duration_filesize",
                url,
            ])
            // Like an encoder's stop button: ffmpeg announces the end of the stream.
            .stop_signal(Signal::SIGINT);
        Ok(Self {
            ffmpeg: program.start()?,
            _log: log,
        })
    }

    /// Stops like an encoder that its user stops.
    pub async fn stop(&mut self) -> Result<()> {
        self.ffmpeg.stop(Duration::from_secs(10)).await
    }

    /// Kills ffmpeg.
    pub async fn kill(&mut self) -> Result<()> {
        self.ffmpeg.kill().await
    }

    /// Suspends ffmpeg: the connection stays open without data, as after a network failure.
    pub fn freeze(&self) -> Result<()> {
        self.ffmpeg.signal(Signal::SIGSTOP)
    }

    /// Resumes ffmpeg.
    pub fn thaw(&self) -> Result<()> {
        self.ffmpeg.signal(Signal::SIGCONT)
    }

    /// Returns whether ffmpeg has ended by itself, as it does after a rejected or dropped publish.
    pub fn ended(&mut self) -> Result<bool> {
        Ok(self.ffmpeg.exited()?.is_some())
    }

    /// Waits until ffmpeg has ended by itself.
    pub async fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let ended = tokio::time::timeout(deadline, self.ffmpeg.wait()).await;
        ended.with_context(|| format!("the publisher did not end within {deadline:?}"))?
    }

    /// Returns the last lines that ffmpeg wrote.
    #[must_use]
    pub fn log(&self) -> String {
        self.ffmpeg.log_tail(10)
    }
}
