use std::collections::VecDeque;

/// Messages of one room that arrived together, on their way to numbers.
///
/// The numbers are no counter. A batch is inserted in order at last+1, last+2 … and a unique index (room,
/// number) decides between writers that do so at once: the insert stops at the first number that is taken,
/// the loser reads the last number again and goes on with what is left. So a number is only ever written by a
/// writer that knows the one before it to be there, and there are no holes.
#[derive(Debug)]
pub struct Batch<T> {
    waiting: VecDeque<T>,
    head: Option<i64>,
}

/// What an ordered insert of a batch came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insert {
    /// All are written.
    All,
    /// Those before the index are written; the one at it met a conflict, and those behind it were not tried.
    StoppedAt(usize, Conflict),
}

/// Why an insert stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// Another writer has the number.
    Number,
    /// The message is there already, under another number: a repeat.
    Repeat,
}

/// What became of a batch's first messages.
#[derive(Debug, PartialEq, Eq)]
pub struct Settled<T> {
    /// Written, each with its number.
    pub stored: Vec<(i64, T)>,
    /// The message that was there already.
    pub repeat: Option<T>,
}

impl<T> Batch<T> {
    /// A batch, with the room's last number if it is known.
    pub fn new(messages: impl IntoIterator<Item = T>, head: Option<i64>) -> Self {
        Self {
            waiting: messages.into_iter().collect(),
            head,
        }
    }

    /// Whether everything is settled.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The room's last number as far as this writer knows; `None` when it must be read.
    #[must_use]
    pub fn head(&self) -> Option<i64> {
        self.head
    }

    /// Takes the room's last number as it was just read.
    pub fn learn(&mut self, head: i64) {
        self.head = Some(head);
    }

    /// What is to be inserted now, in this order.
    pub fn numbered(&self) -> impl Iterator<Item = (i64, &T)> {
        (self.head.unwrap_or(0) + 1..).zip(&self.waiting)
    }

    /// Takes the outcome of the insert of what [`Batch::numbered`] gave.
    pub fn settle(&mut self, outcome: Insert) -> Settled<T> {
        let (written, conflict) = match outcome {
            Insert::All => (self.waiting.len(), None),
            Insert::StoppedAt(index, conflict) => (index.min(self.waiting.len()), Some(conflict)),
        };
        let first = self.head.unwrap_or(0) + 1;
        let stored: Vec<_> = (first..).zip(self.waiting.drain(..written)).collect();
        self.head = match conflict {
            Some(Conflict::Number) => None,
            Some(Conflict::Repeat) | None => stored.last().map(|(number, _)| *number).or(self.head),
        };
        let repeat = match conflict {
            Some(Conflict::Repeat) => self.waiting.pop_front(),
            Some(Conflict::Number) | None => None,
        };
        Settled { stored, repeat }
    }

    /// Gives up: what was not settled.
    pub fn give_up(self) -> impl Iterator<Item = T> {
        self.waiting.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_loser_reads_again_and_goes_on() {
        let mut batch = Batch::new(["a", "b", "c"], Some(4));
        assert_eq!(
            batch.numbered().collect::<Vec<_>>(),
            [(5, &"a"), (6, &"b"), (7, &"c")]
        );
        let settled = batch.settle(Insert::StoppedAt(1, Conflict::Number));
        assert_eq!(
            settled,
            Settled {
                stored: vec![(5, "a")],
                repeat: None
            }
        );
        assert_eq!(batch.head(), None);
        batch.learn(9);
        assert_eq!(batch.settle(Insert::All).stored, [(10, "b"), (11, "c")]);
        assert!(batch.is_done());
        assert_eq!(batch.head(), Some(11));
    }

    #[test]
    fn a_repeat_takes_no_number() {
        let mut batch = Batch::new(["a", "again", "b"], Some(0));
        let settled = batch.settle(Insert::StoppedAt(1, Conflict::Repeat));
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
    fn what_was_not_settled_is_given_back() {
        let mut batch = Batch::new([1, 2, 3], Some(0));
        batch.settle(Insert::StoppedAt(1, Conflict::Number));
        assert_eq!(batch.give_up().collect::<Vec<_>>(), [2, 3]);
    }

    /// The store of the model: numbers are unique, and so are messages.
    #[derive(Default)]
    struct Room {
        by_number: BTreeMap<i64, u32>,
    }

    impl Room {
        fn insert(&mut self, number: i64, message: u32) -> Result<(), Conflict> {
            if self.by_number.values().any(|there| *there == message) {
                return Err(Conflict::Repeat);
            }
            if self.by_number.contains_key(&number) {
                return Err(Conflict::Number);
            }
            self.by_number.insert(number, message);
            Ok(())
        }

        fn head(&self) -> i64 {
            self.by_number.keys().next_back().copied().unwrap_or(0)
        }
    }

    /// A writer in the middle of its work: each step is one document, since an insert of many is not atomic.
    struct Writer {
        batch: Batch<u32>,
        at: usize,
        order: Vec<u32>,
    }

    impl Writer {
        fn step(&mut self, room: &mut Room) {
            if self.batch.is_done() {
                return;
            }
            if self.batch.head().is_none() {
                self.batch.learn(room.head());
                return;
            }
            let next = self
                .batch
                .numbered()
                .nth(self.at)
                .map(|(number, message)| (number, *message));
            let outcome = match next {
                None => Insert::All,
                Some((number, message)) => match room.insert(number, message) {
                    Ok(()) => {
                        self.at += 1;
                        return;
                    }
                    Err(conflict) => Insert::StoppedAt(self.at, conflict),
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
        /// Whatever the writers' order: numbers from 1 without holes, each message once, each writer's own
        /// order kept.
        #[test]
        fn numbers_have_no_holes(
            batches in prop::collection::vec((prop::collection::vec(0_u32..12, 1..8), prop::option::of(0_i64..1)), 1..5),
            turns in prop::collection::vec(any::<prop::sample::Index>(), 0..200),
        ) {
            let mut room = Room::default();
            let mut writers: Vec<_> = batches
                .into_iter()
                .map(|(messages, head)| Writer { batch: Batch::new(messages, head), at: 0, order: Vec::new() })
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
                let places: Vec<_> = writer
                    .order
                    .iter()
                    .map(|m| room.by_number.iter().find(|(_, there)| *there == m).map(|(number, _)| *number))
                    .collect();
                prop_assert!(places.is_sorted() && places.iter().all(Option::is_some));
            }
        }
    }
}
