//! Viewer counts: told to rooms when they change, at most once a second, and written to the rows now and then.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bus::Realtime;
use domain::StreamId;
use proto::events::v1::ViewerCountChanged;
use proto::events::v1::realtime::Message;
use runtime::Shutdown;
use storage::Leadership;

use crate::error::Result;
use crate::store::Store;
use crate::store::leases::Leases;
use crate::store::viewers::Watched;

/// Between two counts.
const TICK: Duration = Duration::from_secs(1);
/// Between two writes.
const WRITE: Duration = Duration::from_secs(10);

/// The task.
#[derive(Debug)]
pub struct ViewerCounts {
    /// The tables.
    pub store: Store,
    /// The leases.
    pub leases: Leases,
    /// Where rooms hear.
    pub realtime: Realtime,
}

/// What one acting replica remembers of a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Room {
    viewers: u32,
    /// The most since the last write.
    peak: u32,
}

impl ViewerCounts {
    /// Runs until a stop is asked for.
    pub async fn run(self, shutdown: Shutdown) {
        let mut leadership = Leadership::new(&self.store.database, "stream.viewers");
        let mut rooms = BTreeMap::new();
        let mut written = Instant::now();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !shutdown.is_stopping() {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.stopping() => break,
            }
            if !leadership.hold().await {
                rooms.clear();
                continue;
            }
            let write = written.elapsed() >= WRITE;
            if write {
                written = Instant::now();
            }
            if let Err(error) = self.tick(&mut rooms, write).await {
                tracing::warn!(%error, "viewers not counted, trying again");
            }
        }
        leadership.resign().await;
    }

    async fn tick(&self, rooms: &mut BTreeMap<StreamId, Room>, write: bool) -> Result<()> {
        let audiences = self.leases.counts().await?.into_iter();
        let counts = audiences.map(|(stream, audience)| (stream, audience.viewers));
        for (stream, count) in changes(rooms, &counts.collect()) {
            let changed = ViewerCountChanged {
                stream_id: stream.0,
                count,
            };
            self.realtime.publish(
                Realtime::stream_key(stream.0),
                Message::ViewerCountChanged(changed),
            );
        }
        if write {
            self.write(rooms).await?;
        }
        Ok(())
    }

    async fn write(&self, rooms: &mut BTreeMap<StreamId, Room>) -> Result<()> {
        let live = self.store.live_streams().await?;
        let watched = live.into_iter().map(|stream| {
            let room = rooms.get(&stream).copied().unwrap_or_default();
            Watched {
                stream,
                viewers: room.viewers,
                peak: room.peak,
            }
        });
        self.store.viewers_write(watched.collect()).await?;
        rooms.values_mut().for_each(|room| room.peak = room.viewers);
        Ok(())
    }
}

/// Takes new counts in and says which rooms must hear of theirs. A room that Redis has forgotten has no viewers.
fn changes(rooms: &mut BTreeMap<StreamId, Room>, counts: &BTreeMap<StreamId, u32>) -> Vec<(StreamId, u32)> {
    let mut changed = Vec::new();
    for (stream, count) in counts {
        let first = !rooms.contains_key(stream);
        let room = rooms.entry(*stream).or_default();
        if first || room.viewers != *count {
            changed.push((*stream, *count));
        }
        *room = Room {
            viewers: *count,
            peak: room.peak.max(*count),
        };
    }
    let forgotten: Vec<StreamId> = rooms
        .keys()
        .filter(|stream| !counts.contains_key(stream))
        .copied()
        .collect();
    for stream in forgotten {
        if rooms.remove(&stream).is_some_and(|room| room.viewers > 0) {
            changed.push((stream, 0));
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_hears_of_changes_only() {
        let mut rooms = BTreeMap::new();
        let of = |count: u32| BTreeMap::from([(StreamId(7), count)]);
        assert_eq!(changes(&mut rooms, &of(2)), [(StreamId(7), 2)]);
        assert_eq!(changes(&mut rooms, &of(2)), []);
        assert_eq!(changes(&mut rooms, &of(1)), [(StreamId(7), 1)]);
        assert_eq!(rooms[&StreamId(7)], Room { viewers: 1, peak: 2 });
        assert_eq!(changes(&mut rooms, &BTreeMap::new()), [(StreamId(7), 0)]);
        assert_eq!(changes(&mut rooms, &BTreeMap::new()), []);
    }
}
