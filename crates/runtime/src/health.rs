//! Whether a process can do its work now.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use serde::Serialize;

/// How long one dependency may take to answer.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The named dependencies of a process, each with its check. Clones share them.
#[derive(Clone, Default)]
pub struct Health {
    dependencies: Arc<RwLock<Vec<Dependency>>>,
}

#[derive(Clone)]
struct Dependency {
    name: &'static str,
    required: bool,
    check: Check,
}

/// The answer of `/readyz`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    pub(crate) status: &'static str,
    /// `ok`, or what is wrong.
    pub(crate) dependencies: BTreeMap<&'static str, String>,
}

impl Report {
    pub(crate) fn is_ready(&self) -> bool {
        self.status == READY
    }
}

const READY: &str = "ready";
const NOT_READY: &str = "unavailable";

impl Health {
    /// A process without dependencies, which is always ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a dependency without which the process is not ready. An error's text is shown on the internal
    /// port.
    pub fn require<F, R, E>(&self, name: &'static str, check: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: ToString,
    {
        self.add(name, true, check);
    }

    /// Adds a dependency that is reported, but whose loss the process survives with most of its work.
    pub fn watch<F, R, E>(&self, name: &'static str, check: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: ToString,
    {
        self.add(name, false, check);
    }

    fn add<F, R, E>(&self, name: &'static str, required: bool, check: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: ToString,
    {
        let check: Check = Arc::new(move || {
            let answer = check();
            Box::pin(async move { answer.await.map_err(|error| error.to_string()) })
        });
        let mut dependencies = self.dependencies.write().unwrap_or_else(PoisonError::into_inner);
        dependencies.push(Dependency {
            name,
            required,
            check,
        });
    }

    /// Whether everything that is required answers, for a public port that says no more than that.
    pub async fn is_ready(&self) -> bool {
        self.report(false).await.is_ready()
    }

    /// Asks all dependencies at once.
    pub(crate) async fn report(&self, stopping: bool) -> Report {
        let dependencies = self
            .dependencies
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let answers = join_all(dependencies.iter().map(|dependency| async {
            match tokio::time::timeout(CHECK_TIMEOUT, (dependency.check)()).await {
                Ok(answer) => answer,
                Err(_) => Err("no answer in time".to_owned()),
            }
        }))
        .await;
        let broken = dependencies
            .iter()
            .zip(&answers)
            .any(|(d, answer)| d.required && answer.is_err());
        let texts = answers
            .into_iter()
            .map(|answer| answer.err().unwrap_or_else(|| "ok".to_owned()));
        Report {
            status: if stopping || broken { NOT_READY } else { READY },
            dependencies: dependencies.iter().map(|d| d.name).zip(texts).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_required_decides_and_all_is_named() {
        let health = Health::new();
        health.require("postgres", || async { Ok::<_, String>(()) });
        health.watch("redis", || async { Err("connection refused") });
        assert!(health.report(false).await.is_ready());
        assert!(!health.report(true).await.is_ready());

        health.require("bus", std::future::pending::<Result<(), String>>);
        let report = health.report(false).await;
        assert!(!report.is_ready());
        let texts: Vec<_> = report
            .dependencies
            .iter()
            .map(|(name, text)| format!("{name}: {text}"))
            .collect();
        assert_eq!(
            texts,
            [
                "bus: no answer in time",
                "postgres: ok",
                "redis: connection refused"
            ]
        );
    }
}
