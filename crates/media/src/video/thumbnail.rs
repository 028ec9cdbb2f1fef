use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::remux::Temporary;
use super::{Error, process};

const TIMEOUT: Duration = Duration::from_secs(60);
/// In pixels. The height keeps the aspect ratio.
const WIDTH: &str = "640";

/// Extracts the frame at `at` as JPEG. `dst` is created only when it is complete.
///
/// # Errors
/// [`Error::Empty`] if the video has no frame at that time, [`Error::Broken`] if it cannot be read.
pub async fn thumbnail(src: &Path, at: Duration, dst: &Path) -> Result<(), Error> {
    let temporary = Temporary::beside(dst);
    let mut arguments: Vec<OsString> = ["-nostdin", "-v", "error", "-y", "-ss"]
        .map(OsString::from)
        .to_vec();
    arguments.push(format!("{:.3}", at.as_secs_f64()).into());
    arguments.extend(process::input(src));
    let scale = format!("scale='min({WIDTH},iw)':-2");
    let options = [
        "-frames:v",
        "1",
        "-vf",
        &scale,
        "-q:v",
        "4",
        "-map_metadata",
        "-1",
        "-f",
        "image2",
        "-c:v",
        "mjpeg",
    ];
    arguments.extend(options.iter().map(OsString::from));
    arguments.extend(["-update", "1"].map(OsString::from));
    arguments.push(temporary.0.as_os_str().to_owned());
    let output = process::run("ffmpeg", arguments, TIMEOUT).await?;
    // ffmpeg may succeed without a frame, if the time is after the last one or the file has only audio.
    let written = tokio::fs::metadata(&temporary.0)
        .await
        .is_ok_and(|file| file.len() > 0);
    match (output.success, written) {
        (true, true) => Ok(tokio::fs::rename(&temporary.0, dst).await?),
        (true, false) => Err(Error::Empty),
        (false, _) => Err(Error::Broken(output.error_message())),
    }
}
