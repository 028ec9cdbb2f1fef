use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::Error;
use super::process::{self, Output, run};

const LIMIT: Duration = Duration::from_secs(30);
/// An FLV file with nothing in it but its header.
const FLV_HEADER_BYTES: u64 = 13;

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Seconds; absent where the container does not say and its end is damaged.
    pub duration_seconds: Option<f64>,
    /// The first picture track, when a picture of it could be read.
    pub video: Option<VideoCodec>,
    /// The first sound track's codec, such as `aac`.
    pub audio_codec: Option<String>,
}

/// A picture track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoCodec {
    /// Such as `h264`.
    pub name: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// How pixels are stored, such as `yuv420p`.
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

#[derive(Deserialize)]
struct Track {
    codec_type: Option<String>,
    codec_name: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    pix_fmt: Option<String>,
    nb_read_packets: Option<String>,
}

/// Looks at a video file without trusting its name.
///
/// # Errors
/// [`Error::Empty`] for no bytes or a mere header, [`Error::Broken`] for what is no video.
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

/// Whether the tracks that can be used (`v`, `a`) have not one packet: a publisher that left before its first
/// picture.
pub(super) async fn holds_no_packet(path: &Path, tracks: &str) -> Result<bool, Error> {
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
    run("ffprobe", all, LIMIT).await
}

fn report(output: &Output) -> Result<Report, Error> {
    if !output.success {
        return Err(Error::Broken(output.complaint()));
    }
    serde_json::from_slice(&output.stdout).map_err(|_| Error::Broken("it cannot be described".into()))
}

impl From<Report> for Probe {
    fn from(report: Report) -> Self {
        let duration = report.format.duration.and_then(|text| text.parse::<f64>().ok());
        let first = |kind: &str| {
            report
                .streams
                .iter()
                .find(|track| track.codec_type.as_deref() == Some(kind))
        };
        Self {
            duration_seconds: duration.filter(|seconds| seconds.is_finite() && *seconds >= 0.0),
            video: first("video").and_then(|track| {
                Some(VideoCodec {
                    name: track.codec_name.clone()?,
                    width: track.width.filter(|pixels| *pixels > 0)?,
                    height: track.height.filter(|pixels| *pixels > 0)?,
                    pixel_format: track.pix_fmt.clone().unwrap_or_default(),
                })
            }),
            audio_codec: first("audio").and_then(|track| track.codec_name.clone()),
        }
    }
}
