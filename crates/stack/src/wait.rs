//! Waiting for a condition, with a deadline, instead of sleeping.

use std::fmt::Display;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::child::Child;

/// The result of a probe: a value, or the reason to keep waiting.
pub trait Outcome {
    type Value;

    /// Returns the value, or the reason to keep waiting.
    fn outcome(self) -> std::result::Result<Self::Value, String>;
}

impl<T> Outcome for Option<T> {
    type Value = T;

    fn outcome(self) -> std::result::Result<T, String> {
        self.ok_or_else(|| "nothing yet".to_owned())
    }
}

impl<T, E: Display> Outcome for std::result::Result<T, E> {
    type Value = T;

    fn outcome(self) -> std::result::Result<T, String> {
        self.map_err(|error| format!("{error:#}"))
    }
}

impl Outcome for bool {
    type Value = ();

    fn outcome(self) -> std::result::Result<(), String> {
        self.then_some(()).ok_or_else(|| "not yet".to_owned())
    }
}

/// Repeats a probe, first every few milliseconds and then less often, until it returns a value. `what`
/// completes the error message "waited 5s for …".
pub async fn eventually<O: Outcome>(
    deadline: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> O,
) -> Result<O::Value> {
    let end = Instant::now() + deadline;
    let mut pause = Duration::from_millis(5);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let why = match tokio::time::timeout(left, probe()).await.map(Outcome::outcome) {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(why)) => why,
            Err(_) => "no answer".to_owned(),
        };
        if Instant::now() + pause >= end {
            bail!("waited {deadline:?} for {what}: {why}");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(100));
    }
}

/// Waits until a server is ready, and fails at once if its process ends.
pub(crate) async fn ready<O: Outcome>(
    child: &mut Child,
    deadline: Duration,
    mut probe: impl AsyncFnMut() -> O,
) -> Result<()> {
    let what = format!("{} to be ready", child.name());
    let ended = eventually(deadline, &what, async || match child.must_run() {
        Ok(()) => probe().await.outcome().map(|_| None),
        Err(ended) => Ok(Some(ended)),
    });
    let ended = ended.await;
    match ended {
        Ok(None) => Ok(()),
        Ok(Some(ended)) => Err(ended),
        Err(late) => bail!("{late}; the end of its log:\n{}", child.log_tail(15)),
    }
}

/// Fails unless a server accepts connections at the address.
pub(crate) async fn accepts(address: &str) -> std::io::Result<()> {
    tokio::net::TcpStream::connect(address).await.map(drop)
}
