use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::probe::holds_no_packet;
use super::{Error, Probe, VideoCodec, probe, process};

/// Copying is as fast as the disk.
const COPY_LIMIT: Duration = Duration::from_secs(15 * 60);
const TRANSCODE_LIMIT: Duration = Duration::from_secs(6 * 3600);
/// Threads that decode, and as many that encode: several jobs and other services share the machine.
const THREADS: &str = "2";

/// An MP4 that begins to play before it is loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Remuxed {
    /// Taken from the MP4: a cut FLV does not know its own length.
    pub duration_seconds: f64,
    /// What the MP4 holds.
    pub probe: Probe,
    /// The picture or the sound was encoded anew, which costs minutes instead of moments.
    pub transcoded: bool,
}

/// Rewrites a video as fast-start MP4. Tracks that every browser plays (H.264 in 4:2:0, AAC, MP3) are copied;
/// others become H.264 and AAC. `dst` appears only when it is whole.
///
/// # Errors
/// [`Error::Empty`] when there is nothing in the file, [`Error::Broken`] when it cannot be read.
pub async fn remux_faststart(src: &Path, dst: &Path) -> Result<Remuxed, Error> {
    let source = probe(src).await?;
    let temporary = Temporary::beside(dst);
    let plan = Plan::of(&source);
    let output = process::run("ffmpeg", plan.arguments(src, &temporary.0), plan.limit()).await?;
    if !output.success {
        let usable = if plan.has_video { "v" } else { "a" };
        return Err(match holds_no_packet(src, usable).await {
            Ok(true) => Error::Empty,
            _ => Error::Broken(output.complaint()),
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

    fn limit(self) -> Duration {
        if self.copy_video {
            COPY_LIMIT
        } else {
            TRANSCODE_LIMIT
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
        let picture: &[&str] = if self.has_video { &["-map", "0:v:0"] } else { &[] };
        let frame = ["-map", "0:a:0?", "-map_metadata", "-1", "-map_chapters", "-1"];
        let file = ["-threads", THREADS, "-movflags", "+faststart", "-f", "mp4"];
        for part in [picture, &frame[..], video, audio, &file[..]] {
            arguments.extend(part.iter().map(OsString::from));
        }
        arguments.push(dst.into());
        arguments
    }
}

fn plays_everywhere(video: &VideoCodec) -> bool {
    video.name == "h264" && matches!(video.pixel_format.as_str(), "yuv420p" | "yuvj420p")
}

/// A name beside the result that is gone again unless the result took it.
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
    fn only_what_browsers_lack_is_encoded_anew() {
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
