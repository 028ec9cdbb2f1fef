//! The sockets in a room. Each has a cursor into the room's messages, so a socket that does not keep up loses
//! no message: it lags, and gets the rest as soon as its buffer has room. A socket that lags further than the
//! room's memory reaches is disconnected.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::domain::presence::Viewer;
use crate::domain::sequence::Sequence;
use crate::event::{ChatMessage, ServerEvent, ViewerCountUpdated};
use crate::hub::connection::{Connection, SendOutcome, SocketId, serialise};

/// Keeps the room in memory until it is dropped. Not the type of `rooms`, which depends on this module.
pub(in crate::hub) type Guard = Box<dyn Send>;

/// A socket in a room.
pub(super) struct Member {
    pub(super) connection: Arc<Connection>,
    pub(super) viewer: Viewer,
    /// The sequence number of the last message that was sent to it.
    cursor: i64,
    /// The last viewer count has not been sent to it.
    count_pending: bool,
    _guard: Guard,
}

impl Member {
    pub(super) fn new(connection: Arc<Connection>, viewer: Viewer, guard: Guard) -> Self {
        Self {
            connection,
            viewer,
            cursor: 0,
            count_pending: false,
            _guard: guard,
        }
    }

    /// Sends the messages after the cursor until the buffer is full; returns whether all were sent.
    fn catch_up(&mut self, messages: &Sequence<ChatMessage>) -> bool {
        let Some(rest) = messages.since(self.cursor) else {
            self.connection.disconnect_slow();
            self.cursor = messages.complete();
            return true;
        };
        for (seq, message) in rest {
            if !message.deleted
                && self.connection.try_emit(ChatMessage::NAME, message.json()) == SendOutcome::BufferFull
            {
                metrics::counter!("gateway_socket_lags_total").increment(1);
                return false;
            }
            self.cursor = *seq;
        }
        true
    }

    fn send_count(&mut self, count: &RawValue) -> bool {
        let outcome = self.connection.try_emit(ViewerCountUpdated::NAME, count);
        self.count_pending = outcome == SendOutcome::BufferFull;
        !self.count_pending
    }
}

#[derive(Default)]
pub(super) struct Members {
    map: HashMap<SocketId, Member>,
    /// The last viewer count, for members that lag.
    count: Option<Box<RawValue>>,
}

impl Members {
    pub(super) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    /// Adds a member that has all messages up to `complete`; returns false if it was one already.
    pub(super) fn add(&mut self, member: Member, complete: i64) -> bool {
        let id = member.connection.id();
        let new = !self.map.contains_key(&id);
        self.map.entry(id).or_insert(member).cursor = complete;
        new
    }

    pub(super) fn get_mut(&mut self, id: SocketId) -> Option<&mut Member> {
        self.map.get_mut(&id)
    }

    pub(super) fn remove(&mut self, id: SocketId) -> Option<Member> {
        self.map.remove(&id)
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.map.extend(others.map);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.map.values()
    }

    /// Sends messages in order; returns false if a member lags.
    pub(super) fn deliver(&mut self, messages: &Sequence<ChatMessage>) -> bool {
        let mut all = true;
        for member in self.map.values_mut() {
            all &= member.catch_up(messages);
            if let Some(count) = self.count.as_deref().filter(|_| member.count_pending) {
                all &= member.send_count(count);
            }
        }
        all
    }

    /// Sends the viewer count; returns false if a member lags. It gets only the latest count later.
    pub(super) fn send_count(&mut self, event: &ViewerCountUpdated) -> bool {
        self.count = serialise(ViewerCountUpdated::NAME, event);
        let Some(count) = &self.count else { return true };
        let sent = self.map.values_mut().map(|member| member.send_count(count));
        sent.fold(true, |all, sent| all & sent)
    }

    /// Sends an event, serialised once. A member whose buffer is full is disconnected: it reconnects and
    /// joins again.
    pub(super) fn broadcast<E: ServerEvent>(&self, event: &E) {
        let Some(data) = serialise(E::NAME, event) else {
            return;
        };
        for member in self.map.values() {
            if member.connection.try_emit(E::NAME, &data) == SendOutcome::BufferFull {
                member.connection.disconnect_slow();
            }
        }
    }
}
