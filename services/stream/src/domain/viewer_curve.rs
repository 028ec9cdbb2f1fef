//! Viewer samples of broadcasts, collected in memory until they are stored.
//!
//! Samples belong to a broadcast rather than to a stream. Several replicas may store the same one, late and
//! more than once, because the highest count of a minute wins.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use primitives::{BroadcastId, StreamId};

use super::OngoingBroadcast;

/// The highest number of concurrent viewers of a broadcast within one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewerSample {
    pub broadcast: BroadcastId,
    /// The start of the minute.
    pub minute: DateTime<Utc>,
    pub viewers: u32,
}

/// The samples that are not stored yet.
#[derive(Debug, Default)]
pub struct ViewerCurves {
    samples: BTreeMap<(BroadcastId, DateTime<Utc>), u32>,
    ongoing: BTreeSet<BroadcastId>,
}

impl ViewerCurves {
    /// Records viewers counted at `at`. The caller must load `broadcasts` after it has counted: a broadcast
    /// that started before the count and is still ongoing was on air at that time, so no broadcast gets the
    /// viewers of its predecessor or successor.
    pub fn record(
        &mut self,
        at: DateTime<Utc>,
        broadcasts: &[OngoingBroadcast],
        viewers: impl Fn(StreamId) -> u32,
    ) {
        let minute = at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(at);
        for broadcast in broadcasts.iter().filter(|broadcast| broadcast.started_at <= at) {
            let highest = self.samples.entry((broadcast.id, minute)).or_default();
            *highest = viewers(broadcast.stream).max(*highest);
        }
        self.ongoing = broadcasts.iter().map(|broadcast| broadcast.id).collect();
    }

    /// Returns all samples.
    #[must_use]
    pub fn all(&self) -> Vec<ViewerSample> {
        self.select(|_| true)
    }

    /// Returns the samples of broadcasts that have ended.
    #[must_use]
    pub fn of_ended(&self) -> Vec<ViewerSample> {
        self.select(|broadcast| !self.ongoing.contains(broadcast))
    }

    fn select(&self, wanted: impl Fn(&BroadcastId) -> bool) -> Vec<ViewerSample> {
        self.samples
            .iter()
            .filter(|((broadcast, _), _)| wanted(broadcast))
            .map(|((broadcast, minute), viewers)| ViewerSample {
                broadcast: *broadcast,
                minute: *minute,
                viewers: *viewers,
            })
            .collect()
    }

    /// Removes samples that have been stored.
    pub fn remove(&mut self, stored: &[ViewerSample]) {
        for sample in stored {
            self.samples.remove(&(sample.broadcast, sample.minute));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::BroadcastState;

    const STREAM: StreamId = StreamId(7);

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn broadcast(id: i64, started: i64) -> OngoingBroadcast {
        OngoingBroadcast {
            id: BroadcastId(id),
            stream: STREAM,
            state: BroadcastState::Live,
            started_at: at(started),
            dropped_at: None,
        }
    }

    fn numbers(samples: Vec<ViewerSample>) -> Vec<(i64, i64, u32)> {
        let samples = samples.into_iter();
        samples
            .map(|sample| (sample.broadcast.0, sample.minute.timestamp(), sample.viewers))
            .collect()
    }

    #[test]
    fn highest_count_of_each_minute_is_kept_until_stored() {
        let mut curves = ViewerCurves::default();
        for (second, viewers) in [(57, 2), (58, 5), (59, 3), (60, 1), (61, 2)] {
            curves.record(at(second), &[broadcast(1, 50)], |_| viewers);
        }
        assert_eq!(numbers(curves.all()), [(1, 0, 5), (1, 60, 2)]);
        assert_eq!(numbers(curves.of_ended()), [], "the broadcast is on air");
        curves.remove(&curves.all());
        assert_eq!(numbers(curves.all()), []);
    }

    #[test]
    fn samples_of_ended_broadcasts_are_separate() {
        let mut curves = ViewerCurves::default();
        curves.record(at(10), &[broadcast(1, 5)], |_| 4);
        curves.record(at(11), &[broadcast(2, 11)], |_| 9);
        assert_eq!(numbers(curves.of_ended()), [(1, 0, 4)]);
        curves.record(at(12), &[], |_| 9);
        assert_eq!(numbers(curves.of_ended()), [(1, 0, 4), (2, 0, 9)]);
    }

    #[test]
    fn earlier_count_does_not_go_to_the_next_broadcast() {
        let mut curves = ViewerCurves::default();
        curves.record(at(10), &[broadcast(2, 40)], |_| 500);
        assert_eq!(numbers(curves.all()), []);
    }
}
