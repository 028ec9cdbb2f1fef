//! One stream's chat room on this gateway: the order of its messages, their delivery to its sockets, and the
//! stream's live state.

mod admission;
mod members;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use primitives::StreamId;
use tokio::time::Instant;

use crate::domain::live_state::{LiveState, LiveTransition};
use crate::domain::presence::Viewer;
use crate::domain::sequence::Sequence;
use crate::event::{
    ChatMessage, MessageDeleted, ServerEvent, StreamEndedNotification, StreamStarted, ViewerCountUpdated,
};
use crate::hub::lock::lock;
use crate::hub::room::members::Members;

pub(super) use self::admission::{Admission, HISTORY_LIMIT};

/// Messages remembered for sockets that join or lag.
pub(super) const MEMORY: usize = 500;
/// How long a busy room gathers messages, per socket. Messages that are sent together cost each socket one
/// system call and one wake-up.
const GATHER_PER_SOCKET: Duration = Duration::from_micros(100);
/// Short enough not to be noticed in a conversation.
const MAX_GATHER: Duration = Duration::from_millis(50);
/// Between two attempts to send to sockets that lag.
const LAG_RETRY_DELAY: Duration = Duration::from_millis(50);
/// Deletions remembered for messages that have not arrived yet.
const MAX_EARLY_DELETIONS: usize = 1000;

/// A room. One lock guards its state and everything that is sent to its sockets.
pub(crate) struct Room {
    id: StreamId,
    state: Mutex<State>,
    /// Locked while the room is loaded.
    pub(super) opening: tokio::sync::Mutex<()>,
    /// Locked while missing messages are fetched.
    pub(super) fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    members: Members,
    /// Sockets that were in the room when the stream ended. They wait for its next start.
    waiting: Members,
    last_delivery: Option<Instant>,
    /// A task will deliver the messages that are gathered.
    gathering: bool,
    /// A task will retry the sockets that lag.
    retrying: bool,
}

/// What a loaded room knows.
struct Open {
    live: LiveState,
    messages: Sequence<ChatMessage>,
    /// Messages that were deleted before they arrived.
    early_deletions: BTreeSet<i64>,
    viewer_count: Option<u32>,
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
        state.open.as_ref().is_some_and(|open| open.live.is_live())
    }

    pub(super) fn has_members(&self) -> bool {
        !lock(&self.state).members.is_empty()
    }

    /// Loads the room: its live state, its latest sequence number and its newest messages.
    pub(super) fn open(&self, live: LiveState, latest: i64, newest: Vec<ChatMessage>) {
        let newest = newest.into_iter().map(|message| (message.seq, message));
        lock(&self.state).open = Some(Open {
            live,
            messages: Sequence::new(latest, newest, MEMORY),
            early_deletions: BTreeSet::new(),
            viewer_count: None,
        });
    }

    /// Accepts messages and delivers those without a gap before them: at once, or together with others soon.
    /// Returns whether there is a gap.
    pub(super) fn accept(self: &Arc<Self>, messages: impl IntoIterator<Item = ChatMessage>) -> bool {
        let mut state = lock(&self.state);
        let Some(open) = &mut state.open else { return false };
        let mut deliverable = false;
        for mut message in messages {
            message.deleted |= open.early_deletions.remove(&message.seq);
            deliverable |= open.messages.insert(message.seq, message);
        }
        let has_gap = open.messages.has_gap();
        if deliverable {
            self.deliver_soon(&mut state);
        }
        has_gap
    }

    fn deliver_soon(self: &Arc<Self>, state: &mut State) {
        let due = state
            .last_delivery
            .map(|at| at + gather_time(state.members.len()));
        // The first message after a pause is delivered at once.
        let Some(due) = due.filter(|due| Instant::now() < *due) else {
            return self.deliver(state);
        };
        if !std::mem::replace(&mut state.gathering, true) {
            let room = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep_until(due).await;
                let mut state = lock(&room.state);
                state.gathering = false;
                room.deliver(&mut state);
            });
        }
    }

    fn deliver(self: &Arc<Self>, state: &mut State) {
        let Some(open) = &mut state.open else { return };
        let all = state.members.deliver(&open.messages);
        open.messages.trim();
        state.last_delivery = Some(Instant::now());
        if !all {
            self.retry_later(state);
        }
    }

    /// Retries sockets that lag, until none does.
    fn retry_later(self: &Arc<Self>, state: &mut State) {
        if std::mem::replace(&mut state.retrying, true) {
            return;
        }
        let room = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LAG_RETRY_DELAY).await;
            let mut state = lock(&room.state);
            state.retrying = false;
            room.deliver(&mut state);
        });
    }

    /// Returns the number up to which every message has arrived, and whether a later one waits for a gap.
    pub(super) fn progress(&self) -> Option<(i64, bool)> {
        let state = lock(&self.state);
        let open = state.open.as_ref()?;
        Some((open.messages.complete(), open.messages.has_gap()))
    }

    /// Returns whether the memory has all messages after a sequence number.
    pub(super) fn remembers(&self, after: i64) -> bool {
        let state = lock(&self.state);
        let open = state.open.as_ref();
        open.is_some_and(|open| open.messages.since(after).is_some())
    }

    /// Deletes a message. A deletion that overtakes its message keeps it from being sent.
    pub(crate) fn delete_message(self: &Arc<Self>, id: String, seq: i64) {
        let mut state = lock(&self.state);
        self.deliver(&mut state);
        let Some(open) = &mut state.open else { return };
        let complete = open.messages.complete();
        match open.messages.get_mut(seq) {
            Some(message) if message.deleted => return,
            Some(message) => message.deleted = true,
            None if seq > complete && open.early_deletions.len() < MAX_EARLY_DELETIONS => {
                open.early_deletions.insert(seq);
            }
            // Older than the memory: clients may still show it.
            None => {}
        }
        state.members.broadcast(&MessageDeleted {
            stream_id: self.id,
            id,
            seq,
        });
    }

    /// Sends the viewer count if it differs from the last one.
    pub(crate) fn set_viewer_count(self: &Arc<Self>, viewers: u32) {
        let mut state = lock(&self.state);
        let Some(open) = &mut state.open else { return };
        if open.viewer_count.replace(viewers) == Some(viewers) {
            return;
        }
        let all = state.members.send_count(&ViewerCountUpdated {
            stream_id: self.id,
            count: viewers,
        });
        if !all {
            self.retry_later(&mut state);
        }
    }

    /// Sends an event to all sockets in the room, after the messages before it.
    pub(crate) fn broadcast<E: ServerEvent>(self: &Arc<Self>, event: &E) {
        let mut state = lock(&self.state);
        self.deliver(&mut state);
        state.members.broadcast(event);
    }

    /// Updates the live state; returns the viewers who left because the stream ended.
    pub(super) fn update_live(
        self: &Arc<Self>,
        update: impl FnOnce(&mut LiveState) -> Option<LiveTransition>,
    ) -> Vec<Viewer> {
        let mut state = lock(&self.state);
        let Some(open) = &mut state.open else {
            return Vec::new();
        };
        match update(&mut open.live) {
            None => Vec::new(),
            Some(LiveTransition::Started) => {
                let waiting = std::mem::take(&mut state.waiting);
                let event = StreamStarted { stream_id: self.id };
                state.members.broadcast(&event);
                drop(state);
                waiting.broadcast(&event);
                self.release(&waiting);
                Vec::new()
            }
            Some(LiveTransition::Ended) => self.end(&mut state, "The stream has ended."),
        }
    }

    /// Ends the room for good; returns the viewers who left.
    pub(super) fn stream_deleted(self: &Arc<Self>) -> Vec<Viewer> {
        let mut state = lock(&self.state);
        let viewers = self.end(&mut state, "The stream was deleted.");
        state.open = None;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.release(&waiting);
        viewers
    }

    /// Removes the room from sockets that no longer wait for it.
    fn release(&self, waiting: &Members) {
        for member in waiting.iter() {
            member.connection.remove_room(self.id);
        }
    }

    /// Lets all members wait for the next start; returns their viewers.
    fn end(self: &Arc<Self>, state: &mut State, message: &'static str) -> Vec<Viewer> {
        self.deliver(state);
        state.members.broadcast(&StreamEndedNotification {
            room_id: self.id.to_string(),
            stream_id: self.id,
            message,
        });
        let members = std::mem::take(&mut state.members);
        let viewers = members.iter().map(|member| member.viewer.clone()).collect();
        state.waiting.extend(members);
        viewers
    }
}

/// Returns how long a room with this many sockets gathers messages.
fn gather_time(sockets: usize) -> Duration {
    let sockets = u32::try_from(sockets).unwrap_or(u32::MAX);
    GATHER_PER_SOCKET.saturating_mul(sockets).min(MAX_GATHER)
}
