//! One attempt at one job: fetch the file, remux it, take a thumbnail, upload, publish, remove the file.
//!
//! An attempt may be interrupted at any point. Before the publishing transaction, the next attempt repeats
//! all steps with other keys. After it, only the local file is left, which the sweeper removes.

mod input;

use std::path::Path;

use media::video::{self, Remuxed};
use metrics::{counter, histogram};
use primitives::Error as DomainError;
use runtime::Shutdown;
use tokio::time::{Instant, sleep};
use tracing::{Instrument, info_span};

use crate::app::Worker;
use crate::domain::{
    AttemptFailure, JobState, MIN_RECORDING_SECONDS, Source, failure_reason, thumbnail_time,
};
use crate::error::Error;
use crate::outbound::files::AttemptDir;
use crate::store::recordings::{
    ClaimedJob, Published, recording_discard, recording_fail_attempt, recording_publish, recording_renew,
};
use objects::PendingDeletion;
use objects::ledger::delete;

/// Why an attempt did not end with a VOD.
enum AttemptError {
    /// The recording is empty or too short.
    NoMedia(&'static str),
    /// Another worker may own the job.
    Lost,
    /// Whether to retry, the reason for the owner, and the cause for the log.
    Failed(AttemptFailure, &'static str, String),
}

/// Processes a job until it is done, another worker takes over, or the process has to stop.
pub async fn attempt(worker: &Worker, job: ClaimedJob, shutdown: &Shutdown) {
    let span = info_span!(
        "recording",
        recording_id = job.id,
        vod_id = job.vod.0,
        attempt = job.attempt
    );
    proto::trace::continue_from(&span, &job.trace);
    async {
        let started = Instant::now();
        let made = tokio::select! {
            made = make(worker, &job) => made,
            () = keep_lease(worker, &job) => Err(AttemptError::Lost),
            () = out_of_time(worker, shutdown) => {
                Err(AttemptError::Failed(AttemptFailure::Retryable, failure_reason::PROCESSING, "the worker was stopped".into()))
            }
        };
        let outcome = settle(worker, &job, made).await;
        counter!("vod_recordings_total", "outcome" => outcome).increment(1);
        histogram!("vod_recording_seconds").record(started.elapsed().as_secs_f64());
        tracing::info!(outcome, elapsed_ms = started.elapsed().as_millis(), source = %job.source, "attempt ended");
    }
    .instrument(span)
    .await;
}

/// Renews the lease. Returns when another worker owns the job, or the lease may have expired while the
/// database was unavailable.
async fn keep_lease(worker: &Worker, job: &ClaimedJob) {
    let lease = worker.policy.lease.to_std().unwrap_or_default();
    let mut renewed = Instant::now();
    while renewed.elapsed() < lease {
        sleep(lease / 4).await;
        match recording_renew(&worker.app.database, job, worker.app.clock.now(), worker.policy).await {
            Ok(()) => renewed = Instant::now(),
            Err(Error::Fenced(_)) => return,
            Err(error) => tracing::warn!(%error, "lease not renewed"),
        }
    }
}

/// Returns after 70 % of the stop grace. The rest is for ending the attempt properly.
async fn out_of_time(worker: &Worker, shutdown: &Shutdown) {
    shutdown.stopping().await;
    sleep(worker.app.config.process.stop_grace().mul_f64(0.7)).await;
}

async fn make(worker: &Worker, job: &ClaimedJob) -> Result<(), AttemptError> {
    remove_leftovers(worker, job).await?;
    let place = worker
        .files
        .attempt_dir(job.id, job.attempt)
        .await
        .map_err(|error| processing(&error))?;
    let file = input::file(worker, job, &place).await?;
    let remuxed = remux(job, &file, &place).await?;
    let picture = picture(&place, &remuxed).await?;
    let published = upload(worker, job, &place, picture, remuxed.duration_seconds).await?;
    let app = &worker.app;
    recording_publish(&app.database, job, published, app.clock.now())
        .await
        .map_err(|error| match error {
            Error::Fenced(_) => AttemptError::Lost,
            error => processing(&error),
        })
}

/// Deletes the objects of earlier attempts. Their keys stay in the ledger, in case such a worker is still
/// running and uploads later.
async fn remove_leftovers(worker: &Worker, job: &ClaimedJob) -> Result<(), AttemptError> {
    for key in &job.leftovers {
        let object = PendingDeletion {
            key: key.clone(),
            version_id: None,
        };
        delete(&worker.app.bucket, &object, worker.app.clock.now())
            .await
            .map_err(storage)?;
    }
    Ok(())
}

async fn remux(job: &ClaimedJob, file: &Path, place: &AttemptDir) -> Result<Remuxed, AttemptError> {
    let remuxed = video::remux_faststart(file, &place.file("video.mp4")).await;
    let remuxed = remuxed.map_err(|error| unreadable(&job.source, &error))?;
    // A stream that was started by mistake leaves no VOD. An upload is always intended.
    if matches!(job.source, Source::Disk(_)) && remuxed.duration_seconds < MIN_RECORDING_SECONDS {
        Err(AttemptError::NoMedia("too short"))
    } else {
        Ok(remuxed)
    }
}

/// An empty recording is discarded silently, but the user who uploaded an empty file sees why it failed.
fn unreadable(source: &Source, error: &video::Error) -> AttemptError {
    let shown = match (error, source) {
        (video::Error::Empty, Source::Disk(_)) => return AttemptError::NoMedia("empty"),
        (video::Error::Empty, Source::Object { .. }) => failure_reason::NO_VIDEO,
        (video::Error::Broken(_), Source::Disk(_)) => failure_reason::DAMAGED,
        (video::Error::Broken(_), Source::Object { .. }) => failure_reason::UNREADABLE,
        _ => return processing(error),
    };
    AttemptError::Failed(AttemptFailure::Permanent, shown, error.to_string())
}

/// Takes a thumbnail and returns whether there is one. Only failures of the machine are retried: a VOD
/// without a thumbnail is better than no VOD.
async fn picture(place: &AttemptDir, remuxed: &Remuxed) -> Result<bool, AttemptError> {
    if remuxed.probe.video.is_none() {
        return Ok(false);
    }
    let at = thumbnail_time(remuxed.duration_seconds);
    match video::thumbnail(&place.file("video.mp4"), at, &place.file("thumbnail.jpg")).await {
        Ok(()) => Ok(true),
        Err(error @ (video::Error::Failed { .. } | video::Error::File(_))) => Err(processing(&error)),
        Err(error) => {
            tracing::warn!(%error, "no thumbnail");
            Ok(false)
        }
    }
}

async fn upload(
    worker: &Worker,
    job: &ClaimedJob,
    place: &AttemptDir,
    picture: bool,
    duration_seconds: f64,
) -> Result<Published, AttemptError> {
    let thumbnail = match picture {
        true => Some(
            put(
                worker,
                &place.file("thumbnail.jpg"),
                &job.thumbnail_key,
                "image/jpeg",
            )
            .await?,
        ),
        false => None,
    };
    let video = put(worker, &place.file("video.mp4"), &job.video_key, "video/mp4").await?;
    Ok(Published {
        duration_seconds,
        video,
        thumbnail,
    })
}

async fn put(
    worker: &Worker,
    path: &Path,
    key: &str,
    content_type: &str,
) -> Result<(bucket::Stored, bucket::Presigned), AttemptError> {
    let app = &worker.app;
    let stored = app
        .bucket
        .put_file(path, key, content_type)
        .await
        .map_err(storage)?;
    let presigned = app
        .bucket
        .presign_get(key, app.url_life())
        .await
        .map_err(storage)?;
    Ok((stored, presigned))
}

/// Refusals are retried too, because an admin may raise the cap or correct the key meanwhile.
fn storage(error: bucket::Error) -> AttemptError {
    AttemptError::Failed(
        AttemptFailure::Retryable,
        failure_reason::STORAGE,
        error.to_string(),
    )
}

fn processing(error: &dyn std::error::Error) -> AttemptError {
    let cause = error
        .source()
        .map(|source| format!(": {source}"))
        .unwrap_or_default();
    AttemptError::Failed(
        AttemptFailure::Retryable,
        failure_reason::PROCESSING,
        format!("{error}{cause}"),
    )
}

/// Stores the result of the attempt and returns its outcome for the metric.
async fn settle(worker: &Worker, job: &ClaimedJob, made: Result<(), AttemptError>) -> &'static str {
    let (app, now) = (&worker.app, worker.app.clock.now());
    let settled = match made {
        Ok(()) => Ok("published"),
        // The uploaded objects are in the ledger, so the next attempt or the ledger deletes them.
        Err(AttemptError::Lost) => return "lost",
        Err(AttemptError::NoMedia(cause)) => recording_discard(&app.database, job, cause, now)
            .await
            .map(|()| "discarded"),
        Err(AttemptError::Failed(why, shown, cause)) => {
            tracing::warn!(cause, "attempt failed");
            let state =
                recording_fail_attempt(&app.database, job, why, shown, &cause, now, worker.policy).await;
            state.map(|state| {
                if state == JobState::Failed {
                    "failed"
                } else {
                    "retried"
                }
            })
        }
    };
    match settled {
        Ok(outcome @ ("published" | "discarded")) => {
            remove_file(worker, job).await;
            outcome
        }
        Ok(outcome) => outcome,
        Err(error) => {
            // Another attempt follows when the lease expires.
            tracing::warn!(error = %DomainError::from(error), "result of the attempt not stored");
            "unknown"
        }
    }
}

/// Removes the recording of a finished job. If this fails, the sweeper removes it later.
async fn remove_file(worker: &Worker, job: &ClaimedJob) {
    let Source::Disk(file) = &job.source else { return };
    if let Err(error) = worker.files.remove(file).await {
        tracing::warn!(%file, %error, "recording not removed, will retry");
    }
}
