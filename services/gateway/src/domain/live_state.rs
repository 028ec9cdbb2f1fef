//! Whether a stream is live, computed from events that arrive in any order.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiveTransition {
    /// The stream went live, even if its previous end was never received.
    Started,
    Ended,
}

/// The state as of the newest version that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LiveState {
    live: bool,
    version: i64,
}

impl LiveState {
    pub(crate) fn new(live: bool, version: i64) -> Self {
        Self { live, version }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Applies an event that the stream started or ended. An event that is not newer changes nothing.
    pub(crate) fn apply_event(&mut self, live: bool, version: i64) -> Option<LiveTransition> {
        if version <= self.version {
            return None;
        }
        let before = std::mem::replace(self, Self { live, version });
        match (before.live, live) {
            (_, true) => Some(LiveTransition::Started),
            (true, false) => Some(LiveTransition::Ended),
            (false, false) => None,
        }
    }

    /// Applies an answer of the stream service. Unlike an event, it may repeat the current state.
    pub(crate) fn apply_answer(&mut self, live: bool, version: i64) -> Option<LiveTransition> {
        if version < self.version {
            return None;
        }
        let before = std::mem::replace(self, Self { live, version });
        match (before.live, live) {
            (false, true) => Some(LiveTransition::Started),
            (true, false) => Some(LiveTransition::Ended),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn events_apply_by_version() {
        let mut state = LiveState::new(true, 3);
        assert_eq!(state.apply_event(true, 3), None, "already in the answer");
        assert_eq!(state.apply_event(false, 4), Some(LiveTransition::Ended));
        assert_eq!(state.apply_event(false, 4), None, "duplicate");
        assert_eq!(state.apply_event(true, 6), Some(LiveTransition::Started));
        assert_eq!(state.apply_event(false, 5), None, "late");
        assert_eq!(state.apply_answer(true, 6), None);
        assert_eq!(
            state.apply_event(true, 9),
            Some(LiveTransition::Started),
            "the end in between was lost"
        );
    }

    proptest! {
        #[test]
        fn newest_version_wins(events in prop::collection::vec((any::<bool>(), 1_i64..20), 1..40)) {
            let mut state = LiveState::new(false, 0);
            let mut newest = (false, 0);
            for (live, version) in events {
                state.apply_event(live, version);
                if version > newest.1 {
                    newest = (live, version);
                }
                prop_assert_eq!(state, LiveState::new(newest.0, newest.1));
            }
        }
    }
}
