//! How a process ends: softly, then firmly.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long tasks may take to end after they were told to at once.
const ABORT_WAIT: Duration = Duration::from_secs(2);

/// Tells a service and its tasks when to end. The *soft* token says: take nothing new, finish what you have.
/// The *hard* token comes a grace later, or with a second signal, and says: drop everything. Clones are the
/// same shutdown.
#[derive(Clone, Debug)]
pub struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
    grace: Duration,
    failure: Arc<OnceLock<String>>,
}

/// Why a service stopped though nobody asked it to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("task {0} ended unexpectedly")]
pub struct Stopped(String);

impl Shutdown {
    /// A shutdown that nobody has asked for yet.
    #[must_use]
    pub fn new(grace: Duration) -> Self {
        Self {
            soft: CancellationToken::new(),
            hard: CancellationToken::new(),
            tasks: TaskTracker::new(),
            grace,
            failure: Arc::default(),
        }
    }

    /// SIGTERM and SIGINT stop softly, a second one firmly.
    ///
    /// # Errors
    /// When the process can not listen to signals.
    pub fn listen_to_signals(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let this = self.clone();
        // Not tracked: it waits for ever, and nobody waits for it.
        tokio::spawn(async move {
            for stop in [Self::stop as fn(&Self), Self::abort] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                stop(&this);
            }
        });
        Ok(())
    }

    /// Asks for a soft stop.
    pub fn stop(&self) {
        if !self.soft.is_cancelled() {
            tracing::info!("stopping");
        }
        self.soft.cancel();
    }

    /// Ends everything at once.
    pub fn abort(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Ends when a stop is asked for.
    pub async fn stopping(&self) {
        self.soft.cancelled().await;
    }

    /// Runs work that a stop may cut short; `None` when it was.
    pub async fn run_until_stopped<F: Future>(&self, work: F) -> Option<F::Output> {
        self.soft.run_until_cancelled(work).await
    }

    /// Ends when everything must end at once.
    pub async fn aborting(&self) {
        self.hard.cancelled().await;
    }

    /// The token of the soft stop, for libraries that take one.
    #[must_use]
    pub fn soft_token(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// The token of the hard stop, for libraries that take one.
    #[must_use]
    pub fn hard_token(&self) -> CancellationToken {
        self.hard.clone()
    }

    /// Runs a task that may end when it likes; it is dropped at the hard stop. A panic is logged and counted.
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let this = self.clone();
        self.tasks.spawn(async move {
            this.guarded(name, task).await;
        });
    }

    /// Runs a task without which the service makes no sense: when it ends before a stop was asked for, or
    /// panics, the process stops and exits with a failure, so that whoever supervises it starts it again.
    pub fn spawn_essential<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let this = self.clone();
        self.tasks.spawn(async move {
            let panicked = this.guarded(name, task).await;
            if panicked || !this.is_stopping() {
                tracing::error!(task = name, "an essential task ended");
                let _ = this.failure.set(name.to_owned());
                this.stop();
            }
        });
    }

    /// Runs until the hard stop; answers whether the task panicked.
    async fn guarded(&self, name: &'static str, task: impl Future<Output = ()>) -> bool {
        let task = AssertUnwindSafe(task).catch_unwind();
        let outcome = tokio::select! {
            outcome = task => outcome,
            () = self.hard.cancelled() => Ok(()),
        };
        if outcome.is_err() {
            // The message was logged by the panic hook.
            tracing::error!(task = name, "task panicked");
            metrics::counter!("runtime_task_panics_total", "task" => name).increment(1);
        }
        outcome.is_err()
    }

    /// Waits for a stop to be asked for, then for the tasks: the grace, then the hard stop.
    ///
    /// # Errors
    /// When it was an essential task that asked, by ending.
    pub async fn finished(&self) -> Result<(), Stopped> {
        self.stopping().await;
        self.tasks.close();
        if tokio::time::timeout(self.grace, self.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.tasks.len(), "the grace is over");
        }
        self.hard.cancel();
        if tokio::time::timeout(ABORT_WAIT, self.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.tasks.len(), "tasks did not end");
        }
        match self.failure.get() {
            Some(task) => Err(Stopped(task.clone())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tasks_finish_within_the_grace() {
        let shutdown = Shutdown::new(Duration::from_secs(5));
        let inner = shutdown.clone();
        let done = Arc::new(OnceLock::new());
        let seen = done.clone();
        shutdown.spawn("worker", async move {
            inner.stopping().await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            let _ = done.set(());
        });
        shutdown.stop();
        assert_eq!(shutdown.finished().await, Ok(()));
        assert!(seen.get().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stuck_task_is_dropped_after_the_grace() {
        let shutdown = Shutdown::new(Duration::from_secs(5));
        shutdown.spawn("stuck", std::future::pending());
        shutdown.stop();
        let before = tokio::time::Instant::now();
        assert_eq!(shutdown.finished().await, Ok(()));
        assert_eq!(before.elapsed().as_secs(), 5);
    }

    #[tokio::test]
    async fn the_end_of_an_essential_task_is_a_failure() {
        for panics in [false, true] {
            let shutdown = Shutdown::new(Duration::from_secs(5));
            shutdown.spawn_essential("relay", async move { assert!(!panics, "on purpose") });
            assert_eq!(shutdown.finished().await, Err(Stopped("relay".to_owned())));
        }
    }

    #[tokio::test]
    async fn the_panic_of_another_task_is_not() {
        let shutdown = Shutdown::new(Duration::from_secs(5));
        shutdown.spawn("side", async { panic!("on purpose") });
        tokio::task::yield_now().await;
        assert!(!shutdown.is_stopping());
        shutdown.stop();
        assert_eq!(shutdown.finished().await, Ok(()));
    }
}
