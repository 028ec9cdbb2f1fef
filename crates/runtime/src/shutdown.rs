//! How a process stops: gracefully, then at once.

use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long tasks may take to end after the hard stop.
const ABORT_WAIT: Duration = Duration::from_secs(2);

/// Tells a service and its tasks when to stop. The *soft* stop means: accept no new work and finish the rest.
/// The *hard* stop follows after the grace period, or at a second signal, and drops what still runs. Clones
/// share one state.
#[derive(Clone, Debug)]
pub struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
    grace: Duration,
    failure: Arc<OnceLock<String>>,
}

/// An essential task ended although nobody asked for a stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("task {0} ended unexpectedly")]
pub struct TaskFailed(String);

impl Shutdown {
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

    /// Makes SIGTERM and SIGINT stop softly, and a second one hard.
    ///
    /// # Errors
    /// When the process cannot register signal handlers.
    pub fn listen_to_signals(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let this = self.clone();
        // Not tracked: it never ends by itself, and nothing waits for it.
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

    /// Starts the soft stop.
    pub fn stop(&self) {
        if !self.soft.is_cancelled() {
            tracing::info!("stopping");
        }
        self.soft.cancel();
    }

    /// Starts the hard stop.
    pub fn abort(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }

    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Waits for the soft stop.
    pub async fn stopping(&self) {
        self.soft.cancelled().await;
    }

    /// Runs work until it is done or the soft stop comes; `None` when it was cut short.
    pub async fn run_until_stopped<F: Future>(&self, work: F) -> Option<F::Output> {
        self.soft.run_until_cancelled(work).await
    }

    /// Waits for the hard stop.
    pub async fn aborting(&self) {
        self.hard.cancelled().await;
    }

    #[must_use]
    pub fn soft_token(&self) -> CancellationToken {
        self.soft.clone()
    }

    #[must_use]
    pub fn hard_token(&self) -> CancellationToken {
        self.hard.clone()
    }

    /// Spawns a task that may end at any time. The hard stop drops it; a panic is logged and counted.
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let this = self.clone();
        self.tasks.spawn(async move {
            this.guard(name, task).await;
        });
    }

    /// Spawns a task that the service cannot do without. If it panics, or ends before a stop, the process
    /// stops and exits with a failure, so that its supervisor starts it again.
    pub fn spawn_essential<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let this = self.clone();
        self.tasks.spawn(async move {
            let panicked = this.guard(name, task).await;
            if panicked || !this.is_stopping() {
                tracing::error!(task = name, "essential task ended");
                let _ = this.failure.set(name.to_owned());
                this.stop();
            }
        });
    }

    /// Runs a task at once and then every `period` until the soft stop. A failure is logged and the task runs
    /// again at its next turn; a round that takes longer than the period delays the next one.
    pub fn every<F, Fut, E>(&self, name: &'static str, period: Duration, mut task: F)
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send,
        E: Display,
    {
        let this = self.clone();
        self.spawn_essential(name, async move {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while this.run_until_stopped(ticks.tick()).await.is_some() {
                if let Err(error) = task().await {
                    tracing::warn!(task = name, %error, "periodic task failed, trying again later");
                }
            }
        });
    }

    /// Runs a task until the hard stop; returns whether it panicked.
    async fn guard(&self, name: &'static str, task: impl Future<Output = ()>) -> bool {
        let task = AssertUnwindSafe(task).catch_unwind();
        let outcome = tokio::select! {
            outcome = task => outcome,
            () = self.hard.cancelled() => Ok(()),
        };
        if outcome.is_err() {
            // The panic hook has logged the message already.
            tracing::error!(task = name, "task panicked");
            metrics::counter!("runtime_task_panics_total", "task" => name).increment(1);
        }
        outcome.is_err()
    }

    /// Waits for the soft stop, then for the tasks: the grace period, then the hard stop.
    ///
    /// # Errors
    /// When an essential task caused the stop.
    pub async fn finished(&self) -> Result<(), TaskFailed> {
        self.stopping().await;
        self.tasks.close();
        if timeout(self.grace, self.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.tasks.len(), "the grace period is over");
        }
        self.hard.cancel();
        if timeout(ABORT_WAIT, self.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.tasks.len(), "tasks did not end");
        }
        match self.failure.get() {
            Some(task) => Err(TaskFailed(task.clone())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tasks_finish_within_grace() {
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
    async fn stuck_task_is_dropped_after_grace() {
        let shutdown = Shutdown::new(Duration::from_secs(5));
        shutdown.spawn("stuck", std::future::pending());
        shutdown.stop();
        let before = tokio::time::Instant::now();
        assert_eq!(shutdown.finished().await, Ok(()));
        assert_eq!(before.elapsed().as_secs(), 5);
    }

    #[tokio::test]
    async fn end_of_essential_task_is_failure() {
        for panics in [false, true] {
            let shutdown = Shutdown::new(Duration::from_secs(5));
            shutdown.spawn_essential("relay", async move { assert!(!panics, "on purpose") });
            assert_eq!(shutdown.finished().await, Err(TaskFailed("relay".to_owned())));
        }
    }

    #[tokio::test]
    async fn panic_of_other_task_is_not_failure() {
        let shutdown = Shutdown::new(Duration::from_secs(5));
        shutdown.spawn("side", async { panic!("on purpose") });
        tokio::task::yield_now().await;
        assert!(!shutdown.is_stopping());
        shutdown.stop();
        assert_eq!(shutdown.finished().await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn periodic_task_survives_failures_until_the_stop() {
        let shutdown = Shutdown::new(Duration::from_secs(5));
        let (rounds, mut seen) = tokio::sync::mpsc::unbounded_channel();
        shutdown.every("periodic", Duration::from_secs(1), move || {
            let sent = rounds.send(());
            async move { sent.and(Err(tokio::sync::mpsc::error::SendError(()))) }
        });
        for _ in 0..3 {
            seen.recv().await.unwrap();
        }
        shutdown.stop();
        assert_eq!(shutdown.finished().await, Ok(()));
        assert_eq!(seen.recv().await, None);
    }
}
