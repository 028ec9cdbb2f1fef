//! The input of an attempt: a file on the disk of the node, or a download from the bucket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bucket::Head;
use media::video;
use primitives::RecordingName;
use tokio::time::{Instant, sleep};

use super::{AttemptError, processing, storage, unreadable};
use crate::app::Worker;
use crate::domain::{AttemptFailure, MAX_VIDEO_PIXELS, Source, failure_reason};
use crate::outbound::files::AttemptDir;
use crate::store::recordings::ClaimedJob;

/// A file that grows for longer is left to the next attempt.
const GROWTH_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Bytes left free for the recordings of live streams.
const RESERVED_DISK_SPACE: u64 = 512 * 1024 * 1024;

/// Returns the path of the complete file.
pub(super) async fn file(
    worker: &Worker,
    job: &ClaimedJob,
    place: &AttemptDir,
) -> Result<PathBuf, AttemptError> {
    match &job.source {
        Source::Disk(file) => {
            wait_until_closed(worker, file).await?;
            Ok(worker.files.path(file))
        }
        Source::Object { key, sha256 } => {
            let file = place.file("source");
            fetch(worker, key, sha256.as_deref(), &file).await?;
            check_video(job, &file).await?;
            Ok(file)
        }
    }
}

async fn wait_until_closed(worker: &Worker, file: &RecordingName) -> Result<(), AttemptError> {
    let started = Instant::now();
    loop {
        match worker
            .files
            .status(file, worker.app.clock.now())
            .await
            .map_err(|error| processing(&error))?
        {
            None => {
                return Err(AttemptError::Failed(
                    AttemptFailure::Retryable,
                    failure_reason::MISSING,
                    "the file does not exist".into(),
                ));
            }
            Some(status) if status.unchanged_for >= worker.config.settle() => return Ok(()),
            Some(_) if started.elapsed() > GROWTH_TIMEOUT => {
                return Err(AttemptError::Failed(
                    AttemptFailure::Retryable,
                    failure_reason::PROCESSING,
                    "the file is still growing".into(),
                ));
            }
            Some(_) => sleep(POLL_INTERVAL).await,
        }
    }
}

async fn fetch(worker: &Worker, key: &str, sha256: Option<&str>, file: &Path) -> Result<(), AttemptError> {
    let bucket = &worker.app.bucket;
    let head = match bucket.head(key).await {
        Err(bucket::Error::Missing) => return Err(gone()),
        head => head.map_err(storage)?,
    };
    check_disk_space(worker, &head).await?;
    let read = bucket
        .get_file(key, &head, file)
        .await
        .map_err(|error| match error {
            bucket::Error::Missing => gone(),
            error => storage(error),
        })?;
    if sha256.is_some_and(|sha256| sha256 != read) {
        let cause = "the hash of the object differs from that of the upload";
        return Err(AttemptError::Failed(
            AttemptFailure::Retryable,
            failure_reason::STORAGE,
            cause.into(),
        ));
    }
    Ok(())
}

fn gone() -> AttemptError {
    let cause = "the object does not exist".into();
    AttemptError::Failed(AttemptFailure::Permanent, failure_reason::SOURCE_MISSING, cause)
}

/// The result is written beside the source and may be as large. The failure is retryable, because another
/// worker may have more space, or this one later.
async fn check_disk_space(worker: &Worker, head: &Head) -> Result<(), AttemptError> {
    let free = worker
        .files
        .free_space()
        .await
        .map_err(|error| processing(&error))?;
    let needed = head.size.saturating_mul(2).saturating_add(RESERVED_DISK_SPACE);
    if free >= needed {
        return Ok(());
    }
    let cause = format!("{free} bytes are free, {needed} are needed");
    Err(AttemptError::Failed(
        AttemptFailure::Retryable,
        failure_reason::PROCESSING,
        cause,
    ))
}

/// Rejects files without video or with too many pixels before anything is transcoded.
async fn check_video(job: &ClaimedJob, file: &Path) -> Result<(), AttemptError> {
    let found = video::probe(file)
        .await
        .map_err(|error| unreadable(&job.source, &error))?;
    let refused = |shown| AttemptError::Failed(AttemptFailure::Permanent, shown, format!("{found:?}"));
    match &found.video {
        None => Err(refused(failure_reason::NO_VIDEO)),
        Some(video) if u64::from(video.width) * u64::from(video.height) > MAX_VIDEO_PIXELS => {
            Err(refused(failure_reason::TOO_MANY_PIXELS))
        }
        Some(_) => Ok(()),
    }
}
