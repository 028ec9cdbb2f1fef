use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::Error;
use super::process::{self, Output, run};

const TIMEOUT: Duration = Duration::from_secs(30);
/// The size of an FLV file without any tags.
const FLV_HEADER_BYTES: u64 = 13;

/// The contents of a video file.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Absent if the container does not contain the duration and its end is damaged.
    pub duration_seconds: Option<f64>,
    /// The first video track, if its dimensions are known.
    pub video: Option<VideoCodec>,
    /// The codec of the first audio track, such as `aac`.
    pub audio_codec: Option<String>,
}

/// A video track. Dimensions are in pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoCodec {
    /// Such as `h264`.
    pub name: String,
    pub width: u32,
    pub height: u32,
    /// Such as `yuv420p`.
    pub pixel_format: String,
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<Track>,
    #[serde(default)]
    format: Container,
}

#[derive(Deserialize, Default)]
struct Container {
    duration: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TrackKind {
    Video,
    Audio,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Track {
    codec_type: Option<TrackKind>,
    codec_name: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    pix_fmt: Option<String>,
    nb_read_packets: Option<String>,
}

/// Reads the duration and tracks of a video file.
///
/// # Errors
/// [`Error::Empty`] for a file without media, [`Error::Broken`] if it is not a video.
pub async fn probe(path: &Path) -> Result<Probe, Error> {
    if tokio::fs::metadata(path).await?.len() <= FLV_HEADER_BYTES {
        return Err(Error::Empty);
    }
    let entries = "format=duration:stream=codec_type,codec_name,width,height,pix_fmt";
    let report = report(&ffprobe(path, &["-show_entries", entries]).await?)?;
    let found = Probe::from(report);
    if found.video.is_none() && found.audio_codec.is_none() {
        return Err(Error::Empty);
    }
    Ok(found)
}

/// Returns whether the tracks of a kind (`v` or `a`) have no packets, which happens when a publish ends
/// before its first frame.
pub(super) async fn has_no_packets(path: &Path, tracks: &str) -> Result<bool, Error> {
    let interval = [
        "-count_packets",
        "-read_intervals",
        "%+#1",
        "-show_entries",
        "stream=nb_read_packets",
    ];
    let arguments = [&["-select_streams", tracks], &interval[..]].concat();
    let report = report(&ffprobe(path, &arguments).await?)?;
    let empty = |track: &Track| {
        track
            .nb_read_packets
            .as_deref()
            .is_none_or(|packets| packets == "0")
    };
    Ok(report.streams.iter().all(empty))
}

async fn ffprobe(path: &Path, arguments: &[&str]) -> Result<Output, Error> {
    let mut all: Vec<_> = ["-v", "error", "-of", "json"]
        .iter()
        .chain(arguments)
        .map(Into::into)
        .collect();
    all.extend(process::input(path));
    run("ffprobe", all, TIMEOUT).await
}

fn report(output: &Output) -> Result<Report, Error> {
    if !output.success {
        return Err(Error::Broken(output.error_message()));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|_| Error::Broken("ffprobe returned an invalid description".into()))
}

impl From<Report> for Probe {
    fn from(report: Report) -> Self {
        let duration = report.format.duration.and_then(|text| text.parse::<f64>().ok());
        let first = |kind: TrackKind| report.streams.iter().find(|track| track.codec_type == Some(kind));
        Self {
            duration_seconds: duration.filter(|seconds| seconds.is_finite() && *seconds >= 0.0),
            video: first(TrackKind::Video).and_then(|track| {
                Some(VideoCodec {
                    name: track.codec_name.clone()?,
                    width: track.width.filter(|pixels| *pixels > 0)?,
                    height: track.height.filter(|pixels| *pixels > 0)?,
                    pixel_format: track.pix_fmt.clone().unwrap_or_default(),
                })
            }),
            audio_codec: first(TrackKind::Audio).and_then(|track| track.codec_name.clone()),
        }
    }
}
