//! Publishes viewer counts when they change, at most once a second, and stores them periodically.

use std::collections::BTreeMap;
use std::time::Duration;

use bus::Realtime;
use primitives::StreamId;
use proto::events::v1::ViewerCountChanged;
use proto::events::v1::realtime::Message;
use runtime::{LabelledGauges, Shutdown};
use storage::Leadership;
use tokio::time::Instant;

use crate::app::App;
use crate::domain::{OngoingBroadcast, ViewerCurves};
use crate::error::Result;
use crate::store::Store;
use crate::store::leases::{Audience, Leases};

/// A delay rather than a fixed rate, so that a late count is not followed by another within the same second.
const COUNT_DELAY: Duration = Duration::from_secs(1);
const SAVE_INTERVAL: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct ViewerCounts {
    pub store: Store,
    pub leases: Leases,
    pub realtime: Realtime,
    /// The metrics of each stream on air, which the leading replica reports.
    pub gauges: LabelledGauges,
}

impl ViewerCounts {
    pub(crate) fn new(app: &App) -> Self {
        Self {
            store: app.store.clone(),
            leases: app.leases.clone(),
            realtime: app.realtime.clone(),
            gauges: app.gauges.clone(),
        }
    }
}

type Audiences = BTreeMap<StreamId, Audience>;
type Counts = BTreeMap<StreamId, u32>;

#[derive(Debug)]
struct CountState {
    leading: bool,
    /// The counts that were published last, except zeros.
    published: Counts,
    /// Kept when leadership is lost, since samples may be stored late and twice.
    curves: ViewerCurves,
    saved_at: Instant,
}

impl ViewerCounts {
    /// Runs until shutdown.
    pub async fn run(self, shutdown: Shutdown) {
        let mut leadership = Leadership::new(&self.store.database, "stream.viewers");
        let mut state = CountState {
            leading: false,
            published: Counts::new(),
            curves: ViewerCurves::default(),
            saved_at: Instant::now(),
        };
        loop {
            let delay = tokio::time::sleep(COUNT_DELAY);
            if shutdown.run_until_stopped(delay).await.is_none() {
                break;
            }
            let leading = leadership.is_leader().await;
            if let Err(error) = self.tick(&mut state, leading).await {
                tracing::warn!(%error, "failed to count viewers, retrying");
            }
        }
        if let Err(error) = self.save(&mut state.curves, Vec::new(), true).await {
            tracing::warn!(%error, "the latest viewer samples are lost");
        }
        leadership.resign().await;
    }

    /// Counts, if this replica leads. A new leader first reads what its predecessor published and counts a
    /// second later, so that a handover neither repeats a count nor exceeds one count per second.
    async fn tick(&self, state: &mut CountState, leading: bool) -> Result<()> {
        let was_leading = std::mem::replace(&mut state.leading, leading);
        match (was_leading, leading) {
            (_, false) => self.gauges.clear(),
            (false, true) => {
                state.published.clear();
                state.published = self.leases.published_counts().await?;
            }
            (true, true) => self.count(state).await?,
        }
        Ok(())
    }

    async fn count(&self, state: &mut CountState) -> Result<()> {
        let now = self.store.clock.now();
        let audiences = self.leases.counts().await?;
        self.publish(&mut state.published, &audiences).await;
        // Loaded after the count, as ViewerCurves::record requires.
        let broadcasts = self.store.ongoing_broadcasts().await?;
        self.report(&broadcasts, &audiences);
        let viewers = |stream| audience(&audiences, stream).viewers;
        state.curves.record(now, &broadcasts, viewers);
        let due = state.saved_at.elapsed() >= SAVE_INTERVAL;
        let mut counts = Vec::new();
        if due {
            state.saved_at = Instant::now();
            let count = |broadcast: &OngoingBroadcast| (broadcast.stream, viewers(broadcast.stream));
            counts = broadcasts.iter().map(count).collect();
        }
        self.save(&mut state.curves, counts, due).await
    }

    async fn publish(&self, published: &mut Counts, audiences: &Audiences) {
        let changes = changes(published, audiences);
        for (stream, count) in &changes {
            let changed = ViewerCountChanged {
                stream_id: stream.0,
                count: *count,
            };
            let key = Realtime::stream_key(stream.0);
            self.realtime.publish(key, Message::ViewerCountChanged(changed));
        }
        if let Err(error) = self.leases.record_published_counts(&changes).await {
            tracing::debug!(%error, "the next leader may repeat published counts");
        }
    }

    fn report(&self, broadcasts: &[OngoingBroadcast], audiences: &Audiences) {
        let report = |name, number: fn(Audience) -> u32| {
            let line = |broadcast: &OngoingBroadcast| {
                let audience = audience(audiences, broadcast.stream);
                (broadcast.stream.0, u64::from(number(audience)))
            };
            let lines = broadcasts.iter().map(line).collect::<Vec<_>>();
            self.gauges.replace(name, "stream_id", lines);
        };
        report("stream_viewers", |audience| audience.viewers);
        report("stream_viewer_connections", |audience| audience.connections);
        report("stream_viewer_connections_max", |audience| {
            audience.max_per_viewer
        });
    }

    /// Stores the counts, and the samples: all of them, or only those of broadcasts that have ended.
    async fn save(
        &self,
        curves: &mut ViewerCurves,
        mut counts: Vec<(StreamId, u32)>,
        all: bool,
    ) -> Result<()> {
        let samples = if all { curves.all() } else { curves.of_ended() };
        if counts.is_empty() && samples.is_empty() {
            return Ok(());
        }
        // Two writers that lock rows in the same order cannot deadlock.
        counts.sort_unstable();
        self.store.viewers_save(counts, samples.clone()).await?;
        curves.remove(&samples);
        Ok(())
    }
}

fn audience(audiences: &Audiences, stream: StreamId) -> Audience {
    audiences.get(&stream).copied().unwrap_or_default()
}

/// Returns the counts to publish, and marks them as published. Streams that Redis has lost have no viewers.
fn changes(published: &mut Counts, audiences: &Audiences) -> Vec<(StreamId, u32)> {
    let counted = audiences
        .iter()
        .map(|(stream, audience)| (*stream, audience.viewers));
    let lost = published.keys().filter(|stream| !audiences.contains_key(stream));
    let mut changed: Vec<_> = counted.chain(lost.map(|stream| (*stream, 0))).collect();
    changed.retain(|(stream, count)| published.get(stream).copied().unwrap_or(0) != *count);
    published.extend(changed.iter().copied());
    published.retain(|_, count| *count > 0);
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_published() {
        let mut published = Counts::new();
        let mut publishes = |viewers: Option<u32>| {
            let audience = |viewers| Audience {
                viewers,
                ..Audience::default()
            };
            let audiences: Audiences = viewers
                .map(|viewers| (StreamId(7), audience(viewers)))
                .into_iter()
                .collect();
            let changes = changes(&mut published, &audiences);
            changes.first().map(|(_, count)| *count)
        };
        assert_eq!(publishes(Some(2)), Some(2));
        assert_eq!(publishes(Some(2)), None);
        assert_eq!(publishes(Some(1)), Some(1));
        assert_eq!(publishes(None), Some(0), "Redis was emptied");
        assert_eq!(publishes(None), None);
        assert_eq!(publishes(Some(0)), None);
        assert_eq!(publishes(Some(3)), Some(3));
        assert_eq!(publishes(Some(0)), Some(0));
    }
}
