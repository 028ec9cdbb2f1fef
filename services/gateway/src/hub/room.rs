//! One stream's chat room on this gateway.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use domain::StreamId;
use serde::Serialize;
use serde_json::json;
use socketioxide::socket::Sid;

use crate::domain::life::{Change, Life};
use crate::domain::presence::Viewer;
use crate::domain::sequence::{History, Sequence};
use crate::hub::connection::Connection;
use crate::hub::line::Line;
use crate::hub::lock;
use crate::hub::rooms::Hold;

/// Messages remembered for those who come in.
pub(crate) const MEMORY: usize = 100;
/// Messages that someone gets who comes in for the first time.
const NEWEST: usize = 20;
/// Messages that someone gets at most who comes back.
pub(crate) const CATCH_UP: usize = 500;

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
    members: HashMap<Sid, Member>,
    /// Were here when the stream ended, and have not left.
    watchers: HashMap<Sid, Member>,
}

struct Open {
    life: Life,
    lines: Sequence<Line>,
}

struct Member {
    connection: Arc<Connection>,
    viewer: Viewer,
    _hold: Hold,
}

/// What happened to somebody who wanted in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Came in.
    Entered,
    /// Was in already, and got the history again.
    Again,
    /// The stream is not live.
    NotLive,
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
        lock(&self.state)
            .open
            .as_ref()
            .is_some_and(|open| open.life.is_live())
    }

    pub(super) fn has_members(&self) -> bool {
        !lock(&self.state).members.is_empty()
    }

    /// Fills the state for the first time.
    pub(super) fn open(&self, life: Life, head: i64, newest: Vec<Line>) {
        let lines = Sequence::new(head, newest.into_iter().map(|line| (line.seq, line)), MEMORY);
        lock(&self.state).open = Some(Open { life, lines });
    }

    /// Lets a socket in: the history, the welcome, and from then on every message, without a gap and without a repeat.
    pub(super) fn admit(
        &self,
        connection: &Arc<Connection>,
        viewer: Viewer,
        hold: Hold,
        after: Option<i64>,
        older: Option<History<Line>>,
    ) -> Admission {
        let mut state = lock(&self.state);
        let Some(open) = state.open.as_ref().filter(|open| open.life.is_live()) else {
            return Admission::NotLive;
        };
        let history = history(&open.lines, after, older);
        connection.emit("recent_chat_history", &HistoryShape::new(self.id, &history));
        connection.emit("room_joined_successfully", &json!({ "streamId": self.id }));
        let before = state.watchers.remove(&connection.id());
        let mut admission = Admission::Again;
        state.members.entry(connection.id()).or_insert_with(|| {
            admission = Admission::Entered;
            Member {
                connection: connection.clone(),
                viewer,
                _hold: hold,
            }
        });
        drop(state);
        drop(before);
        admission
    }

    /// Takes a socket out; answers the viewer that it counted as, if it did.
    pub(super) fn dismiss(&self, id: Sid) -> Option<Viewer> {
        let mut state = lock(&self.state);
        let (member, watcher) = (state.members.remove(&id), state.watchers.remove(&id));
        drop(state);
        drop(watcher);
        member.map(|member| member.viewer.clone())
    }

    /// The user behind a socket changed; true when the socket is here.
    pub(super) fn rename(&self, id: Sid, viewer: &Viewer) -> bool {
        let mut state = lock(&self.state);
        let member = state.members.get_mut(&id);
        member.map(|member| member.viewer = viewer.clone()).is_some()
    }

    /// Delivers messages in sequence; true when one before them is missing.
    pub(super) fn offer(&self, lines: impl IntoIterator<Item = Line>) -> bool {
        let mut state = lock(&self.state);
        let State {
            open: Some(open),
            members,
            ..
        } = &mut *state
        else {
            return false;
        };
        for line in lines {
            for ready in open.lines.offer(line.seq, line) {
                if !ready.deleted {
                    broadcast(members, "new_message", &ready);
                }
            }
        }
        open.lines.has_gap()
    }

    /// The highest message delivered here, and whether one waits for an earlier one.
    pub(super) fn delivered(&self) -> Option<(i64, bool)> {
        lock(&self.state)
            .open
            .as_ref()
            .map(|open| (open.lines.delivered(), open.lines.has_gap()))
    }

    /// The history after a number, when memory does not reach back that far: false.
    pub(super) fn remembers(&self, after: i64) -> bool {
        lock(&self.state)
            .open
            .as_ref()
            .is_some_and(|open| open.lines.after(after, CATCH_UP).is_some())
    }

    /// A message is gone.
    pub(super) fn message_deleted(&self, id: &str, seq: i64) {
        let mut state = lock(&self.state);
        if let Some(open) = &mut state.open {
            open.lines.change(seq, |line| line.deleted = true);
        }
        let shape = json!({ "streamId": self.id, "id": id, "seq": seq });
        broadcast(&state.members, "message_deleted", &shape);
    }

    /// Tells everyone in the room.
    pub(super) fn tell<T: Serialize>(&self, event: &str, data: &T) {
        broadcast(&lock(&self.state).members, event, data);
    }

    /// News of the stream's life; answers who left because of them.
    pub(super) fn live_changed(&self, news: impl FnOnce(&mut Life) -> Option<Change>) -> Vec<Viewer> {
        let mut state = lock(&self.state);
        let Some(open) = &mut state.open else {
            return Vec::new();
        };
        match news(&mut open.life) {
            None => Vec::new(),
            Some(Change::Started) => {
                let watchers = std::mem::take(&mut state.watchers);
                let shape = json!({ "streamId": self.id });
                broadcast(&state.members, "stream_started", &shape);
                drop(state);
                broadcast(&watchers, "stream_started", &shape);
                for member in watchers.values() {
                    member.connection.drop_room(self.id);
                }
                Vec::new()
            }
            Some(Change::Ended) => state.end(self.id, "The stream has ended."),
        }
    }

    /// The stream is gone for good, and the room with it; answers who left.
    pub(super) fn stream_deleted(&self) -> Vec<Viewer> {
        let mut state = lock(&self.state);
        let viewers = state.end(self.id, "The stream was deleted.");
        state.open = None;
        let watchers = std::mem::take(&mut state.watchers);
        drop(state);
        for member in watchers.values() {
            member.connection.drop_room(self.id);
        }
        viewers
    }
}

impl State {
    /// Everyone leaves, and waits for the next start.
    fn end(&mut self, id: StreamId, message: &str) -> Vec<Viewer> {
        let shape = json!({ "roomId": id.to_string(), "streamId": id, "message": message });
        broadcast(&self.members, "stream_ended_notification", &shape);
        let members = std::mem::take(&mut self.members);
        let viewers = members.values().map(|member| member.viewer.clone()).collect();
        self.watchers.extend(members);
        viewers
    }
}

/// Writes the data once, for all.
fn broadcast<T: Serialize>(members: &HashMap<Sid, Member>, event: &str, data: &T) {
    match serde_json::value::to_raw_value(data) {
        Ok(data) => members
            .values()
            .for_each(|member| member.connection.emit(event, &data)),
        Err(error) => tracing::error!(%error, event, "an event could not be written"),
    }
}

fn history(lines: &Sequence<Line>, after: Option<i64>, older: Option<History<Line>>) -> History<Line> {
    let Some(after) = after else {
        return lines.newest(NEWEST);
    };
    match older {
        None => lines
            .after(after, CATCH_UP)
            .unwrap_or_else(|| lines.newest(NEWEST)),
        Some(older) if older.truncated => older,
        Some(mut older) => {
            let last = older.messages.last().map_or(after, |line| line.seq);
            match lines.after(last, CATCH_UP.saturating_sub(older.messages.len())) {
                Some(rest) => {
                    older.messages.extend(rest.messages);
                    older.truncated = rest.truncated;
                }
                None => older.truncated = true,
            }
            older
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryShape<'a> {
    stream_id: StreamId,
    messages: Vec<&'a Line>,
    truncated: bool,
}

impl<'a> HistoryShape<'a> {
    fn new(stream_id: StreamId, history: &'a History<Line>) -> Self {
        let messages = history.messages.iter().filter(|line| !line.deleted).collect();
        Self {
            stream_id,
            messages,
            truncated: history.truncated,
        }
    }
}
