//! Who comes into a room and who leaves it, and what they are sent first.

use std::sync::Arc;

use socketioxide::socket::Sid;

use super::Room;
use crate::domain::presence::Viewer;
use crate::domain::sequence::{History, Sequence};
use crate::hub::connection::Connection;
use crate::hub::event::{RecentChatHistory, RoomJoinedSuccessfully};
use crate::hub::line::Line;
use crate::hub::lock;
use crate::hub::members::Member;
use crate::hub::rooms::Hold;

/// Messages that someone gets who comes in for the first time.
const NEWEST: usize = 20;
/// Messages that someone gets at most who comes back.
pub(in crate::hub) const CATCH_UP: usize = 500;

/// What happened to somebody who wanted in.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::hub) enum Admission {
    /// Came in, and got so many messages.
    Entered(usize),
    /// Was in already, and got the history again, of so many messages.
    Again(usize),
    /// The stream is not live.
    NotLive,
}

impl Room {
    /// Lets a socket in: the history, the welcome, and from then on every message, without a gap and without
    /// a repeat.
    pub(in crate::hub) fn admit(
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
        let history = self.history(&open.lines, after, older);
        let (messages, complete) = (history.messages.len(), open.lines.complete());
        connection.emit(&history);
        connection.emit(&RoomJoinedSuccessfully { stream_id: self.id });
        let before = state.watchers.remove(connection.id());
        let member = Member::new(connection.clone(), viewer, hold);
        let entered = state.members.admit(member, complete);
        drop(state);
        drop(before);
        if entered {
            Admission::Entered(messages)
        } else {
            Admission::Again(messages)
        }
    }

    fn history(
        &self,
        lines: &Sequence<Line>,
        after: Option<i64>,
        older: Option<History<Line>>,
    ) -> RecentChatHistory {
        let mut history = match after {
            None => lines.newest(NEWEST),
            Some(after) => missed(lines, after, older),
        };
        history.messages.retain(|line| !line.deleted);
        RecentChatHistory {
            stream_id: self.id,
            messages: history.messages,
            truncated: history.truncated,
        }
    }

    /// Takes a socket out; answers the viewer that it counted as, if it did.
    pub(in crate::hub) fn dismiss(&self, id: Sid) -> Option<Viewer> {
        let mut state = lock(&self.state);
        let (member, watcher) = (state.members.remove(id), state.watchers.remove(id));
        drop(state);
        drop(watcher);
        member.map(|member| member.viewer.clone())
    }

    /// The user behind a socket changed; true when the socket is here.
    pub(in crate::hub) fn rename(&self, id: Sid, viewer: &Viewer) -> bool {
        let mut state = lock(&self.state);
        let member = state.members.get_mut(id);
        member.map(|member| member.viewer = viewer.clone()).is_some()
    }
}

/// What came after a number: from the chat service as far as memory does not reach, and from memory.
fn missed(lines: &Sequence<Line>, after: i64, older: Option<History<Line>>) -> History<Line> {
    let Some(mut older) = older else {
        return lines
            .after(after, CATCH_UP)
            .unwrap_or_else(|| lines.newest(NEWEST));
    };
    if older.truncated {
        return older;
    }
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
