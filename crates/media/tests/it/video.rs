use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use media::video::{Error, probe, remux_faststart, thumbnail};
use tempfile::TempDir;

/// Creates a recording like those of nginx-rtmp: FLV with H.264 and AAC.
fn recording(dir: &TempDir, seconds: u32) -> PathBuf {
    let codecs = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "30",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
    ];
    encode(dir, "in.flv", seconds, &codecs)
}

fn encode(dir: &TempDir, name: &str, seconds: u32, codecs: &[&str]) -> PathBuf {
    let path = dir.path().join(name);
    let picture = format!("testsrc2=size=320x180:rate=30:duration={seconds}");
    let sound = format!("sine=frequency=440:sample_rate=44100:duration={seconds}");
    ffmpeg(
        &["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound],
        codecs,
        &path,
    );
    path
}

fn ffmpeg(input: &[&str], codecs: &[&str], path: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(input)
        .args(codecs)
        .args(["-metadata", "comment=alice?key=live_secret"])
        .arg(path)
        .status()
        .expect("ffmpeg is installed");
    assert!(status.success());
}

fn file_names(dir: &TempDir) -> Vec<String> {
    let names = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

fn position(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

#[tokio::test]
async fn recording_is_remuxed_to_fast_start_mp4_without_transcoding() {
    let dir = TempDir::new().unwrap();
    let (src, dst) = (recording(&dir, 5), dir.path().join("out.mp4"));
    let remuxed = remux_faststart(&src, &dst).await.unwrap();

    assert!(
        (remuxed.duration_seconds - 5.0).abs() < 0.5,
        "{}",
        remuxed.duration_seconds
    );
    assert!(!remuxed.transcoded);
    let video = remuxed.probe.video.unwrap();
    assert_eq!(
        (video.name.as_str(), video.width, video.height),
        ("h264", 320, 180)
    );
    assert_eq!(remuxed.probe.audio_codec.as_deref(), Some("aac"));
    let bytes = std::fs::read(&dst).unwrap();
    assert!(
        position(&bytes, b"moov") < position(&bytes, b"mdat"),
        "the index comes first"
    );
    assert_eq!(position(&bytes, b"live_secret"), None, "the metadata is removed");
    assert_eq!(file_names(&dir), ["in.flv", "out.mp4"]);
}

#[tokio::test]
async fn truncated_recording_keeps_its_complete_part() {
    let dir = TempDir::new().unwrap();
    let src = recording(&dir, 10);
    let whole = std::fs::read(&src).unwrap();
    std::fs::write(&src, &whole[..whole.len() * 6 / 10]).unwrap();

    let remuxed = remux_faststart(&src, &dir.path().join("out.mp4")).await.unwrap();
    assert!(
        (4.0..8.0).contains(&remuxed.duration_seconds),
        "{}",
        remuxed.duration_seconds
    );
}

#[tokio::test]
async fn empty_files_are_distinguished_from_broken_ones() {
    let dir = TempDir::new().unwrap();
    let whole = std::fs::read(recording(&dir, 2)).unwrap();
    let dst = dir.path().join("out.mp4");
    for length in [0, 9, 13, 500] {
        let src = dir.path().join(format!("{length}.flv"));
        std::fs::write(&src, &whole[..length]).unwrap();
        let error = remux_faststart(&src, &dst).await.unwrap_err();
        assert!(matches!(error, Error::Empty), "{length} bytes: {error:?}");
    }
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let src = dir.path().join("noise.flv");
    std::fs::write(&src, noise).unwrap();
    let error = remux_faststart(&src, &dst).await.unwrap_err();
    assert!(matches!(error, Error::Broken(_)), "{error:?}");
    assert!(
        !error.to_string().contains(dir.path().to_str().unwrap()),
        "{error}"
    );
    assert!(!dst.exists());
    assert!(
        file_names(&dir).iter().all(|name| name.ends_with(".flv")),
        "{:?}",
        file_names(&dir)
    );
}

#[tokio::test]
async fn unsupported_codecs_are_transcoded() {
    let dir = TempDir::new().unwrap();
    let src = encode(&dir, "old.flv", 2, &["-c:v", "flv1", "-c:a", "mp3"]);
    let remuxed = remux_faststart(&src, &dir.path().join("out.mp4")).await.unwrap();
    assert!(remuxed.transcoded);
    assert_eq!(remuxed.probe.video.unwrap().name, "h264");
    assert_eq!(remuxed.probe.audio_codec.as_deref(), Some("mp3"));
}

#[tokio::test]
async fn playlist_that_names_other_files_is_rejected() {
    let dir = TempDir::new().unwrap();
    let secret = recording(&dir, 2);
    let src = dir.path().join("upload.mp4");
    let playlist = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n",
        secret.display()
    );
    std::fs::write(&src, playlist).unwrap();
    assert!(matches!(probe(&src).await, Err(Error::Broken(_))));
}

#[tokio::test]
async fn thumbnail_needs_a_time_within_the_video() {
    let dir = TempDir::new().unwrap();
    let (src, dst) = (recording(&dir, 3), dir.path().join("out.jpg"));
    thumbnail(&src, Duration::from_secs(1), &dst).await.unwrap();
    let jpeg = media::image::normalise(std::fs::read(&dst).unwrap(), 4000)
        .await
        .unwrap();
    assert_eq!((jpeg.width, jpeg.height), (320, 180));

    let late = dir.path().join("late.jpg");
    assert!(matches!(
        thumbnail(&src, Duration::from_secs(60), &late).await,
        Err(Error::Empty)
    ));
    assert!(!late.exists());
}

#[tokio::test]
async fn dropping_the_future_kills_the_program() {
    let dir = TempDir::new().unwrap();
    let src = encode(&dir, "old.flv", 60, &["-c:v", "flv1", "-an"]);
    let dst = dir.path().join("out.mp4");
    let work = remux_faststart(&src, &dst);
    assert!(
        tokio::time::timeout(Duration::from_millis(300), work)
            .await
            .is_err()
    );
    assert!(!dst.exists());
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while running_on(&src) {
        assert!(
            std::time::Instant::now() < deadline,
            "the program outlived its caller"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(file_names(&dir), ["old.flv"]);
}

/// Returns whether an ffmpeg process has the file in its command line.
fn running_on(file: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .flat_map(|process| std::fs::read(process.path().join("cmdline")))
        .any(|line| {
            position(&line, b"ffmpeg").is_some()
                && position(&line, file.to_str().unwrap().as_bytes()).is_some()
        })
}
