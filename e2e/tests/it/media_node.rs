//! A media node on its own, with a platform that accepts every publish.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::{join_all, try_join_all};
use stack::{MediaNode, Publisher, eventually};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::AbortHandle;
use tokio::time::sleep;

/// Just below the node's `drop_idle_publisher`.
const SILENCE: Duration = Duration::from_secs(9);
const TIMEOUT: Duration = Duration::from_secs(30);
/// Ended streams are cleaned up half a minute after their last segment.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(60);
const MIB: u64 = 1024 * 1024;

/// An HTTP server that accepts every hook.
struct Hooks {
    address: SocketAddr,
    task: AbortHandle,
}

impl Hooks {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accept_hooks(stream));
            }
        });
        Ok(Self {
            address,
            task: task.abort_handle(),
        })
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept_hooks(stream: TcpStream) -> Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut body_length = 0;
        loop {
            let mut line = String::new();
            ensure!(stream.read_line(&mut line).await? > 0, "the connection ended");
            if let Some(length) = line.to_lowercase().strip_prefix("content-length:") {
                body_length = length.trim().parse()?;
            }
            if line.trim_end().is_empty() {
                break;
            }
        }
        stream.read_exact(&mut vec![0; body_length]).await?;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await?;
    }
}

async fn start_node() -> Result<(MediaNode, Hooks)> {
    let hooks = Hooks::start().await?;
    let mut node = stack::shared()
        .await?
        .media_node("node-a", "hook-secret-of-a-test")?;
    node.start(&hooks.address.to_string()).await?;
    Ok((node, hooks))
}

/// Copies one RTMP connection to a server and back, and withholds what the client sends after its publish was
/// accepted until `silence` is over.
async fn publish_after_silence(client: TcpStream, server: String, silence: Duration) -> Result<()> {
    const ACCEPTED: &[u8] = b"NetStream.Publish.Start";
    let server = TcpStream::connect(server.trim_start_matches("rtmp://").trim_end_matches("/live")).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (accepted, mut is_accepted) = tokio::sync::watch::channel(false);
    let down = async {
        let (mut buffer, mut seen) = (vec![0; 4096], Vec::new());
        loop {
            let length = from_server.read(&mut buffer).await?;
            let bytes = buffer.get(..length).unwrap_or_default();
            seen.extend_from_slice(bytes);
            // Before the client can know it and send its first frame.
            if seen.windows(ACCEPTED.len()).any(|window| window == ACCEPTED) {
                accepted.send_replace(true);
            }
            to_client.write_all(bytes).await?;
            ensure!(length > 0, "the server closed the connection");
        }
    };
    let up = async {
        let (mut buffer, mut waited) = (vec![0; 65536], false);
        loop {
            let length = from_client.read(&mut buffer).await?;
            if *is_accepted.borrow_and_update() && !waited {
                sleep(silence).await;
                waited = true;
            }
            to_server
                .write_all(buffer.get(..length).unwrap_or_default())
                .await?;
            ensure!(length > 0, "the client closed the connection");
        }
    };
    tokio::try_join!(down, up).map(|((), ())| ())
}

/// Publishes to a name of its own after a silence; fails when the node disconnects the encoder.
async fn survives_silence(node: &MediaNode, number: u32) -> Result<()> {
    sleep(SILENCE.mul_f64(0.3) * number).await;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = node.rtmp_url();
    let proxy = tokio::spawn(async move {
        let (client, _) = listener.accept().await?;
        publish_after_silence(client, server, SILENCE).await
    });
    let name = format!("new{number}");
    let mut publisher = Publisher::start(&format!("rtmp://{address}/live/{name}?key=any")).await?;
    let played = eventually(SILENCE + TIMEOUT, "both playlists", async || {
        ensure!(!publisher.ended()?, "{name}: disconnected: {}", publisher.log());
        for path in [format!("hls/{name}/index.m3u8"), format!("dash/{name}/index.mpd")] {
            let url = format!("{}/{path}", node.media_url());
            stack::http_client()?.get(url).send().await?.error_for_status()?;
        }
        Ok(())
    })
    .await;
    proxy.abort();
    played
}

/// The publishers overlap, so that whenever a cleanup runs within these 30 s it meets folders without a file.
#[tokio::test(flavor = "multi_thread")]
async fn silent_publishers_on_new_names_stay_connected() -> Result<()> {
    let (node, _hooks) = start_node().await?;
    let publishers = (0..10).map(|number| survives_silence(&node, number));
    let failures: Vec<_> = join_all(publishers)
        .await
        .into_iter()
        .filter_map(Result::err)
        .collect();
    ensure!(failures.is_empty(), "{} of 10: {failures:#?}", failures.len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keyframe_above_1_mib_is_recorded() -> Result<()> {
    let (node, _hooks) = start_node().await?;
    // Noise hardly compresses: each frame is a keyframe of several MiB.
    let encoder = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "warning", "-re", "-f", "lavfi", "-i"])
        .arg("nullsrc=size=1920x1080:rate=2,noise=alls=100:allf=t,format=yuv420p")
        .args([
            "-frames:v",
            "10",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-qp",
            "10",
            "-g",
            "1",
        ])
        .args(["-f", "flv", "-flvflags", "no_duration_filesize"])
        .arg(format!("{}/large?key=any", node.rtmp_url()))
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(TIMEOUT, encoder).await??;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the encoder was disconnected: {log}");
    let files = files_in(&node.record_dir())?;
    let recording = files.first().context("no recording")?;
    let sizes = packet_sizes(recording).await?;
    let large = sizes.iter().filter(|size| **size > MIB).count();
    ensure!(large == 10, "{sizes:?}");
    Ok(())
}

async fn packet_sizes(file: &Path) -> Result<Vec<u64>> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "packet=size", "-of", "csv=p=0"])
        .arg(file)
        .output()
        .await?;
    let text = String::from_utf8(output.stdout)?;
    text.lines()
        .map(|line| Ok(line.trim_end_matches(',').parse()?))
        .collect()
}

/// Two broadcasts of which one ends: the segments of the other stay few; the ended one plays until its
/// recording is taken.
#[tokio::test(flavor = "multi_thread")]
async fn old_segments_and_ended_streams_are_removed() -> Result<()> {
    let (node, _hooks) = start_node().await?;
    let mut publishers = try_join_all(
        ["on", "off"]
            .map(async |name| Publisher::start(&format!("{}/{name}?key=any", node.rtmp_url())).await),
    )
    .await?;
    let folder = |format: &str, name: &str| node.media_dir().join(format).join(name);
    eventually(TIMEOUT, "the first segments", async || {
        Ok::<_, anyhow::Error>(files_in(&folder("dash", "off"))?.len() > 4)
    })
    .await?;
    sleep(Duration::from_secs(15)).await;
    publishers.pop().context("no publisher")?.stop().await?;
    // Long enough for a first segment to grow old, and for the ended stream to be noticed.
    sleep(Duration::from_secs(45)).await;

    for (format, per_second) in [("hls", 1), ("dash", 2)] {
        let files = files_in(&folder(format, "on"))?.len();
        ensure!(
            files < 45 * per_second,
            "{format}: {files} files of a running stream"
        );
    }
    let playlists = [
        folder("hls", "off").join("index.m3u8"),
        folder("dash", "off").join("index.mpd"),
    ];
    for playlist in &playlists {
        ensure!(playlist.exists(), "{} was removed too early", playlist.display());
    }
    let hls = std::fs::read_to_string(folder("hls", "off").join("index.m3u8"))?;
    for segment in hls.lines().filter(|line| line.ends_with(".ts")) {
        ensure!(
            folder("hls", "off").join(segment).exists(),
            "{segment} is listed but removed"
        );
    }

    take_recordings(&node.record_dir(), "off-")?;
    eventually(
        CLEANUP_TIMEOUT,
        "the files of the ended stream to be removed",
        async || {
            let left = [
                files_in(&folder("hls", "off"))?,
                files_in(&folder("dash", "off"))?,
            ]
            .concat();
            ensure!(left.is_empty(), "{left:?}");
            Ok(())
        },
    )
    .await?;
    for path in ["hls/on/index.m3u8", "dash/on/index.mpd"] {
        let url = format!("{}/{path}", node.media_url());
        stack::http_client()?.get(url).send().await?.error_for_status()?;
    }
    Ok(())
}

/// Removes the recordings whose names start with `prefix`, as the worker does.
fn take_recordings(folder: &Path, prefix: &str) -> Result<()> {
    for recording in files_in(folder)? {
        if recording
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(prefix))
        {
            std::fs::remove_file(recording)?;
        }
    }
    Ok(())
}

/// Returns the files in a folder, none if the folder does not exist.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect()
}
