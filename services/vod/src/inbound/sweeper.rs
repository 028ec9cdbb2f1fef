//! Checks the disk of the node every few seconds: adopts recordings without an event, and removes finished
//! files. A media node that is killed sends no hook, and an event may end as a dead letter; the file still
//! exists.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use storage::AsyncPgConnection;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::app::Worker;
use crate::domain::{JobState, RecordingJob};
use crate::error::Result;
use crate::outbound::files::FileStatus;
use crate::outbound::peers::{RecordingOwner, recording_owner};
use crate::store::recordings::{recording_attempts, recording_insert, recordings_of_files};
use primitives::RecordingName;

/// Files whose owner is looked up per sweep.
const MAX_LOOKUPS_PER_SWEEP: usize = 50;
/// The delay before an unknown file is looked up again.
const LOOKUP_RETRY_DELAY: Duration = Duration::from_secs(300);

/// Sweeps until `shutdown` is cancelled.
pub async fn run(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut sweeper = Sweeper::new(worker);
    let mut ticks = interval(sweeper.worker.config.sweep());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = sweeper.sweep().await {
            tracing::warn!(node = sweeper.worker.node, %error, "sweep incomplete, will retry");
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileAction {
    /// The job is done, or the file was left by a rejected publish.
    Remove,
    /// Look up the owner.
    LookUp,
    /// The file is in use, still growing, or kept for a retry.
    Leave,
}

fn action(look: FileStatus, known: Option<&RecordingJob>, settle: Duration, empty: Duration) -> FileAction {
    match known.map(|recording| recording.state) {
        Some(JobState::Published | JobState::Discarded) if look.unchanged_for >= settle => FileAction::Remove,
        Some(_) => FileAction::Leave,
        None if look.size == 0 && look.unchanged_for >= empty => FileAction::Remove,
        None if look.size > 0 && look.unchanged_for >= settle => FileAction::LookUp,
        None => FileAction::Leave,
    }
}

/// The sweeper of a node. Remembers files that the stream service does not know.
pub struct Sweeper {
    worker: Arc<Worker>,
    unknown_since: HashMap<RecordingName, Instant>,
}

impl Sweeper {
    #[must_use]
    pub fn new(worker: Arc<Worker>) -> Self {
        Self {
            worker,
            unknown_since: HashMap::new(),
        }
    }

    /// Checks every file once. An error ends the sweep early.
    pub async fn sweep(&mut self) -> anyhow::Result<()> {
        let worker = self.worker.clone();
        worker.files.check().await?;
        let files = worker.files.list().await?;
        self.unknown_since
            .retain(|file, asked| files.contains(file) && asked.elapsed() < LOOKUP_RETRY_DELAY);
        let known = recordings_of_files(&worker.app.database, &worker.node, &files).await?;
        let (settle, empty) = (worker.config.settle(), worker.config.empty());
        let mut unknown = Vec::new();
        for file in files {
            let Some(look) = worker.files.status(&file, worker.app.clock.now()).await? else {
                continue;
            };
            match action(look, known.get(&file), settle, empty) {
                FileAction::Remove => {
                    worker.files.remove(&file).await?;
                    tracing::info!(%file, bytes = look.size, "recording removed");
                }
                FileAction::LookUp => unknown.push(file),
                FileAction::Leave => {}
            }
        }
        self.clear_attempt_dirs().await?;
        self.ask(unknown).await?;
        gauge!("vod_unknown_recordings", "node" => worker.node.clone())
            .set(f64::from(u32::try_from(self.unknown_since.len())?));
        Ok(())
    }

    async fn ask(&mut self, unknown: Vec<RecordingName>) -> Result<()> {
        let new = unknown
            .into_iter()
            .filter(|file| !self.unknown_since.contains_key(file))
            .take(MAX_LOOKUPS_PER_SWEEP);
        for file in new.collect::<Vec<_>>() {
            match recording_owner(&self.worker.app.stream, &self.worker.node, &file).await? {
                RecordingOwner::OnAir => {}
                RecordingOwner::Unknown => {
                    tracing::warn!(%file, "recording belongs to no stream, keeping it");
                    self.unknown_since.insert(file, Instant::now());
                }
                RecordingOwner::Finished(recording) => {
                    let app = &self.worker.app;
                    let now = app.clock.now();
                    let adopt = async move |conn: &mut AsyncPgConnection| {
                        recording_insert(conn, &recording, now).await
                    };
                    app.database.transaction(adopt).await?;
                    tracing::info!(%file, "recording adopted");
                }
            }
        }
        Ok(())
    }

    /// Removes the directories of attempts that are not the current ones of their jobs.
    async fn clear_attempt_dirs(&self) -> anyhow::Result<()> {
        let found = self.worker.files.attempt_dirs().await?;
        let ids: Vec<i64> = found.iter().map(|(id, _)| *id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let working = recording_attempts(&self.worker.app.database, ids).await?;
        for (id, attempt) in found
            .into_iter()
            .filter(|(id, attempt)| working.get(id) != Some(attempt))
        {
            self.worker.files.clear((id, attempt)).await?;
            tracing::info!(
                recording_id = id,
                attempt,
                "directory of an ended attempt removed"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_secs(2);
    const EMPTY: Duration = Duration::from_secs(60);

    fn of(size: u64, quiet: u64, state: Option<JobState>) -> FileAction {
        let known = state.map(|state| RecordingJob { attempts: 1, state });
        action(
            FileStatus {
                size,
                unchanged_for: Duration::from_secs(quiet),
            },
            known.as_ref(),
            SETTLE,
            EMPTY,
        )
    }

    #[test]
    fn only_finished_files_are_removed() {
        assert_eq!(of(9, 9, Some(JobState::Published)), FileAction::Remove);
        assert_eq!(of(9, 9, Some(JobState::Discarded)), FileAction::Remove);
        assert_eq!(of(9, 1, Some(JobState::Discarded)), FileAction::Leave);
        assert_eq!(of(9, 9, Some(JobState::Failed)), FileAction::Leave);
        assert_eq!(of(0, 99, Some(JobState::Failed)), FileAction::Leave);
        assert_eq!(of(0, 61, None), FileAction::Remove);
        assert_eq!(of(0, 59, None), FileAction::Leave);
    }

    #[test]
    fn only_closed_files_are_looked_up() {
        assert_eq!(of(9, 2, None), FileAction::LookUp);
        assert_eq!(of(9, 1, None), FileAction::Leave);
    }
}
