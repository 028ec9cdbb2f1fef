//! Whether a process can answer something useful.
//!
//! A *required* dependency decides readiness: a database that only this service can query, or the keys
//! without which no token can be verified. Everything else is *watched*: the broker, Redis and peers may be
//! away while the outbox fills and reads go on, so their loss is a warning, a line in `/readyz` and the
//! metric `dependency_up`, but never takes a replica out of its load balancer.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use serde::Serialize;

/// How long one dependency may take to answer.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// Something that a process needs and that may be unavailable.
pub trait Dependency: Send + Sync + 'static {
    /// Its name in `/readyz` and metrics, such as `postgres`.
    fn name(&self) -> &'static str;

    /// Checks that it answers. The error is shown on the internal port only.
    fn check(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// Implements [`Dependency`] by a `ping` method.
macro_rules! pinged {
    ($($dependency:ty => $name:literal),+ $(,)?) => {
        $(impl Dependency for $dependency {
            fn name(&self) -> &'static str {
                $name
            }

            async fn check(&self) -> Result<(), String> {
                self.ping().await.map_err(|error| error.to_string())
            }
        })+
    };
}

pinged! {
    storage::Database => "postgres",
    storage::Redis => "redis",
    storage::Mongo => "mongodb",
    bus::Bus => "rabbitmq",
}

impl Dependency for identity::Verifier {
    fn name(&self) -> &'static str {
        "identity"
    }

    async fn check(&self) -> Result<(), String> {
        if self.is_ready() {
            Ok(())
        } else {
            Err("keys and revocations of the auth service have not arrived yet".to_owned())
        }
    }
}

type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The dependencies of a process. Clones share them.
#[derive(Clone, Default)]
pub struct Health {
    checks: Arc<RwLock<Vec<NamedCheck>>>,
    /// Whether each dependency was up in the last round of [`Health::observe`].
    last: Arc<Mutex<BTreeMap<&'static str, bool>>>,
}

#[derive(Clone)]
struct NamedCheck {
    name: &'static str,
    required: bool,
    check: Check,
}

/// The body of `/readyz`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    pub(crate) status: Status,
    /// `ok`, or the error, by dependency.
    pub(crate) dependencies: BTreeMap<&'static str, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Ready,
    Unavailable,
}

impl Report {
    pub(crate) fn is_ready(&self) -> bool {
        self.status == Status::Ready
    }
}

impl Health {
    /// Adds a dependency without which the process is not ready.
    pub fn require(&self, dependency: impl Dependency) {
        self.add(dependency, true);
    }

    /// Adds a dependency that is reported and measured, but does not decide readiness.
    pub fn watch(&self, dependency: impl Dependency) {
        self.add(dependency, false);
    }

    fn add(&self, dependency: impl Dependency, required: bool) {
        let dependency = Arc::new(dependency);
        let name = dependency.name();
        let check: Check = Arc::new(move || {
            let dependency = dependency.clone();
            Box::pin(async move { dependency.check().await })
        });
        let mut checks = self.checks.write().unwrap_or_else(PoisonError::into_inner);
        checks.push(NamedCheck {
            name,
            required,
            check,
        });
    }

    /// Whether all required dependencies answer.
    pub async fn is_ready(&self) -> bool {
        self.report(false).await.is_ready()
    }

    /// Checks all dependencies at once, and sets the metric `dependency_up` of each.
    pub(crate) async fn report(&self, stopping: bool) -> Report {
        let checks = self.checks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let results = join_all(checks.iter().map(|check| async {
            match tokio::time::timeout(CHECK_TIMEOUT, (check.check)()).await {
                Ok(result) => result,
                Err(_) => Err("timed out".to_owned()),
            }
        }))
        .await;
        let mut ready = !stopping;
        let mut dependencies = BTreeMap::new();
        for (NamedCheck { name, required, .. }, result) in checks.iter().zip(results) {
            ready &= result.is_ok() || !required;
            metrics::gauge!("dependency_up", "dependency" => *name).set(if result.is_ok() {
                1.0
            } else {
                0.0
            });
            dependencies.insert(*name, result.err().unwrap_or_else(|| "ok".to_owned()));
        }
        Report {
            status: if ready { Status::Ready } else { Status::Unavailable },
            dependencies,
        }
    }

    /// Checks all dependencies, and logs those whose state has changed since the last round.
    pub(crate) async fn observe(&self) {
        let report = self.report(false).await;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, state) in report.dependencies {
            let up = state == "ok";
            // At the start every dependency counts as up, so that its absence is logged once.
            let was_up = last.insert(name, up).unwrap_or(true);
            match (was_up, up) {
                (true, false) => tracing::warn!(dependency = name, error = state, "dependency unavailable"),
                (false, true) => tracing::info!(dependency = name, "dependency available again"),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fake(&'static str, Option<Result<(), &'static str>>);

    impl Dependency for Fake {
        fn name(&self) -> &'static str {
            self.0
        }

        async fn check(&self) -> Result<(), String> {
            match self.1 {
                Some(result) => result.map_err(ToOwned::to_owned),
                None => std::future::pending().await,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn required_dependencies_decide_readiness() {
        let health = Health::default();
        health.require(Fake("postgres", Some(Ok(()))));
        health.watch(Fake("rabbitmq", Some(Err("connection refused"))));
        assert!(health.report(false).await.is_ready());
        assert!(!health.report(true).await.is_ready());

        health.require(Fake("mongodb", None));
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
                "mongodb: timed out",
                "postgres: ok",
                "rabbitmq: connection refused"
            ]
        );
    }
}
