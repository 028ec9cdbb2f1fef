//! Who watched when: the peaks and curves of broadcasts, until they are written.
//!
//! A count belongs to the broadcast that is on air, so it is taken under the broadcast's id and not under the
//! stream's, and it may be written at any later time, also twice, and by several replicas: the most of a
//! minute is what stays.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use primitives::{BroadcastId, StreamId};

/// A broadcast that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Airing {
    /// The broadcast.
    pub broadcast: BroadcastId,
    /// Its stream.
    pub stream: StreamId,
    /// When it began.
    pub started_at: DateTime<Utc>,
}

/// The most viewers that a broadcast had within a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The broadcast.
    pub broadcast: BroadcastId,
    /// When the minute began.
    pub minute: DateTime<Utc>,
    /// The most that were there at once.
    pub viewers: u32,
}

/// What is not written yet.
#[derive(Debug, Default)]
pub struct Curve {
    points: BTreeMap<(BroadcastId, DateTime<Utc>), u32>,
    on_air: BTreeSet<BroadcastId>,
}

impl Curve {
    /// Takes counts in that were made at `at`. The broadcasts must have been looked up later: one that began
    /// before a count and is on air after it was on air at it, so no broadcast gets the viewers of the one
    /// before or after it.
    pub fn take(&mut self, at: DateTime<Utc>, airings: &[Airing], viewers: impl Fn(StreamId) -> u32) {
        let minute = at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(at);
        for airing in airings.iter().filter(|airing| airing.started_at <= at) {
            let most = self.points.entry((airing.broadcast, minute)).or_default();
            *most = viewers(airing.stream).max(*most);
        }
        self.on_air = airings.iter().map(|airing| airing.broadcast).collect();
    }

    /// What is to be written: all, or only what belongs to broadcasts that are over.
    pub fn unwritten(&self, all: bool) -> Vec<Point> {
        let wanted = |broadcast: &BroadcastId| all || !self.on_air.contains(broadcast);
        self.points
            .iter()
            .filter(|((broadcast, _), _)| wanted(broadcast))
            .map(|((broadcast, minute), viewers)| Point {
                broadcast: *broadcast,
                minute: *minute,
                viewers: *viewers,
            })
            .collect()
    }

    /// These were written.
    pub fn written(&mut self, points: &[Point]) {
        for point in points {
            self.points.remove(&(point.broadcast, point.minute));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: StreamId = StreamId(7);

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn airing(broadcast: i64, started: i64) -> Airing {
        Airing {
            broadcast: BroadcastId(broadcast),
            stream: STREAM,
            started_at: at(started),
        }
    }

    fn points(curve: &Curve, all: bool) -> Vec<(i64, i64, u32)> {
        let points = curve.unwritten(all).into_iter();
        points
            .map(|point| (point.broadcast.0, point.minute.timestamp(), point.viewers))
            .collect()
    }

    #[test]
    fn the_most_of_each_minute_is_kept_until_written() {
        let mut curve = Curve::default();
        for (second, viewers) in [(57, 2), (58, 5), (59, 3), (60, 1), (61, 2)] {
            curve.take(at(second), &[airing(1, 50)], |_| viewers);
        }
        assert_eq!(points(&curve, true), [(1, 0, 5), (1, 60, 2)]);
        assert_eq!(points(&curve, false), [], "it is on air");
        curve.written(&curve.unwritten(true));
        assert_eq!(points(&curve, true), []);
    }

    #[test]
    fn a_broadcast_that_is_over_is_written_apart() {
        let mut curve = Curve::default();
        curve.take(at(10), &[airing(1, 5)], |_| 4);
        curve.take(at(11), &[airing(2, 11)], |_| 9);
        assert_eq!(points(&curve, false), [(1, 0, 4)]);
        curve.take(at(12), &[], |_| 9);
        assert_eq!(points(&curve, false), [(1, 0, 4), (2, 0, 9)]);
    }

    #[test]
    fn an_old_count_is_not_the_next_broadcasts() {
        let mut curve = Curve::default();
        curve.take(at(10), &[airing(2, 40)], |_| 500);
        assert_eq!(points(&curve, true), []);
    }
}
