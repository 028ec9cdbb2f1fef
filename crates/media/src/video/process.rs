use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::Error;

/// Further output is read and discarded.
const MAX_OUTPUT: u64 = 1024 * 1024;
/// In bytes.
const MAX_MESSAGE_LENGTH: usize = 200;
/// The containers that may be opened. Playlists are excluded, because they refer to other files.
const CONTAINERS: &str = "flv,live_flv,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,avi";

/// The output of a program that exited by itself.
pub(super) struct Output {
    pub(super) success: bool,
    pub(super) stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Output {
    /// Returns the last error message, without paths.
    pub(super) fn error_message(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        let line = text
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("no error message");
        let reason = line.rsplit_once(": ").map_or(line, |(_, reason)| reason);
        primitives::text::excerpt(reason, MAX_MESSAGE_LENGTH)
    }
}

/// Returns the arguments that open an input file, restricted to local files and self-contained containers.
pub(super) fn input(path: &Path) -> Vec<OsString> {
    let mut url = OsString::from("file:");
    url.push(path);
    let mut arguments: Vec<OsString> = [
        "-protocol_whitelist",
        "file",
        "-format_whitelist",
        CONTAINERS,
        "-i",
    ]
    .map(OsString::from)
    .to_vec();
    arguments.push(url);
    arguments
}

/// Runs a program until it exits. Kills it after `timeout`, or when the caller drops the future.
pub(super) async fn run(
    program: &'static str,
    arguments: Vec<OsString>,
    timeout: Duration,
) -> Result<Output, Error> {
    let failed = |source| Error::Failed { program, source };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let finished = async { tokio::join!(bounded(stdout), bounded(stderr), child.wait()) };
    let Ok((stdout, stderr, status)) = tokio::time::timeout(timeout, finished).await else {
        let _ = child.kill().await;
        return Err(Error::TimedOut(program));
    };
    let status = status.map_err(failed)?;
    if status.code().is_none() {
        // Killed by another process, such as the kernel when memory runs out.
        return Err(failed(std::io::Error::other("killed by a signal")));
    }
    Ok(Output {
        success: status.success(),
        stdout,
        stderr,
    })
}

async fn bounded(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = (&mut pipe).take(MAX_OUTPUT).read_to_end(&mut kept).await;
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    kept
}
