//! Whether a room's stream is live, from news that come in any order.

/// What a piece of news changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The stream went live, also when its end before was never heard of.
    Started,
    /// The stream ended.
    Ended,
}

/// The state as of the newest version heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    live: bool,
    version: i64,
}

impl Life {
    pub(crate) fn new(live: bool, version: i64) -> Self {
        Self { live, version }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// An event said that the stream started or ended. Events that are older than what is known change
    /// nothing.
    pub(crate) fn heard(&mut self, live: bool, version: i64) -> Option<Change> {
        if version <= self.version {
            return None;
        }
        let was = std::mem::replace(self, Self { live, version });
        match (was.live, live) {
            (_, true) => Some(Change::Started),
            (true, false) => Some(Change::Ended),
            (false, false) => None,
        }
    }

    /// The owner of the stream's state was asked. Unlike an event, the answer may repeat what is known.
    pub(crate) fn asked(&mut self, live: bool, version: i64) -> Option<Change> {
        if version < self.version {
            return None;
        }
        let was = std::mem::replace(self, Self { live, version });
        match (was.live, live) {
            (false, true) => Some(Change::Started),
            (true, false) => Some(Change::Ended),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn news_in_order() {
        let mut life = Life::new(true, 3);
        assert_eq!(life.heard(true, 3), None, "in the answer already");
        assert_eq!(life.heard(false, 4), Some(Change::Ended));
        assert_eq!(life.heard(false, 4), None, "a repeat");
        assert_eq!(life.heard(true, 6), Some(Change::Started));
        assert_eq!(life.heard(false, 5), None, "late");
        assert_eq!(life.asked(true, 6), None);
        assert_eq!(
            life.heard(true, 9),
            Some(Change::Started),
            "the end between was not heard of"
        );
    }

    proptest! {
        #[test]
        fn the_newest_version_wins(news in prop::collection::vec((any::<bool>(), 1_i64..20), 1..40)) {
            let mut life = Life::new(false, 0);
            let mut newest = (false, 0);
            for (live, version) in news {
                life.heard(live, version);
                if version > newest.1 {
                    newest = (live, version);
                }
                prop_assert_eq!(life, Life::new(newest.0, newest.1));
            }
        }
    }
}
