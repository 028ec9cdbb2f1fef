//! Uploads: a form's file is passed to its service chunk by chunk while it arrives, and never kept here.

use std::time::Duration;

use actix_web::web::Bytes;
use proto::upload::{MAX_CHUNK, UploadMessage};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status};

use crate::inbound::rest::form::{FileField, Form};
use crate::inbound::rest::problem::Problem;
use crate::outbound::peers::Answer;

/// Chunks between the client and the service, so that neither waits for the other at each chunk.
const MAX_CHUNKS_IN_FLIGHT: usize = 4;
/// How long a form with an image may take. With the time of the call after it, this stays within the limit of
/// crate `proto` for any call.
pub(super) const IMAGE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a form with a video may take, including the service's work at its end.
pub(super) const VIDEO_TIMEOUT: Duration = proto::MAX_UPLOAD_TIME;

const MAX_IMAGE_BYTES: u64 = 5 * 1024 * 1024;
pub(super) const AVATAR: FileField = FileField {
    name: "avatarFile",
    max_bytes: MAX_IMAGE_BYTES,
};
/// The image of a stream, a category or a VOD.
pub(super) const THUMBNAIL: FileField = FileField {
    name: "thumbnailFile",
    max_bytes: MAX_IMAGE_BYTES,
};

/// Sends a form with at most one image. `request` makes the last message from the fields, `call` is the
/// service's method. The service may refuse at any time; then the rest of the form is not read.
pub(super) async fn send_image<T, M, R>(
    form: Form<T>,
    image: FileField,
    request: impl FnOnce(T) -> M::Request,
    call: impl AsyncFnOnce(ReceiverStream<M>) -> Result<Response<R>, Status>,
) -> Result<R, Problem>
where
    T: DeserializeOwned,
    M: UploadMessage,
{
    let (sink, messages) = channel::<M>();
    let read = async move {
        let take = async |_: &'static str, bytes: Bytes| sink.chunk(&bytes).await;
        let fields = form.read(&[image], IMAGE_TIMEOUT, take).await?;
        sink.end(request(fields)).await
    };
    run(read, call(messages)).await
}

/// Sends the messages of an upload.
pub(super) struct Sink<M>(mpsc::Sender<M>);

pub(super) fn channel<M>() -> (Sink<M>, ReceiverStream<M>) {
    let (sender, receiver) = mpsc::channel(MAX_CHUNKS_IN_FLIGHT);
    (Sink(sender), ReceiverStream::new(receiver))
}

impl<M: UploadMessage> Sink<M> {
    pub(super) async fn chunk(&self, bytes: &[u8]) -> Result<(), Problem> {
        self.pieces(bytes, M::chunk).await
    }

    /// Sends bytes as messages of one kind.
    pub(super) async fn pieces(&self, bytes: &[u8], message: impl Fn(Vec<u8>) -> M) -> Result<(), Problem> {
        for piece in bytes.chunks(MAX_CHUNK) {
            self.send(message(piece.to_vec())).await?;
        }
        Ok(())
    }

    pub(super) async fn end(&self, request: M::Request) -> Result<(), Problem> {
        self.send(M::request(request)).await
    }

    async fn send(&self, message: M) -> Result<(), Problem> {
        // A closed channel means that the call has ended; `run` awaits its answer, which gives the reason.
        if self.0.send(message).await.is_err() {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

/// Reads and calls concurrently. A body that cannot be read cancels the call, which then has changed nothing;
/// an early answer ends the reading.
pub(super) async fn run<R>(
    read: impl Future<Output = Result<(), Problem>>,
    call: impl Future<Output = Result<Response<R>, Status>>,
) -> Result<R, Problem> {
    tokio::pin!(call);
    tokio::select! {
        answer = &mut call => return Ok(answer.answer()?),
        end = read => end?,
    }
    Ok(call.await.answer()?)
}
