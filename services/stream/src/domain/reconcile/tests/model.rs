//! An in-memory model of the store: the same transitions under the same conditions.

use super::*;

pub(super) struct Encoder {
    publisher: Publisher,
    frozen: bool,
    pub(super) connected: bool,
    publish: i64,
    sent_at: i64,
}

#[derive(Default)]
pub(super) struct Model {
    now: i64,
    up: bool,
    unreachable_since: i64,
    connections: i64,
    pub(super) encoders: Vec<Encoder>,
    publishes: Vec<ActivePublish>,
    broadcasts: Vec<OngoingBroadcast>,
    pub(super) ended: Vec<BroadcastId>,
    /// Takeovers of encoders that had sent something within the last three seconds.
    pub(super) wrong_takeovers: u32,
    pub(super) started: i64,
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            up: true,
            ..Self::default()
        }
    }

    pub(super) fn state(&self) -> OnAirState {
        OnAirState {
            publishes: self
                .publishes
                .iter()
                .filter(|p| p.state != PublishState::Ended)
                .cloned()
                .collect(),
            broadcasts: self
                .broadcasts
                .iter()
                .filter(|b| b.state != BroadcastState::Ended)
                .cloned()
                .collect(),
        }
    }

    pub(super) fn apply(&mut self, step: Step) {
        match step {
            Step::Connect => self.connect(),
            Step::Leave { encoder, hook_lost } => self.leave(encoder, hook_lost),
            Step::Freeze { encoder } => self.with(encoder, |encoder| encoder.frozen = true),
            Step::Thaw { encoder } => self.with(encoder, |encoder| encoder.frozen = false),
            Step::RepeatDone { encoder } => {
                let disconnected = self
                    .encoders
                    .get(encoder)
                    .filter(|e| !e.connected)
                    .map(|e| e.publish);
                disconnected
                    .into_iter()
                    .for_each(|publish| self.end_publish(publish, EndReason::PublisherGone));
            }
            Step::NodeUp { up } => {
                if self.up && !up {
                    self.unreachable_since = self.now;
                }
                self.up = up;
            }
            Step::NginxRestarts => {
                self.connections = 0;
                self.encoders
                    .iter_mut()
                    .for_each(|encoder| encoder.connected = false);
            }
            Step::Wait { millis } => self.wait(millis),
        }
    }

    fn with(&mut self, encoder: usize, change: impl FnOnce(&mut Encoder)) {
        if let Some(encoder) = self.encoders.get_mut(encoder) {
            change(encoder);
        }
    }

    fn connect(&mut self) {
        let now = at(self.now);
        self.connections += 1;
        let client = self.connections;
        if let Some(other) = self
            .publishes
            .iter()
            .find(|p| p.state != PublishState::Ended)
            .cloned()
        {
            let connected = self
                .encoders
                .iter()
                .find(|e| e.connected && e.publish == other.id);
            let sends = connected.is_some_and(|e| e.publisher.bytes > 0 && self.now - e.sent_at <= 3_000);
            let reading = MediaReading {
                bytes: connected.map(|e| e.publisher.bytes),
                at: now,
            };
            match other.progress.health(reading) {
                EncoderHealth::Healthy | EncoderHealth::Unknown => return,
                EncoderHealth::Disconnected => {}
                EncoderHealth::Stale => {
                    self.wrong_takeovers += u32::from(sends);
                    self.encoders
                        .iter_mut()
                        .filter(|e| e.publish == other.id)
                        .for_each(|e| e.connected = false);
                }
            }
            self.end_publish(other.id, EndReason::TakenOver);
        }
        let id = i64::try_from(self.publishes.len()).unwrap() + 1;
        let progress = MediaProgress {
            bytes: 0,
            seen_at: now,
            grew_at: now,
        };
        let accepted = ActivePublish {
            id,
            client,
            accepted_at: now,
            progress,
            ..publish(PublishState::Starting)
        };
        self.publishes.push(accepted);
        let publisher = Publisher {
            playback_name: "alice".into(),
            client,
            connected_at: now,
            bytes: 0,
        };
        self.encoders.push(Encoder {
            publisher,
            frozen: false,
            connected: true,
            publish: id,
            sent_at: self.now,
        });
    }

    fn leave(&mut self, encoder: usize, hook_lost: bool) {
        let Some(encoder) = self.encoders.get_mut(encoder) else {
            return;
        };
        let publish = encoder.publish;
        let was = std::mem::replace(&mut encoder.connected, false);
        if was && !hook_lost {
            self.end_publish(publish, EndReason::PublisherGone);
        }
    }

    pub(super) fn wait(&mut self, millis: i64) {
        let end = self.now + millis;
        while self.now < end {
            let step = if needs_fast_polling(&self.state()) {
                200
            } else {
                2_000
            };
            self.now = end.min(self.now + step);
            let sent = u64::try_from(step).unwrap();
            for encoder in self.encoders.iter_mut().filter(|e| e.connected && !e.frozen) {
                encoder.publisher.bytes += sent;
                encoder.sent_at = self.now;
            }
            self.poll();
        }
    }

    fn poll(&mut self) {
        let report = if self.up {
            let publishers = self
                .encoders
                .iter()
                .filter(|e| e.connected)
                .map(|e| e.publisher.clone())
                .collect();
            reached(publishers, self.now)
        } else {
            NodeReport::Unreachable {
                since: at(self.unreachable_since),
            }
        };
        let nodes = BTreeMap::from([(node(), report)]);
        for action in reconcile(&self.state(), &nodes, at(self.now), &timeouts()) {
            match action {
                Action::RecordProgress { publish, progress } => self
                    .active(publish)
                    .into_iter()
                    .for_each(|p| p.progress = progress),
                Action::GoLive { publish, .. } => self.go_live(publish),
                Action::EndPublish { publish, reason, .. } => self.end_publish(publish, reason),
                Action::EndBroadcast { broadcast, .. } => self.end_broadcast(broadcast),
                Action::DropClient { client, .. } => {
                    self.encoders
                        .iter_mut()
                        .filter(|e| e.publisher.client == client)
                        .for_each(|e| e.connected = false);
                }
            }
            self.check();
        }
    }

    fn active(&mut self, publish: i64) -> Option<&mut ActivePublish> {
        self.publishes
            .iter_mut()
            .find(|p| p.id == publish && p.state != PublishState::Ended)
    }

    fn go_live(&mut self, publish: i64) {
        let now = at(self.now);
        let ongoing = self
            .broadcasts
            .iter_mut()
            .find(|b| b.state != BroadcastState::Ended);
        let id = if let Some(broadcast) = ongoing {
            broadcast.state = BroadcastState::Live;
            broadcast.dropped_at = None;
            broadcast.id
        } else {
            self.started += 1;
            let id = BroadcastId(self.started);
            self.broadcasts.push(OngoingBroadcast {
                id,
                stream: StreamId(7),
                state: BroadcastState::Live,
                started_at: now,
                dropped_at: None,
            });
            id
        };
        let publish = self.active(publish).unwrap();
        publish.state = PublishState::Live;
        publish.broadcast = Some(id);
    }

    fn end_publish(&mut self, publish: i64, reason: EndReason) {
        let now = at(self.now);
        let Some(publish) = self.active(publish) else {
            return;
        };
        publish.state = PublishState::Ended;
        let Some(id) = publish.broadcast else {
            return;
        };
        for broadcast in self
            .broadcasts
            .iter_mut()
            .filter(|b| b.id == id && b.state == BroadcastState::Live)
        {
            broadcast.state = BroadcastState::Dropped;
            broadcast.dropped_at = Some(now);
        }
        if reason == EndReason::NodeLost {
            self.end_broadcast(id);
        }
    }

    fn end_broadcast(&mut self, id: BroadcastId) {
        for broadcast in self
            .broadcasts
            .iter_mut()
            .filter(|b| b.id == id && b.state != BroadcastState::Ended)
        {
            broadcast.state = BroadcastState::Ended;
            self.ended.push(broadcast.id);
        }
    }

    pub(super) fn check(&self) {
        let state = self.state();
        assert!(
            state.broadcasts.len() <= 1,
            "two broadcasts at once: {:?}",
            state.broadcasts
        );
        assert!(
            state.publishes.len() <= 1,
            "two publishes at once: {:?}",
            state.publishes
        );
        let distinct: BTreeSet<_> = self.ended.iter().collect();
        assert_eq!(distinct.len(), self.ended.len(), "a broadcast ended twice");
    }
}
