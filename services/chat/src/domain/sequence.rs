use std::collections::VecDeque;

/// Messages of one room that are waiting for their sequence numbers.
///
/// No counter hands out the numbers. A batch is inserted in order at latest + 1, latest + 2 … and a unique
/// index over room and number decides between concurrent writers: the insert stops at the first number that
/// is taken, and the losing writer reads the latest number again and continues with the rest. A writer only
/// uses a number if it knows that the one before it is stored, so there are no holes.
#[derive(Debug)]
pub struct Batch<T> {
    waiting: VecDeque<T>,
    latest: Option<i64>,
}

/// The outcome of an ordered insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertOutcome {
    /// All messages are stored.
    All,
    /// The messages before the index are stored, the one at the index conflicts, and the rest was not tried.
    StoppedAt(usize, InsertConflict),
}

/// Why an insert stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertConflict {
    /// Another writer used the number.
    Number,
    /// The message is already stored under another number: a client's retry.
    Repeat,
}

/// The messages that an insert settled.
#[derive(Debug, PartialEq, Eq)]
pub struct Settled<T> {
    /// The stored messages with their numbers.
    pub stored: Vec<(i64, T)>,
    /// A message that was already stored.
    pub repeat: Option<T>,
}

impl<T> Batch<T> {
    /// `latest` is the room's latest sequence number, if known.
    pub fn new(messages: impl IntoIterator<Item = T>, latest: Option<i64>) -> Self {
        Self {
            waiting: messages.into_iter().collect(),
            latest,
        }
    }

    /// Whether every message is settled.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The room's latest sequence number as far as this writer knows; `None` if it must be read first.
    #[must_use]
    pub fn latest(&self) -> Option<i64> {
        self.latest
    }

    /// Sets the room's latest sequence number, which was just read.
    pub fn set_latest(&mut self, latest: i64) {
        self.latest = Some(latest);
    }

    /// Returns the messages to insert next, in order, with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (i64, &T)> {
        (self.latest.unwrap_or(0) + 1..).zip(&self.waiting)
    }

    /// Applies the outcome of inserting the messages of [`Batch::numbered`].
    pub fn settle(&mut self, outcome: InsertOutcome) -> Settled<T> {
        let (written, conflict) = match outcome {
            InsertOutcome::All => (self.waiting.len(), None),
            InsertOutcome::StoppedAt(index, conflict) => (index.min(self.waiting.len()), Some(conflict)),
        };
        let first = self.latest.unwrap_or(0) + 1;
        let stored: Vec<_> = (first..).zip(self.waiting.drain(..written)).collect();
        self.latest = match conflict {
            Some(InsertConflict::Number) => None,
            Some(InsertConflict::Repeat) | None => stored.last().map(|(number, _)| *number).or(self.latest),
        };
        let repeat = match conflict {
            Some(InsertConflict::Repeat) => self.waiting.pop_front(),
            Some(InsertConflict::Number) | None => None,
        };
        Settled { stored, repeat }
    }

    /// Returns the messages that were not settled.
    pub fn into_unsettled(self) -> impl Iterator<Item = T> {
        self.waiting.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn losing_writer_reads_again_and_continues() {
        let mut batch = Batch::new(["a", "b", "c"], Some(4));
        assert_eq!(
            batch.numbered().collect::<Vec<_>>(),
            [(5, &"a"), (6, &"b"), (7, &"c")]
        );
        let settled = batch.settle(InsertOutcome::StoppedAt(1, InsertConflict::Number));
        assert_eq!(
            settled,
            Settled {
                stored: vec![(5, "a")],
                repeat: None
            }
        );
        assert_eq!(batch.latest(), None);
        batch.set_latest(9);
        assert_eq!(batch.settle(InsertOutcome::All).stored, [(10, "b"), (11, "c")]);
        assert!(batch.is_done());
        assert_eq!(batch.latest(), Some(11));
    }

    #[test]
    fn repeat_uses_no_number() {
        let mut batch = Batch::new(["a", "again", "b"], Some(0));
        let settled = batch.settle(InsertOutcome::StoppedAt(1, InsertConflict::Repeat));
        assert_eq!(
            settled,
            Settled {
                stored: vec![(1, "a")],
                repeat: Some("again")
            }
        );
        assert_eq!(batch.numbered().collect::<Vec<_>>(), [(2, &"b")]);
    }

    #[test]
    fn unsettled_messages_are_returned() {
        let mut batch = Batch::new([1, 2, 3], Some(0));
        batch.settle(InsertOutcome::StoppedAt(1, InsertConflict::Number));
        assert_eq!(batch.into_unsettled().collect::<Vec<_>>(), [2, 3]);
    }

    /// A model of the store, in which numbers and messages are unique.
    #[derive(Default)]
    struct ModelRoom {
        by_number: BTreeMap<i64, u32>,
    }

    impl ModelRoom {
        fn insert(&mut self, number: i64, message: u32) -> Result<(), InsertConflict> {
            if self.by_number.values().any(|stored| *stored == message) {
                return Err(InsertConflict::Repeat);
            }
            if self.by_number.contains_key(&number) {
                return Err(InsertConflict::Number);
            }
            self.by_number.insert(number, message);
            Ok(())
        }

        fn latest(&self) -> i64 {
            self.by_number.keys().next_back().copied().unwrap_or(0)
        }
    }

    /// A writer that inserts one message per step, since inserting several is not atomic.
    struct Writer {
        batch: Batch<u32>,
        at: usize,
        order: Vec<u32>,
    }

    impl Writer {
        fn step(&mut self, room: &mut ModelRoom) {
            if self.batch.is_done() {
                return;
            }
            if self.batch.latest().is_none() {
                self.batch.set_latest(room.latest());
                return;
            }
            let next = self
                .batch
                .numbered()
                .nth(self.at)
                .map(|(number, message)| (number, *message));
            let outcome = match next {
                None => InsertOutcome::All,
                Some((number, message)) => match room.insert(number, message) {
                    Ok(()) => {
                        self.at += 1;
                        return;
                    }
                    Err(conflict) => InsertOutcome::StoppedAt(self.at, conflict),
                },
            };
            self.at = 0;
            self.order.extend(
                self.batch
                    .settle(outcome)
                    .stored
                    .into_iter()
                    .map(|(_, message)| message),
            );
        }
    }

    proptest! {
        /// In every interleaving of the writers, numbers start at 1 without holes, each message is stored
        /// once, and each writer's own order is kept.
        #[test]
        fn numbers_have_no_holes(
            batches in prop::collection::vec(
                (prop::collection::vec(0_u32..12, 1..8), prop::option::of(0_i64..1)),
                1..5,
            ),
            turns in prop::collection::vec(any::<prop::sample::Index>(), 0..200),
        ) {
            let mut room = ModelRoom::default();
            let mut writers: Vec<_> = batches
                .into_iter()
                .map(|(messages, latest)| Writer {
                    batch: Batch::new(messages, latest),
                    at: 0,
                    order: Vec::new(),
                })
                .collect();
            for turn in turns {
                turn.get_mut(&mut writers).step(&mut room);
            }
            while writers.iter().any(|writer| !writer.batch.is_done()) {
                for writer in &mut writers {
                    writer.step(&mut room);
                }
            }
            let numbers: Vec<_> = room.by_number.keys().copied().collect();
            prop_assert_eq!(&numbers, &(1..=i64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
            for writer in &writers {
                let number_of = |message| {
                    let mut stored = room.by_number.iter();
                    stored.find(|(_, stored)| *stored == message).map(|(number, _)| *number)
                };
                let numbers: Vec<_> = writer.order.iter().map(number_of).collect();
                prop_assert!(numbers.is_sorted() && numbers.iter().all(Option::is_some));
            }
        }
    }
}
