//! Viewer counts for sockets that have just joined: a count is announced when it changes, and a join may not
//! change it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use primitives::StreamId;
use proto::CallContext;
use tokio::sync::Notify;

use crate::event::ViewerCountUpdated;
use crate::hub::connection::Connection;
use crate::hub::lock::lock;
use crate::hub::upstream::{CALL_TIMEOUT, Upstream};

const CONCURRENT_CALLS: usize = 8;

/// Sockets that wait for the viewer count of a stream.
pub(super) type Waiting = HashMap<StreamId, Vec<Arc<Connection>>>;

#[derive(Default)]
pub(super) struct Counts {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

impl Counts {
    pub(super) fn request(&self, new: Waiting) {
        let mut waiting = lock(&self.waiting);
        for (stream, connections) in new {
            waiting.entry(stream).or_default().extend(connections);
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// Fetches the counts of several rooms at once, and that of one room once for all sockets that wait.
    pub(super) async fn run(&self, upstream: &Upstream) {
        loop {
            self.wake.notified().await;
            let waiting = std::mem::take(&mut *lock(&self.waiting));
            futures::stream::iter(waiting)
                .for_each_concurrent(CONCURRENT_CALLS, |(stream, connections)| async move {
                    send(upstream, stream, &connections).await;
                })
                .await;
        }
    }
}

async fn send(upstream: &Upstream, stream: StreamId, connections: &[Arc<Connection>]) {
    let context = CallContext::background(CALL_TIMEOUT);
    match upstream.room(stream, &context).await {
        Ok(room) if room.live && room.viewer_count > 0 => {
            let event = ViewerCountUpdated {
                stream_id: stream,
                count: room.viewer_count,
            };
            connections.iter().for_each(|connection| connection.emit(&event));
        }
        Ok(_) => {}
        Err(error) => tracing::debug!(%error, "cannot fetch a viewer count"),
    }
}
