use std::time::Duration;

const MAX_PAUSE: Duration = Duration::from_millis(25);
/// A writer that knows of no other pauses after this many inserts in a row.
const INSERTS_PER_PAUSE: u32 = 8;
/// For this many inserts after a conflict, a writer pauses after each of them.
const INSERTS_AFTER_CONFLICT: u32 = 64;

/// How the writers of one room on several replicas share it.
///
/// A writer that has just inserted knows the latest number and can insert again at once. A writer that lost
/// must read it first, and would lose again for as long as the winner has messages. So a writer with more
/// messages pauses for as long as its last insert took, which is enough for another writer to read and
/// insert: now and then while it knows of no other writer, and after every insert for a while once it met
/// one. The messages that arrive during the pause share the next insert, so little time is lost.
#[derive(Debug, Default)]
pub struct Pacing {
    inserts_in_a_row: u32,
    cautious_inserts: u32,
}

impl Pacing {
    /// Records that another writer was faster.
    pub fn conflict(&mut self) {
        self.cautious_inserts = INSERTS_AFTER_CONFLICT;
        self.inserts_in_a_row = 0;
    }

    /// Returns how long to pause after an insert that took `insert`.
    pub fn pause(&mut self, insert: Duration) -> Duration {
        self.inserts_in_a_row += 1;
        let pauses = self.cautious_inserts > 0 || self.inserts_in_a_row >= INSERTS_PER_PAUSE;
        self.cautious_inserts = self.cautious_inserts.saturating_sub(1);
        if !pauses {
            return Duration::ZERO;
        }
        self.inserts_in_a_row = 0;
        insert.min(MAX_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSERT: Duration = Duration::from_millis(10);

    #[test]
    fn single_writer_pauses_now_and_then() {
        let mut pacing = Pacing::default();
        let pauses: Vec<_> = (0..16).map(|_| !pacing.pause(INSERT).is_zero()).collect();
        assert_eq!(pauses.iter().filter(|pauses| **pauses).count(), 2);
        assert!(pauses[7] && pauses[15]);
    }

    #[test]
    fn writer_pauses_every_time_after_a_conflict() {
        let mut pacing = Pacing::default();
        pacing.conflict();
        assert!((0..INSERTS_AFTER_CONFLICT).all(|_| pacing.pause(INSERT) == INSERT));
        assert_eq!(pacing.pause(INSERT), Duration::ZERO);
        pacing.conflict();
        assert_eq!(pacing.pause(Duration::from_secs(2)), MAX_PAUSE);
    }
}
