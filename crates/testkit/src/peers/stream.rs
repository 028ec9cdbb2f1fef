//! A fake stream service.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use primitives::{Error, ErrorKind};
use proto::IntoStatus;
use proto::stream::v1::{
    CategoryCopy, CategorySnapshotRequest, CategorySnapshotResponse, GetRoomRequest, GetRoomResponse,
    RecordingOwner, ResolveRecordingRequest, ResolveRecordingResponse,
};
use tonic::{Request, Response};

use super::check_available;
use crate::grpc::{Reply, StreamService};

/// Serves rooms, categories and the owners of recordings. Clones share their data.
#[derive(Clone, Default)]
pub struct FakeStream(Arc<State>);

#[derive(Default)]
struct State {
    rooms: Mutex<HashMap<i64, GetRoomResponse>>,
    categories: Mutex<Vec<CategoryCopy>>,
    /// By file name.
    recordings: Mutex<HashMap<String, RecordingOwner>>,
    room_requests: AtomicUsize,
    unavailable: AtomicBool,
}

impl FakeStream {
    /// Adds or replaces the room of a stream.
    pub fn set_room(&self, stream: i64, owner: i64, live: bool, version: i64) {
        let room = GetRoomResponse {
            stream_id: stream,
            owner_id: owner,
            live,
            viewer_count: 0,
            version,
        };
        self.0.rooms.lock().unwrap().insert(stream, room);
    }

    /// Adds a category to the snapshot.
    pub fn add_category(&self, category: CategoryCopy) {
        self.0.categories.lock().unwrap().push(category);
    }

    /// Adds or replaces the owner of a recording.
    pub fn set_recording(&self, file: impl Into<String>, owner: RecordingOwner) {
        self.0.recordings.lock().unwrap().insert(file.into(), owner);
    }

    pub fn set_unavailable(&self, unavailable: bool) {
        self.0.unavailable.store(unavailable, Ordering::SeqCst);
    }

    /// Returns the number of `GetRoom` requests.
    #[must_use]
    pub fn room_requests(&self) -> usize {
        self.0.room_requests.load(Ordering::SeqCst)
    }
}

#[tonic::async_trait]
impl StreamService for FakeStream {
    async fn get_room(&self, request: Request<GetRoomRequest>) -> Reply<GetRoomResponse> {
        self.0.room_requests.fetch_add(1, Ordering::SeqCst);
        check_available(self.0.unavailable.load(Ordering::SeqCst))?;
        let rooms = self.0.rooms.lock().unwrap();
        match rooms.get(&request.into_inner().stream_id) {
            Some(room) => Ok(Response::new(*room)),
            None => {
                let error = Error::new(ErrorKind::NotFound, "stream.not_found", "Stream not found.");
                Err(error.into_status())
            }
        }
    }

    async fn category_snapshot(
        &self,
        _: Request<CategorySnapshotRequest>,
    ) -> Reply<CategorySnapshotResponse> {
        let categories = self.0.categories.lock().unwrap().clone();
        Ok(Response::new(CategorySnapshotResponse { categories }))
    }

    async fn resolve_recording(
        &self,
        request: Request<ResolveRecordingRequest>,
    ) -> Reply<ResolveRecordingResponse> {
        let recordings = self.0.recordings.lock().unwrap();
        let owner = recordings.get(&request.into_inner().file_name).cloned();
        Ok(Response::new(ResolveRecordingResponse { owner }))
    }
}
