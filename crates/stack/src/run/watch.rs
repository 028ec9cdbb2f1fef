//! Decides when to restart a process that has exited.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::time::Instant;

/// A service's exit code for an invalid configuration, which a restart would not fix.
const EXIT_MISCONFIGURED: i32 = 78;

/// The recent failures of a process.
#[derive(Debug, Default)]
pub(super) struct RestartPolicy {
    failures: u32,
    started: Option<Instant>,
    next: Option<Instant>,
    given_up: bool,
}

/// What to do about a process that has exited.
pub(super) enum RestartStep {
    /// Report the exit, and restart after this delay.
    Schedule(Duration),
    /// The delay has not passed.
    Wait,
    Restart,
    /// Report the exit, and do not restart.
    GiveUp,
}

impl RestartPolicy {
    pub(super) fn exited(&mut self, status: ExitStatus) -> RestartStep {
        if self.given_up {
            return RestartStep::Wait;
        }
        if status.code() == Some(EXIT_MISCONFIGURED) {
            self.given_up = true;
            return RestartStep::GiveUp;
        }
        match self.next {
            Some(next) if Instant::now() < next => RestartStep::Wait,
            Some(_) => RestartStep::Restart,
            None => {
                // A minute of uptime ends a series of failures.
                if self
                    .started
                    .is_some_and(|started| started.elapsed() > Duration::from_secs(60))
                {
                    self.failures = 0;
                }
                let delay = Duration::from_secs(1 << self.failures.min(5));
                self.failures += 1;
                self.next = Some(Instant::now() + delay);
                RestartStep::Schedule(delay)
            }
        }
    }

    pub(super) fn restarted(&mut self) {
        self.started = Some(Instant::now());
        self.next = None;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn exit(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    #[test]
    fn delay_doubles_and_misconfigured_service_is_not_restarted() {
        let mut policy = RestartPolicy::default();
        for seconds in [1, 2, 4, 8, 16, 32, 32] {
            let RestartStep::Schedule(delay) = policy.exited(exit(1)) else {
                panic!("no restart was scheduled")
            };
            assert_eq!(delay, Duration::from_secs(seconds));
            assert!(matches!(policy.exited(exit(1)), RestartStep::Wait));
            policy.next = Some(Instant::now());
            assert!(matches!(policy.exited(exit(1)), RestartStep::Restart));
            policy.restarted();
        }
        assert!(matches!(
            policy.exited(exit(EXIT_MISCONFIGURED)),
            RestartStep::GiveUp
        ));
        assert!(matches!(
            policy.exited(exit(EXIT_MISCONFIGURED)),
            RestartStep::Wait
        ));
    }
}
