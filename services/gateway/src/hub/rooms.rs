//! The rooms in memory. A room exists, and is bound to its realtime key, while a [`RoomGuard`] keeps it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bus::{KeyBindings, Realtime};
use futures::FutureExt;
use primitives::StreamId;

use crate::hub::gauges;
use crate::hub::lock::lock;
use crate::hub::room::Room;

pub(crate) struct Rooms {
    map: Mutex<HashMap<StreamId, Entry>>,
    bindings: KeyBindings,
}

struct Entry {
    room: Arc<Room>,
    guards: usize,
}

/// Keeps a room in memory. Dropping the last guard of a room removes it.
pub(super) struct RoomGuard {
    rooms: Arc<Rooms>,
    room: Arc<Room>,
}

impl Rooms {
    pub(super) fn new(bindings: KeyBindings) -> Self {
        Self {
            map: Mutex::default(),
            bindings,
        }
    }

    /// Returns a guard of a room, which is created if it does not exist.
    pub(super) fn guard(self: &Arc<Self>, stream: StreamId) -> RoomGuard {
        let mut map = lock(&self.map);
        let entry = map.entry(stream).or_insert_with(|| {
            // Queued under the lock, so that it follows the unbinding of a room that was just removed.
            // `bound` awaits the result.
            let _ = self.bindings.bind(Realtime::stream_key(stream.0)).now_or_never();
            Entry {
                room: Arc::new(Room::new(stream)),
                guards: 0,
            }
        });
        entry.guards += 1;
        let room = entry.room.clone();
        gauges::set("gateway_rooms", map.len());
        RoomGuard {
            rooms: self.clone(),
            room,
        }
    }

    /// Waits until the room's realtime messages arrive; returns false if the broker is unavailable.
    pub(super) async fn bound(&self, stream: StreamId) -> bool {
        self.bindings.bind(Realtime::stream_key(stream.0)).await
    }

    pub(crate) fn get(&self, stream: StreamId) -> Option<Arc<Room>> {
        lock(&self.map).get(&stream).map(|entry| entry.room.clone())
    }

    pub(super) fn all(&self) -> Vec<Arc<Room>> {
        lock(&self.map).values().map(|entry| entry.room.clone()).collect()
    }
}

impl RoomGuard {
    pub(super) fn room(&self) -> &Arc<Room> {
        &self.room
    }
}

impl Drop for RoomGuard {
    fn drop(&mut self) {
        let stream = self.room.id();
        let mut map = lock(&self.rooms.map);
        let Some(entry) = map.get_mut(&stream) else { return };
        entry.guards -= 1;
        if entry.guards == 0 {
            map.remove(&stream);
            let bindings = &self.rooms.bindings;
            let _ = bindings.unbind(Realtime::stream_key(stream.0)).now_or_never();
            gauges::set("gateway_rooms", map.len());
        }
    }
}
