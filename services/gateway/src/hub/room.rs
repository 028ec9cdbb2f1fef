//! One stream's chat room on this gateway.

mod admission;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use primitives::StreamId;

use crate::domain::life::{Change, Life};
use crate::domain::presence::Viewer;
use crate::domain::sequence::Sequence;
use crate::hub::event::{
    MessageDeleted, ServerEvent, StreamEndedNotification, StreamStarted, ViewerCountUpdated,
};
use crate::hub::line::Line;
use crate::hub::lock;
use crate::hub::members::Members;

pub(super) use self::admission::{Admission, CATCH_UP};

/// Messages remembered for those who come in and for those who lag.
pub(super) const MEMORY: usize = 500;
/// Messages of a busy room that come within this time, for each socket in it, after the last ones go out
/// together: each socket's then take one system call and one wake-up.
const GATHER_FOR_EACH: Duration = Duration::from_micros(100);
/// Nobody waits longer than this for a room to gather: a conversation does not feel it.
const GATHER_MAX: Duration = Duration::from_millis(50);
/// Between two tries for sockets that do not keep up.
const LAG: Duration = Duration::from_millis(50);
/// Deletions that may be remembered for messages that have not come yet.
const MAX_GONE: usize = 1000;

/// A room; its state changes, and its sockets are sent things, under one lock.
pub(crate) struct Room {
    id: StreamId,
    state: Mutex<State>,
    /// Held by whoever fills the state for the first time.
    pub(super) opening: tokio::sync::Mutex<()>,
    /// Held by whoever fetches messages that did not arrive.
    pub(super) fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    members: Members,
    /// Were here when the stream ended, and have not left.
    watchers: Members,
    /// When messages were last handed out.
    handed: Option<Instant>,
    /// A task comes to hand out what has gathered.
    gathering: bool,
    /// A task comes for those who lag.
    lagging: bool,
}

struct Open {
    life: Life,
    lines: Sequence<Line>,
    /// Deleted, but not here yet.
    gone: BTreeSet<i64>,
    /// As told last.
    viewers: Option<u32>,
}

impl Room {
    pub(super) fn new(id: StreamId) -> Self {
        Self {
            id,
            state: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn id(&self) -> StreamId {
        self.id
    }

    pub(super) fn is_open(&self) -> bool {
        lock(&self.state).open.is_some()
    }

    pub(super) fn is_live(&self) -> bool {
        let state = lock(&self.state);
        state.open.as_ref().is_some_and(|open| open.life.is_live())
    }

    pub(super) fn has_members(&self) -> bool {
        !lock(&self.state).members.is_empty()
    }

    /// Fills the state for the first time.
    pub(super) fn open(&self, life: Life, head: i64, newest: Vec<Line>) {
        lock(&self.state).open = Some(Open {
            life,
            lines: Sequence::new(head, newest.into_iter().map(|line| (line.seq, line)), MEMORY),
            gone: BTreeSet::new(),
            viewers: None,
        });
    }

    /// Takes messages in, and hands out what is complete: at once, or in a moment together with others. True
    /// when a message before those that wait is missing.
    pub(super) fn offer(self: &Arc<Self>, lines: impl IntoIterator<Item = Line>) -> bool {
        let mut state = lock(&self.state);
        let Some(open) = &mut state.open else { return false };
        let mut news = false;
        for mut line in lines {
            line.deleted |= open.gone.remove(&line.seq);
            news |= open.lines.offer(line.seq, line);
        }
        let gap = open.lines.has_gap();
        if news {
            self.hand_out_soon(&mut state);
        }
        gap
    }

    fn hand_out_soon(self: &Arc<Self>, state: &mut State) {
        let due = state.handed.map(|at| at + gather(state.members.len()));
        let Some(due) = due.filter(|due| Instant::now() < *due) else {
            return self.hand_out(state);
        };
        if !std::mem::replace(&mut state.gathering, true) {
            let room = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep_until(due.into()).await;
                let mut state = lock(&room.state);
                state.gathering = false;
                room.hand_out(&mut state);
            });
        }
    }

    /// Hands out what is complete.
    fn hand_out(self: &Arc<Self>, state: &mut State) {
        let Some(open) = &mut state.open else { return };
        let all = state.members.deliver(&open.lines);
        open.lines.trim();
        state.handed = Some(Instant::now());
        if !all {
            self.come_back(state);
        }
    }

    /// Tries again for those who lag, until nobody does.
    fn come_back(self: &Arc<Self>, state: &mut State) {
        if std::mem::replace(&mut state.lagging, true) {
            return;
        }
        let room = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LAG).await;
            let mut state = lock(&room.state);
            state.lagging = false;
            room.hand_out(&mut state);
        });
    }

    /// The highest message up to which nothing is missing, and whether one waits for an earlier one.
    pub(super) fn complete(&self) -> Option<(i64, bool)> {
        let state = lock(&self.state);
        let open = state.open.as_ref()?;
        Some((open.lines.complete(), open.lines.has_gap()))
    }

    /// The history after a number, when memory does not reach back that far: false.
    pub(super) fn remembers(&self, after: i64) -> bool {
        let state = lock(&self.state);
        let open = state.open.as_ref();
        open.is_some_and(|open| open.lines.since(after).is_some())
    }

    /// A message is gone. Whoever hears of it before the message comes never shows it.
    pub(super) fn message_deleted(self: &Arc<Self>, id: String, seq: i64) {
        let mut state = lock(&self.state);
        self.hand_out(&mut state);
        let Some(open) = &mut state.open else { return };
        let complete = open.lines.complete();
        match open.lines.get_mut(seq) {
            Some(line) if line.deleted => return,
            Some(line) => line.deleted = true,
            None if seq > complete && open.gone.len() < MAX_GONE => {
                open.gone.insert(seq);
            }
            None => {}
        }
        state.members.tell(&MessageDeleted {
            stream_id: self.id,
            id,
            seq,
        });
    }

    /// How many watch; told when it is not what was told last.
    pub(super) fn counted(self: &Arc<Self>, viewers: u32) {
        let mut state = lock(&self.state);
        let Some(open) = &mut state.open else { return };
        if open.viewers.replace(viewers) == Some(viewers) {
            return;
        }
        let all = state.members.count(&ViewerCountUpdated {
            stream_id: self.id,
            count: viewers,
        });
        if !all {
            self.come_back(&mut state);
        }
    }

    /// Tells everyone in the room.
    pub(super) fn tell<E: ServerEvent>(self: &Arc<Self>, event: &E) {
        let mut state = lock(&self.state);
        self.hand_out(&mut state);
        state.members.tell(event);
    }

    /// News of the stream's life; answers who left because of them.
    pub(super) fn live_changed(
        self: &Arc<Self>,
        news: impl FnOnce(&mut Life) -> Option<Change>,
    ) -> Vec<Viewer> {
        let mut state = lock(&self.state);
        let Some(open) = &mut state.open else {
            return Vec::new();
        };
        match news(&mut open.life) {
            None => Vec::new(),
            Some(Change::Started) => {
                let watchers = std::mem::take(&mut state.watchers);
                let event = StreamStarted { stream_id: self.id };
                state.members.tell(&event);
                drop(state);
                watchers.tell(&event);
                self.forget(&watchers);
                Vec::new()
            }
            Some(Change::Ended) => self.end(&mut state, "The stream has ended."),
        }
    }

    /// The stream is gone for good, and the room with it; answers who left.
    pub(super) fn stream_deleted(self: &Arc<Self>) -> Vec<Viewer> {
        let mut state = lock(&self.state);
        let viewers = self.end(&mut state, "The stream was deleted.");
        state.open = None;
        let watchers = std::mem::take(&mut state.watchers);
        drop(state);
        self.forget(&watchers);
        viewers
    }

    fn forget(&self, watchers: &Members) {
        for member in watchers.iter() {
            member.connection.drop_room(self.id);
        }
    }

    /// Everyone leaves, and waits for the next start.
    fn end(self: &Arc<Self>, state: &mut State, message: &'static str) -> Vec<Viewer> {
        self.hand_out(state);
        state.members.tell(&StreamEndedNotification {
            room_id: self.id.to_string(),
            stream_id: self.id,
            message,
        });
        let members = std::mem::take(&mut state.members);
        let viewers = members.iter().map(|member| member.viewer.clone()).collect();
        state.watchers.extend(members);
        viewers
    }
}

/// How long a room of this size gathers.
fn gather(sockets: usize) -> Duration {
    let sockets = u32::try_from(sockets).unwrap_or(u32::MAX);
    GATHER_FOR_EACH.saturating_mul(sockets).min(GATHER_MAX)
}
