//! The file that an attempt works on: on the node's disk already, or brought there from the bucket.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bucket::Head;
use media::video;
use tokio::time::sleep;

use super::{Trouble, processing, storage, unreadable};
use crate::app::Worker;
use crate::domain::{MOST_PIXELS, RecordingName, Setback, Source, failure};
use crate::outbound::files::Workplace;
use crate::store::recordings::Job;

/// A file that goes on growing for longer is looked at again in the next attempt.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(250);
/// Bytes that stay free on the disk, for the recordings of those who are on air.
const RESERVE: u64 = 512 * 1024 * 1024;

/// Where the file is, complete.
pub(super) async fn file(worker: &Worker, job: &Job, place: &Workplace) -> Result<PathBuf, Trouble> {
    match &job.source {
        Source::Disk(file) => {
            wait_until_closed(worker, file).await?;
            Ok(worker.files.path(file))
        }
        Source::Object { key, sha256 } => {
            let file = place.file("source");
            fetch(worker, key, sha256.as_deref(), &file).await?;
            check(job, &file).await?;
            Ok(file)
        }
    }
}

async fn wait_until_closed(worker: &Worker, file: &RecordingName) -> Result<(), Trouble> {
    let started = Instant::now();
    loop {
        match worker
            .files
            .look(file)
            .await
            .map_err(|error| processing(&error))?
        {
            None => {
                return Err(Trouble::Failed(
                    Setback::Retry,
                    failure::MISSING,
                    "the file is not there".into(),
                ));
            }
            Some(look) if look.quiet >= worker.config.settle() => return Ok(()),
            Some(_) if started.elapsed() > PATIENCE => {
                return Err(Trouble::Failed(
                    Setback::Retry,
                    failure::PROCESSING,
                    "the file is still growing".into(),
                ));
            }
            Some(_) => sleep(LOOK).await,
        }
    }
}

async fn fetch(worker: &Worker, key: &str, sha256: Option<&str>, file: &Path) -> Result<(), Trouble> {
    let bucket = &worker.app.bucket;
    let head = match bucket.head(key).await {
        Err(bucket::Error::Missing) => return Err(gone()),
        head => head.map_err(storage)?,
    };
    make_sure_of_room(worker, &head).await?;
    let read = bucket
        .get_file(key, &head, file)
        .await
        .map_err(|error| match error {
            bucket::Error::Missing => gone(),
            error => storage(error),
        })?;
    if sha256.is_some_and(|sha256| sha256 != read) {
        let cause = "the object has another hash than what was uploaded";
        return Err(Trouble::Failed(Setback::Retry, failure::STORAGE, cause.into()));
    }
    Ok(())
}

fn gone() -> Trouble {
    let cause = "the object is not there".into();
    Trouble::Failed(Setback::Final, failure::SOURCE_MISSING, cause)
}

/// The result lies beside its source, and may be as large. Another worker may have more room, or this one
/// later.
async fn make_sure_of_room(worker: &Worker, head: &Head) -> Result<(), Trouble> {
    let free = worker.files.free().await.map_err(|error| processing(&error))?;
    let needed = head.size.saturating_mul(2).saturating_add(RESERVE);
    if free >= needed {
        return Ok(());
    }
    let cause = format!("{free} bytes are free, {needed} are needed");
    Err(Trouble::Failed(Setback::Retry, failure::PROCESSING, cause))
}

/// Looks before anything is encoded: sound alone is no video, and a picture may claim any size.
async fn check(job: &Job, file: &Path) -> Result<(), Trouble> {
    let found = video::probe(file)
        .await
        .map_err(|error| unreadable(&job.source, &error))?;
    let refused = |shown| Trouble::Failed(Setback::Final, shown, format!("{found:?}"));
    match &found.video {
        None => Err(refused(failure::NO_VIDEO)),
        Some(video) if u64::from(video.width) * u64::from(video.height) > MOST_PIXELS => {
            Err(refused(failure::TOO_MANY_PIXELS))
        }
        Some(_) => Ok(()),
    }
}
