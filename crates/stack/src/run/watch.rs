//! When to start again a process that has ended.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// The exit code of a service that cannot work with its settings; starting it again would not help.
const MISCONFIGURED: i32 = 78;

/// How often a process has ended lately, and when to start it again.
#[derive(Debug, Default)]
pub(super) struct Watch {
    failures: u32,
    started: Option<Instant>,
    next: Option<Instant>,
    given_up: bool,
}

/// What to do about a process that has ended.
pub(super) enum Step {
    /// Say so, and that it starts again after this pause.
    Tell(Duration),
    /// The pause is not over.
    Wait,
    /// Start it.
    Start,
    /// Say so, and leave it.
    GiveUp,
}

impl Watch {
    pub(super) fn ended(&mut self, status: ExitStatus) -> Step {
        if self.given_up {
            return Step::Wait;
        }
        if status.code() == Some(MISCONFIGURED) {
            self.given_up = true;
            return Step::GiveUp;
        }
        match self.next {
            Some(next) if Instant::now() < next => Step::Wait,
            Some(_) => Step::Start,
            None => {
                if self
                    .started
                    .is_some_and(|started| started.elapsed() > Duration::from_secs(60))
                {
                    self.failures = 0;
                }
                let pause = Duration::from_secs(1 << self.failures.min(5));
                self.failures += 1;
                self.next = Some(Instant::now() + pause);
                Step::Tell(pause)
            }
        }
    }

    pub(super) fn started(&mut self) {
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
    fn pauses_grow_and_a_misconfigured_one_is_left() {
        let mut watch = Watch::default();
        for seconds in [1, 2, 4, 8, 16, 32, 32] {
            let Step::Tell(pause) = watch.ended(exit(1)) else {
                panic!("it says nothing")
            };
            assert_eq!(pause, Duration::from_secs(seconds));
            assert!(matches!(watch.ended(exit(1)), Step::Wait));
            watch.next = Some(Instant::now());
            assert!(matches!(watch.ended(exit(1)), Step::Start));
            watch.started();
        }
        assert!(matches!(watch.ended(exit(MISCONFIGURED)), Step::GiveUp));
        assert!(matches!(watch.ended(exit(MISCONFIGURED)), Step::Wait));
    }
}
