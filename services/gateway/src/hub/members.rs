//! The sockets in a room. Each has a cursor into the room's messages: one that does not keep up loses none of
//! them, but lags, and gets the rest as soon as its buffer has room. One that lags further than the room
//! remembers is cut.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};
use socketioxide::socket::Sid;

use crate::domain::presence::Viewer;
use crate::domain::sequence::Sequence;
use crate::hub::connection::{Connection, Sent};
use crate::hub::event::{ServerEvent, ViewerCountUpdated};
use crate::hub::line::Line;
use crate::hub::rooms::Hold;

/// A socket in a room.
pub(super) struct Member {
    pub(super) connection: Arc<Connection>,
    pub(super) viewer: Viewer,
    /// The last message that it was sent.
    cursor: i64,
    /// It has not been sent the last count.
    owed_count: bool,
    _hold: Hold,
}

impl Member {
    pub(super) fn new(connection: Arc<Connection>, viewer: Viewer, hold: Hold) -> Self {
        Self {
            connection,
            viewer,
            cursor: 0,
            owed_count: false,
            _hold: hold,
        }
    }

    /// Sends what comes after the cursor, as far as the buffer takes it; false when something is left.
    fn catch_up(&mut self, lines: &Sequence<Line>) -> bool {
        let Some(rest) = lines.since(self.cursor) else {
            self.connection.cut_slow();
            self.cursor = lines.complete();
            return true;
        };
        for (seq, line) in rest {
            if !line.deleted && self.connection.try_emit(Line::NAME, line) == Sent::Full {
                metrics::counter!("gateway_socket_lags_total").increment(1);
                return false;
            }
            self.cursor = *seq;
        }
        true
    }

    fn send_count(&mut self, count: &RawValue) -> bool {
        self.owed_count = self.connection.try_emit(ViewerCountUpdated::NAME, count) == Sent::Full;
        !self.owed_count
    }
}

#[derive(Default)]
pub(super) struct Members {
    map: HashMap<Sid, Member>,
    /// What those who are owed a count are told.
    count: Option<Box<RawValue>>,
}

impl Members {
    pub(super) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    /// Lets a member in; false when it was in already. It has what is complete now.
    pub(super) fn admit(&mut self, member: Member, complete: i64) -> bool {
        let id = member.connection.id();
        let new = !self.map.contains_key(&id);
        self.map.entry(id).or_insert(member).cursor = complete;
        new
    }

    pub(super) fn get_mut(&mut self, id: Sid) -> Option<&mut Member> {
        self.map.get_mut(&id)
    }

    pub(super) fn remove(&mut self, id: Sid) -> Option<Member> {
        self.map.remove(&id)
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.map.extend(others.map);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.map.values()
    }

    /// Hands out what is complete; false when somebody lags.
    pub(super) fn deliver(&mut self, lines: &Sequence<Line>) -> bool {
        let mut all = true;
        for member in self.map.values_mut() {
            all &= member.catch_up(lines);
            if let Some(count) = self.count.as_deref().filter(|_| member.owed_count) {
                all &= member.send_count(count);
            }
        }
        all
    }

    /// Tells how many watch; false when somebody lags. Who lags gets the last count only.
    pub(super) fn count(&mut self, event: &ViewerCountUpdated) -> bool {
        self.count = raw(event);
        let Some(count) = &self.count else { return true };
        let told = self.map.values_mut().map(|member| member.send_count(count));
        told.fold(true, |all, told| all & told)
    }

    /// Tells everyone. A socket that has no room for it is cut: it comes back and asks.
    pub(super) fn tell<E: ServerEvent>(&self, event: &E) {
        let Some(data) = raw(event) else { return };
        for member in self.map.values() {
            if member.connection.try_emit(E::NAME, &*data) == Sent::Full {
                member.connection.cut_slow();
            }
        }
    }
}

/// The data, written once for all.
fn raw<E: ServerEvent>(event: &E) -> Option<Box<RawValue>> {
    to_raw_value(event)
        .inspect_err(|error| tracing::error!(%error, event = E::NAME, "an event could not be written"))
        .ok()
}
