//! Viewer counts: told to rooms when they change, at most once a second, and written to the rows now and
//! then.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bus::Realtime;
use primitives::StreamId;
use proto::events::v1::ViewerCountChanged;
use proto::events::v1::realtime::Message;
use runtime::{Figures, Shutdown};
use storage::Leadership;

use crate::domain::{Airing, Curve};
use crate::error::Result;
use crate::store::Store;
use crate::store::leases::{Audience, Leases};

/// The pause between two counts. It is no beat: a count that was late is not followed by another within the
/// second.
const PAUSE: Duration = Duration::from_secs(1);
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
    /// What is measured of each live stream, by the acting replica.
    pub figures: Figures,
}

type Rooms = BTreeMap<StreamId, Audience>;

/// What a replica remembers.
#[derive(Debug)]
struct Memory {
    acting: bool,
    /// What rooms were told last, except of nobody.
    told: BTreeMap<StreamId, u32>,
    /// Outlives the leadership, since its points may be written late and twice.
    curve: Curve,
    written: Instant,
}

impl ViewerCounts {
    /// Runs until a stop is asked for.
    pub async fn run(self, shutdown: Shutdown) {
        let mut leadership = Leadership::new(&self.store.database, "stream.viewers");
        let mut memory = Memory {
            acting: false,
            told: BTreeMap::new(),
            curve: Curve::default(),
            written: Instant::now(),
        };
        loop {
            let pause = tokio::time::sleep(PAUSE);
            if shutdown.run_until_stopped(pause).await.is_none() {
                break;
            }
            let acting = leadership.is_leader().await;
            if let Err(error) = self.turn(&mut memory, acting).await {
                tracing::warn!(%error, "viewers not counted, trying again");
            }
        }
        if let Err(error) = self.write(&mut memory.curve, Vec::new(), true).await {
            tracing::warn!(%error, "the latest points of viewers' curves are lost");
        }
        leadership.resign().await;
    }

    /// A replica that begins to act reads what was told before it, and counts a second later: rooms hear of
    /// changes only, and at most once a second, also from two replicas.
    async fn turn(&self, memory: &mut Memory, acting: bool) -> Result<()> {
        let acted = std::mem::replace(&mut memory.acting, acting);
        match (acted, acting) {
            (_, false) => self.figures.clear(),
            (false, true) => {
                memory.told.clear();
                memory.told = self.leases.told().await?;
            }
            (true, true) => self.count(memory).await?,
        }
        Ok(())
    }

    async fn count(&self, memory: &mut Memory) -> Result<()> {
        let now = self.store.clock.now();
        let rooms = self.leases.counts().await?;
        self.tell(&mut memory.told, &rooms).await;
        let airings = self.store.airings().await?;
        self.show(&airings, &rooms);
        memory
            .curve
            .take(now, &airings, |stream| audience(&rooms, stream).viewers);
        let all = memory.written.elapsed() >= WRITE;
        let mut counts = Vec::new();
        if all {
            memory.written = Instant::now();
            let count = |airing: &Airing| (airing.stream, audience(&rooms, airing.stream).viewers);
            counts = airings.iter().map(count).collect();
        }
        self.write(&mut memory.curve, counts, all).await
    }

    async fn tell(&self, told: &mut BTreeMap<StreamId, u32>, rooms: &Rooms) {
        let changes = changes(told, rooms);
        for (stream, count) in &changes {
            let changed = ViewerCountChanged {
                stream_id: stream.0,
                count: *count,
            };
            self.realtime.publish(
                Realtime::stream_key(stream.0),
                Message::ViewerCountChanged(changed),
            );
        }
        if let Err(error) = self.leases.note_told(&changes).await {
            tracing::debug!(%error, "the next acting replica may tell rooms what they know");
        }
    }

    fn show(&self, airings: &[Airing], rooms: &Rooms) {
        let each = |number: fn(Audience) -> u32| {
            let line = |airing: &Airing| {
                let room = audience(rooms, airing.stream);
                (airing.stream.0, u64::from(number(room)))
            };
            airings.iter().map(line).collect::<Vec<_>>()
        };
        let show = |name, lines| self.figures.replace(name, "stream_id", lines);
        show("stream_viewers", each(|room| room.viewers));
        show("stream_viewer_connections", each(|room| room.connections));
        show("stream_viewer_connections_max", each(|room| room.most));
    }

    /// Writes the counts; and the curve, all of it or only what belongs to broadcasts that are over.
    async fn write(&self, curve: &mut Curve, mut counts: Vec<(StreamId, u32)>, all: bool) -> Result<()> {
        let points = curve.unwritten(all);
        if counts.is_empty() && points.is_empty() {
            return Ok(());
        }
        // In the order of ids, so that no two writers wait for one another.
        counts.sort_unstable();
        self.store.viewers_write(counts, points.clone()).await?;
        curve.written(&points);
        Ok(())
    }
}

fn audience(rooms: &Rooms, stream: StreamId) -> Audience {
    rooms.get(&stream).copied().unwrap_or_default()
}

/// Which rooms must hear of their count, and that they have heard it. A room that Redis has forgotten has no
/// viewers.
fn changes(told: &mut BTreeMap<StreamId, u32>, rooms: &Rooms) -> Vec<(StreamId, u32)> {
    let counted = rooms.iter().map(|(stream, room)| (*stream, room.viewers));
    let forgotten = told.keys().filter(|stream| !rooms.contains_key(stream));
    let mut changed: Vec<_> = counted.chain(forgotten.map(|stream| (*stream, 0))).collect();
    changed.retain(|(stream, count)| told.get(stream).copied().unwrap_or(0) != *count);
    told.extend(changed.iter().copied());
    told.retain(|_, count| *count > 0);
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_hears_of_changes_only() {
        let mut told = BTreeMap::new();
        let mut hears = |viewers: Option<u32>| {
            let room = |viewers| Audience {
                viewers,
                ..Audience::default()
            };
            let rooms: Rooms = viewers
                .map(|viewers| (StreamId(7), room(viewers)))
                .into_iter()
                .collect();
            changes(&mut told, &rooms).first().map(|(_, count)| *count)
        };
        assert_eq!(hears(Some(2)), Some(2));
        assert_eq!(hears(Some(2)), None);
        assert_eq!(hears(Some(1)), Some(1));
        assert_eq!(hears(None), Some(0), "Redis was emptied");
        assert_eq!(hears(None), None);
        assert_eq!(hears(Some(0)), None);
        assert_eq!(hears(Some(3)), Some(3));
        assert_eq!(hears(Some(0)), Some(0));
    }
}
