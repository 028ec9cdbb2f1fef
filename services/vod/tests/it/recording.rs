//! Recordings like those of nginx-rtmp.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// Three seconds of H.264 and AAC in FLV.
pub(crate) fn three_seconds() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| encode("3"))
}

/// A recording that is discarded.
pub(crate) fn too_short() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| encode("0.3"))
}

pub(crate) fn encode(seconds: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in.flv");
    let picture = format!("testsrc2=size=320x180:rate=30:duration={seconds}");
    let sound = format!("sine=frequency=440:sample_rate=44100:duration={seconds}");
    let status = Command::new("ffmpeg")
        .args([
            "-nostdin", "-v", "error", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound,
        ])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
            "-g",
            "30",
            "-c:a",
            "aac",
        ])
        .arg(&file)
        .status();
    assert!(status.unwrap().success());
    std::fs::read(file).unwrap()
}

/// The duration of a video on disk or behind a URL, as a player finds it.
pub(crate) fn duration(url: impl AsRef<Path>) -> f64 {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "format=duration",
            "-of",
            "csv=p=0",
        ])
        .arg(url.as_ref())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}
