//! One attempt at one job: get the file, remux, take a picture, upload, publish, remove the file.
//!
//! It may end at any point. Before the publishing transaction nothing has happened that the next attempt does
//! not do again under other names; after it only the local file is left over, which the sweeper removes.

mod input;

use std::path::Path;
use std::time::Instant;

use media::video::{self, Remuxed};
use metrics::{counter, histogram};
use primitives::Error as DomainError;
use runtime::Shutdown;
use tokio::time::sleep;
use tracing::{Instrument, info_span};

use crate::app::Worker;
use crate::domain::{SHORTEST_SECONDS, Setback, Source, State, failure, thumbnail_time};
use crate::error::Error;
use crate::outbound::files::Workplace;
use crate::store::recordings::{
    Job, Published, recording_discard, recording_publish, recording_renew, recording_set_back,
};
use objects::Doomed;
use objects::ledger::remove;

/// Why an attempt did not end with a VOD.
enum Trouble {
    /// There is nothing to make a VOD of.
    Nothing(&'static str),
    /// It is not ours any more, or cannot be told whether it is.
    Lost,
    /// Something went wrong: what to do, what the owner is shown, what the log is told.
    Failed(Setback, &'static str, String),
}

/// Works on a job until it ends, another takes over, or the process has to stop.
pub async fn attempt(worker: &Worker, job: Job, shutdown: &Shutdown) {
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
            () = keep_lease(worker, &job) => Err(Trouble::Lost),
            () = out_of_time(worker, shutdown) => {
                Err(Trouble::Failed(Setback::Retry, failure::PROCESSING, "the worker had to stop".into()))
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

/// Ends when the job is another's, or the lease may have run out while the database was away.
async fn keep_lease(worker: &Worker, job: &Job) {
    let lease = worker.rules.lease.to_std().unwrap_or_default();
    let mut renewed = Instant::now();
    while renewed.elapsed() < lease {
        sleep(lease / 4).await;
        match recording_renew(&worker.app.database, job, worker.app.clock.now(), worker.rules).await {
            Ok(()) => renewed = Instant::now(),
            Err(Error::Fenced(_)) => return,
            Err(error) => tracing::warn!(%error, "lease not renewed"),
        }
    }
}

/// Most of the grace goes to the work, the rest to letting go of it in good order.
async fn out_of_time(worker: &Worker, shutdown: &Shutdown) {
    shutdown.stopping().await;
    sleep(worker.app.config.process.stop_grace().mul_f64(0.7)).await;
}

async fn make(worker: &Worker, job: &Job) -> Result<(), Trouble> {
    remove_leftovers(worker, job).await?;
    let place = worker
        .files
        .workplace(job.id, job.attempt)
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
            Error::Fenced(_) => Trouble::Lost,
            error => processing(&error),
        })
}

/// Objects of attempts that died. Their rows stay announced, for the case that one of them is not as dead as
/// it seems.
async fn remove_leftovers(worker: &Worker, job: &Job) -> Result<(), Trouble> {
    for key in &job.leftovers {
        let object = Doomed {
            key: key.clone(),
            version_id: None,
        };
        remove(&worker.app.bucket, &object, worker.app.clock.now())
            .await
            .map_err(storage)?;
    }
    Ok(())
}

async fn remux(job: &Job, file: &Path, place: &Workplace) -> Result<Remuxed, Trouble> {
    let remuxed = video::remux_faststart(file, &place.file("video.mp4")).await;
    let remuxed = remuxed.map_err(|error| unreadable(&job.source, &error))?;
    // A button that was pressed by mistake leaves no VOD. Whoever uploads means it.
    if matches!(job.source, Source::Disk(_)) && remuxed.duration_seconds < SHORTEST_SECONDS {
        Err(Trouble::Nothing("too short"))
    } else {
        Ok(remuxed)
    }
}

/// A recording with nothing in it is nothing new. Whoever uploads such a file is told.
fn unreadable(source: &Source, error: &video::Error) -> Trouble {
    let shown = match (error, source) {
        (video::Error::Empty, Source::Disk(_)) => return Trouble::Nothing("empty"),
        (video::Error::Empty, Source::Object { .. }) => failure::NO_VIDEO,
        (video::Error::Broken(_), Source::Disk(_)) => failure::DAMAGED,
        (video::Error::Broken(_), Source::Object { .. }) => failure::UNREADABLE,
        _ => return processing(error),
    };
    Trouble::Failed(Setback::Final, shown, error.to_string())
}

/// A VOD without a picture is better than none: only a failure that is the machine's is tried again.
async fn picture(place: &Workplace, remuxed: &Remuxed) -> Result<bool, Trouble> {
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
    job: &Job,
    place: &Workplace,
    picture: bool,
    duration_seconds: f64,
) -> Result<Published, Trouble> {
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
) -> Result<(bucket::Stored, bucket::Presigned), Trouble> {
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

/// A refusal is tried again too: somebody may lift the cap or correct the key within the hour.
fn storage(error: bucket::Error) -> Trouble {
    Trouble::Failed(Setback::Retry, failure::STORAGE, error.to_string())
}

fn processing(error: &dyn std::error::Error) -> Trouble {
    let cause = error
        .source()
        .map(|source| format!(": {source}"))
        .unwrap_or_default();
    Trouble::Failed(Setback::Retry, failure::PROCESSING, format!("{error}{cause}"))
}

/// Writes down how the attempt ended, and says it in a word.
async fn settle(worker: &Worker, job: &Job, made: Result<(), Trouble>) -> &'static str {
    let (app, now) = (&worker.app, worker.app.clock.now());
    let settled = match made {
        Ok(()) => Ok("published"),
        // What was uploaded is announced, so the one who took over removes it, or the clock does.
        Err(Trouble::Lost) => return "lost",
        Err(Trouble::Nothing(cause)) => recording_discard(&app.database, job, cause, now)
            .await
            .map(|()| "discarded"),
        Err(Trouble::Failed(why, shown, cause)) => {
            tracing::warn!(cause, "attempt failed");
            let state = recording_set_back(&app.database, job, why, shown, &cause, now, worker.rules).await;
            state.map(|state| {
                if state == State::Failed {
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
            // The lease runs out, and then somebody tries again.
            tracing::warn!(error = %DomainError::from(error), "the end of an attempt was not written down");
            "unknown"
        }
    }
}

/// The job has ended for good. Should this fail, the sweeper removes the file.
async fn remove_file(worker: &Worker, job: &Job) {
    let Source::Disk(file) = &job.source else { return };
    if let Err(error) = worker.files.remove(file).await {
        tracing::warn!(%file, %error, "recording not removed, trying again later");
    }
}
