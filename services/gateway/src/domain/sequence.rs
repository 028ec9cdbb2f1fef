//! The order of one room's messages: delivered once, in sequence, whatever order they arrive in.

use std::collections::{BTreeMap, VecDeque};

/// Messages that wait for one before them, at most. More are dropped: filling the gap brings them back.
const MAX_WAITING: usize = 1000;

/// A room's messages. Numbers have no holes, so what is missing is known.
#[derive(Debug)]
pub(crate) struct Sequence<T> {
    /// The highest number up to which nothing is missing.
    complete: i64,
    waiting: BTreeMap<i64, T>,
    /// The newest of those up to `complete`, without a hole: for those who come in, and for those who lag.
    recent: VecDeque<(i64, T)>,
    keep: usize,
}

/// Messages for someone who comes in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct History<T> {
    pub(crate) messages: Vec<T>,
    /// There are more than were asked for.
    pub(crate) truncated: bool,
}

impl<T: Clone> Sequence<T> {
    /// A room whose newest messages are these, oldest first; `keep` of them are remembered.
    pub(crate) fn new(head: i64, newest: impl IntoIterator<Item = (i64, T)>, keep: usize) -> Self {
        let mut sequence = Self {
            complete: head,
            waiting: BTreeMap::new(),
            recent: VecDeque::new(),
            keep,
        };
        for (seq, message) in newest {
            sequence.remember(seq, message);
        }
        sequence
    }

    /// Takes a message in; true when it completes something that can be handed out.
    pub(crate) fn offer(&mut self, seq: i64, message: T) -> bool {
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
        // A hole would make the memory lie about what came after a number.
        if self.recent.back().is_some_and(|(last, _)| last + 1 != seq) {
            self.recent.clear();
        }
        self.recent.push_back((seq, message));
    }

    /// Forgets the oldest; called once everybody who keeps up was handed what is new.
    pub(crate) fn trim(&mut self) {
        let excess = self.recent.len().saturating_sub(self.keep);
        self.recent.drain(..excess);
    }

    /// The highest number up to which nothing is missing.
    pub(crate) fn complete(&self) -> i64 {
        self.complete
    }

    /// Whether something waits for a message that has not come.
    pub(crate) fn has_gap(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A message that is remembered, or that waits for one before it.
    pub(crate) fn get_mut(&mut self, seq: i64) -> Option<&mut T> {
        if seq > self.complete {
            return self.waiting.get_mut(&seq);
        }
        let index = usize::try_from(seq.saturating_sub(self.first())).ok()?;
        self.recent.get_mut(index).map(|(_, message)| message)
    }

    /// The number of the oldest that is remembered.
    fn first(&self) -> i64 {
        self.recent.front().map_or(self.complete + 1, |(first, _)| *first)
    }

    /// The newest messages.
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

    /// All messages above a number, or nothing when the memory does not reach back that far.
    pub(crate) fn since(&self, seq: i64) -> Option<impl ExactSizeIterator<Item = &(i64, T)>> {
        let known = usize::try_from(seq.saturating_add(1).saturating_sub(self.first())).ok()?;
        Some(self.recent.range(known.min(self.recent.len())..))
    }

    /// Some messages above a number, or nothing when the memory does not reach back that far.
    pub(crate) fn after(&self, seq: i64, limit: usize) -> Option<History<T>> {
        let above = self.since(seq)?;
        Some(History {
            truncated: above.len() > limit,
            messages: above.take(limit).map(|(_, message)| message.clone()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_gap_holds_back_what_follows() {
        let mut room = Sequence::new(2, [(1, 1), (2, 2)], 10);
        assert!(!room.offer(4, 4));
        assert!(room.has_gap());
        assert_eq!(room.get_mut(4), Some(&mut 4), "one that waits");
        assert!(room.offer(3, 3));
        assert!(!room.has_gap());
        assert!(!room.offer(3, 3), "a repeat");
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
    fn history_after_a_number_says_when_it_cannot_know() {
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
        room.offer(101, 101);
        room.offer(102, 102);
        assert!(room.after(98, 500).is_some(), "kept until it was handed out");
        room.trim();
        assert_eq!(room.after(98, 500), None, "forgotten by now");
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
        /// Whatever order, however often: once each, in order, and nothing before its time.
        #[test]
        fn everything_comes_once_and_in_order(order in prop::collection::vec(1_i64..60, 0..400)) {
            let mut room = Sequence::new(0, [], 20);
            let mut seen = std::collections::BTreeSet::new();
            let (mut cursor, mut delivered) = (0, Vec::new());
            for seq in order {
                seen.insert(seq);
                let news = room.offer(seq, seq);
                let before = delivered.len();
                delivered.extend(room.since(cursor).unwrap().map(|(_, message)| *message));
                prop_assert_eq!(news, delivered.len() > before);
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
