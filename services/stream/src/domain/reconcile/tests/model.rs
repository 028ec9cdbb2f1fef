//! The store's side in memory: the same transitions under the same conditions.

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
    silent_since: i64,
    connections: i64,
    pub(super) encoders: Vec<Encoder>,
    publishes: Vec<ActivePublish>,
    broadcasts: Vec<(OnAir, DateTime<Utc>)>,
    pub(super) ended: Vec<BroadcastId>,
    /// Takeovers of an encoder that had sent within the last three seconds.
    pub(super) robbed: u32,
    pub(super) started: i64,
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            up: true,
            ..Self::default()
        }
    }

    pub(super) fn view(&self) -> View {
        View {
            publishes: self
                .publishes
                .iter()
                .filter(|p| p.state != PublishState::Ended)
                .cloned()
                .collect(),
            broadcasts: self
                .broadcasts
                .iter()
                .map(|(b, _)| b.clone())
                .filter(|b| b.state != BroadcastState::Ended)
                .collect(),
        }
    }

    pub(super) fn apply(&mut self, happening: Happening) {
        match happening {
            Happening::Connect => self.connect(),
            Happening::Leave { encoder, hook_lost } => self.leave(encoder, hook_lost),
            Happening::Freeze { encoder } => self.with(encoder, |encoder| encoder.frozen = true),
            Happening::Thaw { encoder } => self.with(encoder, |encoder| encoder.frozen = false),
            Happening::RepeatDone { encoder } => {
                let gone = self
                    .encoders
                    .get(encoder)
                    .filter(|e| !e.connected)
                    .map(|e| e.publish);
                gone.into_iter()
                    .for_each(|publish| self.end_publish(publish, EndReason::PublisherGone));
            }
            Happening::NodeUp { up } => {
                if self.up && !up {
                    self.silent_since = self.now;
                }
                self.up = up;
            }
            Happening::NginxRestarts => {
                self.connections = 0;
                self.encoders
                    .iter_mut()
                    .for_each(|encoder| encoder.connected = false);
            }
            Happening::Wait { millis } => self.wait(millis),
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
            let there = self
                .encoders
                .iter()
                .find(|e| e.connected && e.publish == other.id);
            let sends = there.is_some_and(|e| e.publisher.bytes > 0 && self.now - e.sent_at <= 3_000);
            let reading = Reading {
                bytes: there.map(|e| e.publisher.bytes),
                at: now,
            };
            match other.progress.health(reading) {
                Health::Healthy | Health::Unclear => return,
                Health::Gone => {}
                Health::Stale => {
                    self.robbed += u32::from(sends);
                    self.encoders
                        .iter_mut()
                        .filter(|e| e.publish == other.id)
                        .for_each(|e| e.connected = false);
                }
            }
            self.end_publish(other.id, EndReason::TakenOver);
        }
        let id = i64::try_from(self.publishes.len()).unwrap() + 1;
        let progress = Progress {
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
            name: "alice".into(),
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
            let step = if needs_close_watch(&self.view()) {
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
            self.look();
        }
    }

    fn look(&mut self) {
        let report = if self.up {
            let there = self
                .encoders
                .iter()
                .filter(|e| e.connected)
                .map(|e| e.publisher.clone())
                .collect();
            reached(there, self.now)
        } else {
            NodeReport::Silent {
                since: at(self.silent_since),
            }
        };
        let nodes = BTreeMap::from([(NODE.to_owned(), report)]);
        for action in reconcile(&self.view(), &nodes, at(self.now), &rules()) {
            match action {
                Action::Note { publish, progress } => self
                    .active(publish)
                    .into_iter()
                    .for_each(|p| p.progress = progress),
                Action::GoLive { publish, .. } => self.go_live(publish),
                Action::EndPublish { publish, reason, .. } => self.end_publish(publish, reason),
                Action::EndBroadcast { broadcast, .. } => self.end_broadcast(broadcast),
                Action::Drop { client, .. } => {
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
        let going = self
            .broadcasts
            .iter_mut()
            .map(|(b, _)| b)
            .find(|b| b.state != BroadcastState::Ended);
        let id = if let Some(broadcast) = going {
            broadcast.state = BroadcastState::Live;
            broadcast.dropped_at = None;
            broadcast.id
        } else {
            self.started += 1;
            let id = BroadcastId(self.started);
            self.broadcasts.push((
                OnAir {
                    id,
                    stream: StreamId(7),
                    state: BroadcastState::Live,
                    dropped_at: None,
                },
                now,
            ));
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
        let Some(broadcast) = publish.broadcast else {
            return;
        };
        for (on_air, _) in self
            .broadcasts
            .iter_mut()
            .filter(|(b, _)| b.id == broadcast && b.state == BroadcastState::Live)
        {
            on_air.state = BroadcastState::Dropped;
            on_air.dropped_at = Some(now);
        }
        if reason == EndReason::NodeLost {
            self.end_broadcast(broadcast);
        }
    }

    fn end_broadcast(&mut self, broadcast: BroadcastId) {
        for (on_air, _) in self
            .broadcasts
            .iter_mut()
            .filter(|(b, _)| b.id == broadcast && b.state != BroadcastState::Ended)
        {
            on_air.state = BroadcastState::Ended;
            self.ended.push(on_air.id);
        }
    }

    pub(super) fn check(&self) {
        let view = self.view();
        assert!(
            view.broadcasts.len() <= 1,
            "two broadcasts at once: {:?}",
            view.broadcasts
        );
        assert!(
            view.publishes.len() <= 1,
            "two publishes at once: {:?}",
            view.publishes
        );
        let distinct: BTreeSet<_> = self.ended.iter().collect();
        assert_eq!(distinct.len(), self.ended.len(), "a broadcast ended twice");
    }
}
