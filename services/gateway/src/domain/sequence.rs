//! The order of one room's messages: each is delivered once and in sequence, in whatever order they arrive.

use std::collections::{BTreeMap, VecDeque};

/// Most messages that wait for an earlier one. Others are dropped and fetched again when the gap is filled.
const MAX_WAITING: usize = 1000;

/// A room's messages. Sequence numbers are contiguous, so a missing message is noticed.
#[derive(Debug)]
pub(crate) struct Sequence<T> {
    /// Every message up to this number has arrived.
    complete: i64,
    waiting: BTreeMap<i64, T>,
    /// The newest messages up to `complete`, without a gap: for sockets that join or lag.
    recent: VecDeque<(i64, T)>,
    keep: usize,
}

/// Messages for a socket that joins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct History<T> {
    pub(crate) messages: Vec<T>,
    /// Whether messages were left out.
    pub(crate) truncated: bool,
}

impl<T: Clone> Sequence<T> {
    /// Creates a sequence from the latest sequence number and the newest messages, oldest first. Remembers
    /// `keep` messages.
    pub(crate) fn new(latest: i64, newest: impl IntoIterator<Item = (i64, T)>, keep: usize) -> Self {
        let mut sequence = Self {
            complete: latest,
            waiting: BTreeMap::new(),
            recent: VecDeque::new(),
            keep,
        };
        for (seq, message) in newest {
            sequence.remember(seq, message);
        }
        sequence
    }

    /// Inserts a message; returns whether there is a new message to deliver.
    pub(crate) fn insert(&mut self, seq: i64, message: T) -> bool {
        let before = self.complete;
        if seq > self.complete {
            self.waiting.insert(seq, message);
        }
        while let Some(message) = self.waiting.remove(&(self.complete + 1)) {
            self.complete += 1;
            self.remember(self.complete, message);
        }
        while self.waiting.len() > MAX_WAITING {
            self.waiting.pop_last();
        }
        self.complete > before
    }

    fn remember(&mut self, seq: i64, message: T) {
        // With a gap, `since` would leave out messages.
        if self.recent.back().is_some_and(|(last, _)| last + 1 != seq) {
            self.recent.clear();
        }
        self.recent.push_back((seq, message));
    }

    /// Forgets the oldest messages. Called after a delivery, which needs them.
    pub(crate) fn trim(&mut self) {
        let excess = self.recent.len().saturating_sub(self.keep);
        self.recent.drain(..excess);
    }

    /// Returns the number up to which every message has arrived.
    pub(crate) fn complete(&self) -> i64 {
        self.complete
    }

    /// Returns whether a message waits for an earlier one.
    pub(crate) fn has_gap(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Returns a message that is remembered or waits for an earlier one.
    pub(crate) fn get_mut(&mut self, seq: i64) -> Option<&mut T> {
        if seq > self.complete {
            return self.waiting.get_mut(&seq);
        }
        let index = usize::try_from(seq.saturating_sub(self.first())).ok()?;
        self.recent.get_mut(index).map(|(_, message)| message)
    }

    /// Returns the number of the oldest remembered message.
    fn first(&self) -> i64 {
        self.recent.front().map_or(self.complete + 1, |(first, _)| *first)
    }

    pub(crate) fn newest(&self, limit: usize) -> History<T> {
        let skip = self.recent.len().saturating_sub(limit);
        let messages: Vec<T> = self
            .recent
            .iter()
            .skip(skip)
            .map(|(_, message)| message.clone())
            .collect();
        let first = self.complete + 1 - i64::try_from(messages.len()).unwrap_or(0);
        History {
            messages,
            truncated: first > 1,
        }
    }

    /// Returns all messages after a number, or `None` if the memory does not reach back that far.
    pub(crate) fn since(&self, seq: i64) -> Option<impl ExactSizeIterator<Item = &(i64, T)>> {
        let known = usize::try_from(seq.saturating_add(1).saturating_sub(self.first())).ok()?;
        Some(self.recent.range(known.min(self.recent.len())..))
    }

    /// Returns up to `limit` messages after a number, or `None` if the memory does not reach back that far.
    pub(crate) fn after(&self, seq: i64, limit: usize) -> Option<History<T>> {
        let rest = self.since(seq)?;
        Some(History {
            truncated: rest.len() > limit,
            messages: rest.take(limit).map(|(_, message)| message.clone()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gap_delays_later_messages() {
        let mut room = Sequence::new(2, [(1, 1), (2, 2)], 10);
        assert!(!room.insert(4, 4));
        assert!(room.has_gap());
        assert_eq!(room.get_mut(4), Some(&mut 4), "waiting");
        assert!(room.insert(3, 3));
        assert!(!room.has_gap());
        assert!(!room.insert(3, 3), "duplicate");
        assert_eq!(room.get_mut(2), Some(&mut 2));
        assert_eq!(room.get_mut(0), None);
        assert_eq!(room.get_mut(5), None);
        assert_eq!(
            room.newest(3),
            History {
                messages: vec![2, 3, 4],
                truncated: true
            }
        );
        assert_eq!(
            room.newest(4),
            History {
                messages: vec![1, 2, 3, 4],
                truncated: false
            }
        );
    }

    #[test]
    fn history_is_none_beyond_the_memory() {
        let mut room = Sequence::new(100, [(99, 99), (100, 100)], 3);
        assert_eq!(room.after(97, 500), None);
        assert_eq!(
            room.after(98, 500),
            Some(History {
                messages: vec![99, 100],
                truncated: false
            })
        );
        assert_eq!(
            room.after(98, 1),
            Some(History {
                messages: vec![99],
                truncated: true
            })
        );
        assert_eq!(
            room.after(100, 500),
            Some(History {
                messages: vec![],
                truncated: false
            })
        );
        assert_eq!(
            room.after(i64::MAX - 1, 500),
            Some(History {
                messages: vec![],
                truncated: false
            })
        );
        room.insert(101, 101);
        room.insert(102, 102);
        assert!(room.after(98, 500).is_some(), "kept until delivered");
        room.trim();
        assert_eq!(room.after(98, 500), None, "forgotten");
        let empty = Sequence::<i64>::new(0, [], 3);
        assert_eq!(
            empty.after(0, 500),
            Some(History {
                messages: vec![],
                truncated: false
            })
        );
    }

    proptest! {
        /// Messages in any order, with duplicates, are delivered once and in sequence.
        #[test]
        fn messages_are_delivered_once_and_in_order(order in prop::collection::vec(1_i64..60, 0..400)) {
            let mut room = Sequence::new(0, [], 20);
            let mut seen = std::collections::BTreeSet::new();
            let (mut cursor, mut delivered) = (0, Vec::new());
            for seq in order {
                seen.insert(seq);
                let deliverable = room.insert(seq, seq);
                let before = delivered.len();
                delivered.extend(room.since(cursor).unwrap().map(|(_, message)| *message));
                prop_assert_eq!(deliverable, delivered.len() > before);
                cursor = room.complete();
                room.trim();
                let contiguous = (1..).take_while(|n| seen.contains(n)).count();
                prop_assert_eq!(&delivered, &(1..=i64::try_from(contiguous).unwrap()).collect::<Vec<_>>());
                prop_assert_eq!(room.has_gap(), seen.len() > contiguous);
                let tail = room.newest(20).messages;
                prop_assert!(delivered.ends_with(&tail));
            }
        }
    }
}
