//! The rooms that this gateway holds. Each is bound to its realtime key for as long as somebody holds it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bus::{Bindings, Realtime};
use futures::FutureExt;
use primitives::StreamId;

use crate::hub::room::Room;
use crate::hub::{count, lock};

pub(super) struct Rooms {
    map: Mutex<HashMap<StreamId, Entry>>,
    bindings: Bindings,
}

struct Entry {
    room: Arc<Room>,
    holds: usize,
}

/// Keeps a room in memory; the last one to go takes the room along.
pub(super) struct Hold {
    rooms: Arc<Rooms>,
    room: Arc<Room>,
}

impl Rooms {
    pub(super) fn new(bindings: Bindings) -> Self {
        Self {
            map: Mutex::default(),
            bindings,
        }
    }

    /// A hold on a room, which is made when it is not there.
    pub(super) fn hold(self: &Arc<Self>, stream: StreamId) -> Hold {
        let mut map = lock(&self.map);
        let entry = map.entry(stream).or_insert_with(|| {
            // Asked for under the lock, and the answer not awaited: so it stands behind the unbinding of a
            // room that has just gone. `bound` waits for it.
            let _ = self.bindings.bind(Realtime::stream_key(stream.0)).now_or_never();
            Entry {
                room: Arc::new(Room::new(stream)),
                holds: 0,
            }
        });
        entry.holds += 1;
        let room = entry.room.clone();
        metrics::gauge!("gateway_rooms").set(count(map.len()));
        Hold {
            rooms: self.clone(),
            room,
        }
    }

    /// Waits until the room's messages arrive; false when the broker is away.
    pub(super) async fn bound(&self, stream: StreamId) -> bool {
        self.bindings.bind(Realtime::stream_key(stream.0)).await
    }

    pub(super) fn get(&self, stream: StreamId) -> Option<Arc<Room>> {
        lock(&self.map).get(&stream).map(|entry| entry.room.clone())
    }

    pub(super) fn all(&self) -> Vec<Arc<Room>> {
        lock(&self.map).values().map(|entry| entry.room.clone()).collect()
    }
}

impl Hold {
    pub(super) fn room(&self) -> &Arc<Room> {
        &self.room
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let stream = self.room.id();
        let mut map = lock(&self.rooms.map);
        let Some(entry) = map.get_mut(&stream) else { return };
        entry.holds -= 1;
        if entry.holds == 0 {
            map.remove(&stream);
            let _ = self
                .rooms
                .bindings
                .unbind(Realtime::stream_key(stream.0))
                .now_or_never();
            metrics::gauge!("gateway_rooms").set(count(map.len()));
        }
    }
}
