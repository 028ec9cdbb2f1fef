//! How a socket joins and leaves a room, and the history that it gets first.

use std::sync::Arc;

use super::Room;
use super::members::{Guard, Member};
use crate::domain::presence::Viewer;
use crate::domain::sequence::{History, Sequence};
use crate::event::{ChatMessage, RecentChatHistory, RoomJoinedSuccessfully};
use crate::hub::connection::{Connection, SocketId};
use crate::hub::lock::lock;

/// Messages that a socket gets when it joins for the first time.
const FIRST_HISTORY: usize = 20;
/// Most messages that a socket gets when it comes back.
pub(in crate::hub) const HISTORY_LIMIT: usize = 500;

/// The outcome of a join, with the number of messages that were sent.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::hub) enum Admission {
    Joined(usize),
    /// The socket was in the room already, and got the history again.
    Rejoined(usize),
    NotLive,
}

impl Room {
    /// Adds a socket and sends it the history, the welcome, and from then on every message, without gaps or
    /// repeats.
    pub(in crate::hub) fn admit(
        &self,
        connection: &Arc<Connection>,
        viewer: Viewer,
        guard: Guard,
        after: Option<i64>,
        older: Option<History<ChatMessage>>,
    ) -> Admission {
        let mut state = lock(&self.state);
        let Some(open) = state.open.as_ref().filter(|open| open.live.is_live()) else {
            return Admission::NotLive;
        };
        let history = self.history(&open.messages, after, older);
        let (count, complete) = (history.messages.len(), open.messages.complete());
        connection.emit(&history);
        connection.emit(&RoomJoinedSuccessfully { stream_id: self.id });
        let waiting = state.waiting.remove(connection.id());
        let member = Member::new(connection.clone(), viewer, guard);
        let joined = state.members.add(member, complete);
        drop(state);
        // Dropped after the room is unlocked, because the guard locks the map of rooms.
        drop(waiting);
        if joined {
            Admission::Joined(count)
        } else {
            Admission::Rejoined(count)
        }
    }

    fn history(
        &self,
        messages: &Sequence<ChatMessage>,
        after: Option<i64>,
        older: Option<History<ChatMessage>>,
    ) -> RecentChatHistory {
        let mut history = match after {
            None => messages.newest(FIRST_HISTORY),
            Some(after) => missed(messages, after, older),
        };
        history.messages.retain(|message| !message.deleted);
        RecentChatHistory {
            stream_id: self.id,
            messages: history.messages,
            truncated: history.truncated,
        }
    }

    /// Removes a socket; returns the viewer that it was counted as, if it was.
    pub(in crate::hub) fn remove(&self, id: SocketId) -> Option<Viewer> {
        let mut state = lock(&self.state);
        let (member, waiting) = (state.members.remove(id), state.waiting.remove(id));
        drop(state);
        drop(waiting);
        member.map(|member| member.viewer.clone())
    }

    /// Replaces the viewer of a socket; returns whether the socket is in the room.
    pub(in crate::hub) fn set_viewer(&self, id: SocketId, viewer: &Viewer) -> bool {
        let mut state = lock(&self.state);
        let member = state.members.get_mut(id);
        member.map(|member| member.viewer = viewer.clone()).is_some()
    }
}

/// Returns the messages after a sequence number: `older` from the chat service, the rest from memory.
fn missed(
    messages: &Sequence<ChatMessage>,
    after: i64,
    older: Option<History<ChatMessage>>,
) -> History<ChatMessage> {
    let Some(mut older) = older else {
        return messages
            .after(after, HISTORY_LIMIT)
            .unwrap_or_else(|| messages.newest(FIRST_HISTORY));
    };
    if older.truncated {
        return older;
    }
    let last = older.messages.last().map_or(after, |message| message.seq);
    match messages.after(last, HISTORY_LIMIT.saturating_sub(older.messages.len())) {
        Some(rest) => {
            older.messages.extend(rest.messages);
            older.truncated = rest.truncated;
        }
        None => older.truncated = true,
    }
    older
}
