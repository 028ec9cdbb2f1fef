use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::probe::has_no_packets;
use super::{Error, Probe, VideoCodec, probe, process};

/// Generous: copying is only limited by the disk.
const COPY_TIMEOUT: Duration = Duration::from_secs(15 * 60);
const TRANSCODE_TIMEOUT: Duration = Duration::from_secs(6 * 3600);
/// Threads for decoding, and again for encoding. Few, because other jobs and services share the machine.
const THREADS: &str = "2";

/// A fast-start MP4, which plays before it has been downloaded in full.
#[derive(Debug, Clone, PartialEq)]
pub struct Remuxed {
    /// Read from the MP4, because a truncated FLV has no duration.
    pub duration_seconds: f64,
    /// The contents of the MP4.
    pub probe: Probe,
    /// A track was transcoded, which takes minutes rather than seconds.
    pub transcoded: bool,
}

/// Remuxes a video to a fast-start MP4. Copies tracks that every browser plays (H.264 in 4:2:0, AAC, MP3) and
/// transcodes others to H.264 and AAC. `dst` is created only when it is complete.
///
/// # Errors
/// [`Error::Empty`] if the file has no media, [`Error::Broken`] if it cannot be read.
pub async fn remux_faststart(src: &Path, dst: &Path) -> Result<Remuxed, Error> {
    let source = probe(src).await?;
    let temporary = Temporary::beside(dst);
    let plan = Plan::of(&source);
    let output = process::run("ffmpeg", plan.arguments(src, &temporary.0), plan.timeout()).await?;
    if !output.success {
        let usable = if plan.has_video { "v" } else { "a" };
        return Err(match has_no_packets(src, usable).await {
            Ok(true) => Error::Empty,
            _ => Error::Broken(output.error_message()),
        });
    }
    let written = probe(&temporary.0).await?;
    let duration_seconds = written
        .duration_seconds
        .filter(|seconds| *seconds > 0.0)
        .ok_or(Error::Empty)?;
    tokio::fs::rename(&temporary.0, dst).await?;
    Ok(Remuxed {
        duration_seconds,
        probe: written,
        transcoded: !(plan.copy_video && plan.copy_audio),
    })
}

/// Which tracks are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    has_video: bool,
    copy_video: bool,
    copy_audio: bool,
}

impl Plan {
    fn of(source: &Probe) -> Self {
        Self {
            has_video: source.video.is_some(),
            copy_video: source.video.as_ref().is_none_or(plays_everywhere),
            copy_audio: source
                .audio_codec
                .as_deref()
                .is_none_or(|name| matches!(name, "aac" | "mp3")),
        }
    }

    fn timeout(self) -> Duration {
        if self.copy_video {
            COPY_TIMEOUT
        } else {
            TRANSCODE_TIMEOUT
        }
    }

    fn arguments(self, src: &Path, dst: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = ["-nostdin", "-v", "error", "-y", "-threads", THREADS]
            .map(OsString::from)
            .to_vec();
        arguments.extend(process::input(src));
        let video: &[&str] = if self.copy_video {
            &["-c:v", "copy"]
        } else {
            &[
                "-c:v", "libx264", "-preset", "veryfast", "-crf", "22", "-pix_fmt", "yuv420p", "-g", "60",
            ]
        };
        let audio: &[&str] = if self.copy_audio {
            &["-c:a", "copy"]
        } else {
            &["-c:a", "aac", "-b:a", "160k"]
        };
        let map_video: &[&str] = if self.has_video { &["-map", "0:v:0"] } else { &[] };
        let map_rest = ["-map", "0:a:0?", "-map_metadata", "-1", "-map_chapters", "-1"];
        let container = ["-threads", THREADS, "-movflags", "+faststart", "-f", "mp4"];
        for part in [map_video, &map_rest[..], video, audio, &container[..]] {
            arguments.extend(part.iter().map(OsString::from));
        }
        arguments.push(dst.into());
        arguments
    }
}

fn plays_everywhere(video: &VideoCodec) -> bool {
    video.name == "h264" && matches!(video.pixel_format.as_str(), "yuv420p" | "yuvj420p")
}

/// A temporary file in the directory of the result. Removed on drop unless it has been renamed.
pub(super) struct Temporary(pub(super) PathBuf);

impl Temporary {
    pub(super) fn beside(path: &Path) -> Self {
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(".part");
        Self(path.with_file_name(name))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(video: Option<(&str, &str)>, audio: Option<&str>) -> Probe {
        Probe {
            duration_seconds: None,
            video: video.map(|(name, pixel_format)| VideoCodec {
                name: name.into(),
                width: 640,
                height: 360,
                pixel_format: pixel_format.into(),
            }),
            audio_codec: audio.map(Into::into),
        }
    }

    #[test]
    fn only_unsupported_tracks_are_transcoded() {
        let copied = |video, audio| {
            let plan = Plan::of(&source(video, audio));
            (plan.copy_video, plan.copy_audio)
        };
        assert_eq!(copied(Some(("h264", "yuv420p")), Some("aac")), (true, true));
        assert_eq!(copied(None, Some("mp3")), (true, true));
        assert_eq!(copied(Some(("h264", "yuv444p")), None), (false, true));
        assert_eq!(
            copied(Some(("flv1", "yuv420p")), Some("nellymoser")),
            (false, false)
        );
        assert_eq!(copied(Some(("h264", "yuv420p")), Some("speex")), (true, false));
    }
}
