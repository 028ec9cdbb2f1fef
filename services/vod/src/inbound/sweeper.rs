//! Looks at the node's disk every few seconds: finds recordings that no event has told of, and removes what
//! is done with. A media node that was killed tells nothing, and an event may die; the file is still there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::gauge;
use storage::AsyncPgConnection;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::app::Worker;
use crate::domain::{Recording, RecordingName, State};
use crate::error::Result;
use crate::outbound::files::Look;
use crate::outbound::peers::{Whose, recording_owner};
use crate::store::recordings::{recording_attempts, recording_insert, recordings_of_files};

/// Files that stream is asked about in one sweep.
const QUESTIONS: usize = 50;
/// Before it is asked again about one that it did not know.
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// Sweeps until told to stop.
pub async fn run(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut sweeper = Sweeper::new(worker);
    let mut ticks = interval(sweeper.worker.config.sweep());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = sweeper.sweep().await {
            tracing::warn!(node = sweeper.worker.node, %error, "sweep not finished, trying again");
        }
    }
}

/// What is to be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Its job has ended for good, or it is what a refused publisher left.
    Remove,
    /// Find out whose it is.
    Ask,
    /// Its job has it, or somebody writes to it, or it is kept for another try.
    Leave,
}

fn verdict(look: Look, known: Option<&Recording>, settle: Duration, empty: Duration) -> Verdict {
    match known.map(|recording| recording.state) {
        Some(State::Published | State::Discarded) if look.quiet >= settle => Verdict::Remove,
        Some(_) => Verdict::Leave,
        None if look.size == 0 && look.quiet >= empty => Verdict::Remove,
        None if look.size > 0 && look.quiet >= settle => Verdict::Ask,
        None => Verdict::Leave,
    }
}

/// A node's sweeper, which remembers what it asked in vain.
pub struct Sweeper {
    worker: Arc<Worker>,
    nobodys: HashMap<RecordingName, Instant>,
}

impl Sweeper {
    /// A sweeper that has asked nothing.
    #[must_use]
    pub fn new(worker: Arc<Worker>) -> Self {
        Self {
            worker,
            nobodys: HashMap::new(),
        }
    }

    /// Looks at every file once.
    ///
    /// # Errors
    /// The disk's, the store's or the stream service's; what was done until then stays done.
    pub async fn sweep(&mut self) -> anyhow::Result<()> {
        let worker = self.worker.clone();
        worker.files.check().await?;
        let files = worker.files.list().await?;
        self.nobodys
            .retain(|file, asked| files.contains(file) && asked.elapsed() < ASK_AGAIN);
        let known = recordings_of_files(&worker.app.database, &worker.node, &files).await?;
        let (settle, empty) = (worker.config.settle(), worker.config.empty());
        let mut unknown = Vec::new();
        for file in files {
            let Some(look) = worker.files.look(&file).await? else {
                continue;
            };
            match verdict(look, known.get(&file), settle, empty) {
                Verdict::Remove => {
                    worker.files.remove(&file).await?;
                    tracing::info!(%file, bytes = look.size, "recording removed");
                }
                Verdict::Ask => unknown.push(file),
                Verdict::Leave => {}
            }
        }
        self.clear_workplaces().await?;
        self.ask(unknown).await?;
        gauge!("vod_unknown_recordings", "node" => worker.node.clone())
            .set(f64::from(u32::try_from(self.nobodys.len())?));
        Ok(())
    }

    async fn ask(&mut self, unknown: Vec<RecordingName>) -> Result<()> {
        let new = unknown
            .into_iter()
            .filter(|file| !self.nobodys.contains_key(file))
            .take(QUESTIONS);
        for file in new.collect::<Vec<_>>() {
            match recording_owner(&self.worker.app.stream, &self.worker.node, &file).await? {
                Whose::OnAir => {}
                Whose::Nobodys => {
                    tracing::warn!(%file, "a recording belongs to no stream, it is kept");
                    self.nobodys.insert(file, Instant::now());
                }
                Whose::Finished(recording) => {
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
    async fn clear_workplaces(&self) -> anyhow::Result<()> {
        let found = self.worker.files.workplaces().await?;
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
            tracing::info!(recording_id = id, attempt, "what an attempt left was removed");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_secs(2);
    const EMPTY: Duration = Duration::from_secs(60);

    fn of(size: u64, quiet: u64, state: Option<State>) -> Verdict {
        let known = state.map(|state| Recording { attempts: 1, state });
        verdict(
            Look {
                size,
                quiet: Duration::from_secs(quiet),
            },
            known.as_ref(),
            SETTLE,
            EMPTY,
        )
    }

    #[test]
    fn only_what_is_done_with_is_removed() {
        assert_eq!(of(9, 9, Some(State::Published)), Verdict::Remove);
        assert_eq!(of(9, 9, Some(State::Discarded)), Verdict::Remove);
        assert_eq!(of(9, 1, Some(State::Discarded)), Verdict::Leave);
        assert_eq!(of(9, 9, Some(State::Failed)), Verdict::Leave);
        assert_eq!(of(0, 99, Some(State::Failed)), Verdict::Leave);
        assert_eq!(of(0, 61, None), Verdict::Remove);
        assert_eq!(of(0, 59, None), Verdict::Leave);
    }

    #[test]
    fn only_what_has_stopped_growing_is_asked_about() {
        assert_eq!(of(9, 2, None), Verdict::Ask);
        assert_eq!(of(9, 1, None), Verdict::Leave);
    }
}
