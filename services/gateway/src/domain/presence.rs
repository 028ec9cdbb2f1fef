//! Who is present in which room on this gateway: the source of the viewer leases.

use std::collections::HashMap;

use primitives::{StreamId, UserId};

/// A viewer. All tabs of a browser are one viewer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Viewer {
    User(UserId),
    /// The visitor id of the guest's browser.
    Guest(String),
}

impl Viewer {
    /// Returns the viewer's name in leases.
    pub(crate) fn lease_name(&self) -> String {
        match self {
            Self::User(id) => format!("u:{id}"),
            Self::Guest(id) => format!("g:{id}"),
        }
    }
}

/// Connections by room and viewer.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    rooms: HashMap<StreamId, HashMap<Viewer, u32>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lease {
    pub(crate) stream: StreamId,
    pub(crate) viewer: Viewer,
    pub(crate) connections: u32,
}

impl Presence {
    /// Counts a connection of the viewer in the room.
    pub(crate) fn enter(&mut self, stream: StreamId, viewer: &Viewer) -> Lease {
        let viewers = self.rooms.entry(stream).or_default();
        let connections = viewers.entry(viewer.clone()).or_default();
        *connections += 1;
        Lease {
            stream,
            viewer: viewer.clone(),
            connections: *connections,
        }
    }

    /// Removes a connection of the viewer; returns whether it was the last.
    pub(crate) fn leave(&mut self, stream: StreamId, viewer: &Viewer) -> bool {
        let Some(viewers) = self.rooms.get_mut(&stream) else {
            return false;
        };
        let Some(connections) = viewers.get_mut(viewer) else {
            return false;
        };
        *connections = connections.saturating_sub(1);
        let last = *connections == 0;
        if last {
            viewers.remove(viewer);
            if viewers.is_empty() {
                self.rooms.remove(&stream);
            }
        }
        last
    }

    /// Returns the lease of a viewer who is present.
    pub(crate) fn lease(&self, stream: StreamId, viewer: &Viewer) -> Option<Lease> {
        let connections = *self.rooms.get(&stream)?.get(viewer)?;
        Some(Lease {
            stream,
            viewer: viewer.clone(),
            connections,
        })
    }

    pub(crate) fn leases(&self) -> Vec<Lease> {
        let of_room = |(stream, viewers): (&StreamId, &HashMap<Viewer, u32>)| {
            let stream = *stream;
            let lease = move |(viewer, connections): (&Viewer, &u32)| Lease {
                stream,
                viewer: viewer.clone(),
                connections: *connections,
            };
            viewers.iter().map(lease).collect::<Vec<_>>()
        };
        self.rooms.iter().flat_map(of_room).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOM: StreamId = StreamId(1);

    #[test]
    fn tabs_count_as_one_viewer() {
        let mut presence = Presence::default();
        let ann = Viewer::User(UserId(7));
        assert_eq!(presence.enter(ROOM, &ann).connections, 1);
        assert_eq!(presence.enter(ROOM, &ann).connections, 2);
        assert!(!presence.leave(ROOM, &ann));
        assert_eq!(presence.leases().len(), 1);
        assert!(presence.leave(ROOM, &ann));
        assert!(!presence.leave(ROOM, &ann), "left already");
        assert!(presence.leases().is_empty());
    }

    proptest! {
        /// Compares with a simple model: a list of connections.
        #[test]
        fn leases_match_the_connections(
            steps in prop::collection::vec((any::<bool>(), 1_i64..4, 1_i64..4), 0..200)
        ) {
            let mut presence = Presence::default();
            let mut model: Vec<(StreamId, Viewer)> = Vec::new();
            for (enters, room, user) in steps {
                let key = (StreamId(room), Viewer::User(UserId(user)));
                let at = model.iter().position(|k| *k == key);
                if enters {
                    model.push(key.clone());
                    presence.enter(key.0, &key.1);
                } else {
                    let last = model.iter().filter(|k| **k == key).count() == 1;
                    prop_assert_eq!(presence.leave(key.0, &key.1), last);
                    at.map(|at| model.remove(at));
                }
                let mut expected: Vec<Lease> = Vec::new();
                for (stream, viewer) in &model {
                    match expected.iter_mut().find(|l| l.stream == *stream && l.viewer == *viewer) {
                        Some(lease) => lease.connections += 1,
                        None => expected.push(Lease { stream: *stream, viewer: viewer.clone(), connections: 1 }),
                    }
                }
                let mut leases = presence.leases();
                leases.sort();
                expected.sort();
                prop_assert_eq!(leases, expected);
            }
        }
    }
}
