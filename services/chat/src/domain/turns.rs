use std::time::Duration;

/// The longest rest.
const LONGEST: Duration = Duration::from_millis(25);
/// A writer that knows of no other rests after this many inserts in a row.
const IN_A_ROW: u32 = 8;
/// For this many inserts after it met another, a writer rests after each.
const POLITE: u32 = 64;

/// How writers of one room on several replicas take turns.
///
/// Who has just inserted knows the last number and inserts again at once; who lost has to read it first, and
/// would lose again and again for as long as the winner's queue is full. So a writer whose queue is full
/// rests between inserts, as long as its insert took, which is time enough for another to read and insert:
/// now and then while it knows of no other, and after every insert for a while when it met one. What arrives
/// meanwhile is written together, so little is lost.
#[derive(Debug, Default)]
pub struct Turns {
    in_a_row: u32,
    polite: u32,
}

impl Turns {
    /// Another writer was first.
    pub fn met_another(&mut self) {
        self.polite = POLITE;
        self.in_a_row = 0;
    }

    /// How long to rest after an insert, given how long that took.
    pub fn rest(&mut self, insert: Duration) -> Duration {
        self.in_a_row += 1;
        let rests = self.polite > 0 || self.in_a_row >= IN_A_ROW;
        self.polite = self.polite.saturating_sub(1);
        if !rests {
            return Duration::ZERO;
        }
        self.in_a_row = 0;
        insert.min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSERT: Duration = Duration::from_millis(10);

    #[test]
    fn alone_it_rests_now_and_then() {
        let mut turns = Turns::default();
        let rests: Vec<_> = (0..16).map(|_| !turns.rest(INSERT).is_zero()).collect();
        assert_eq!(rests.iter().filter(|rests| **rests).count(), 2);
        assert!(rests[7] && rests[15]);
    }

    #[test]
    fn beside_another_it_rests_each_time_for_a_while() {
        let mut turns = Turns::default();
        turns.met_another();
        assert!((0..POLITE).all(|_| turns.rest(INSERT) == INSERT));
        assert_eq!(turns.rest(INSERT), Duration::ZERO);
        turns.met_another();
        assert_eq!(turns.rest(Duration::from_secs(2)), LONGEST);
    }
}
