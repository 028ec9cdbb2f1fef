//! Files on their way through: a form's file goes to its service chunk by chunk while it arrives, and nothing
//! of it is kept.

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

/// Chunks between the client and the service, so that one need not wait for the other at each.
const IN_FLIGHT: usize = 4;
/// How long a form with a picture may take; with what a call may take after it, no longer than any call lasts
/// (crate `proto`).
pub(super) const PICTURE_PATIENCE: Duration = Duration::from_secs(20);

/// How long a form with a video may take, the service's work at its end included.
pub(super) const VIDEO_PATIENCE: Duration = proto::MAX_UPLOAD_TIME;

/// Bytes of a picture.
const PICTURE_BYTES: u64 = 5 * 1024 * 1024;
/// The picture of a person.
pub(super) const AVATAR: FileField = FileField {
    name: "avatarFile",
    max_bytes: PICTURE_BYTES,
};
/// The picture of a stream, a category or a VOD.
pub(super) const THUMBNAIL: FileField = FileField {
    name: "thumbnailFile",
    max_bytes: PICTURE_BYTES,
};

/// Sends a form with one picture at most. `request` makes the last message of its fields, `call` is the
/// service's method. The service may refuse at any time; then the rest of the form is not read.
pub(super) async fn send_picture<T, M, R>(
    form: Form<T>,
    picture: FileField,
    request: impl FnOnce(T) -> Result<M::Request, Problem>,
    call: impl AsyncFnOnce(ReceiverStream<M>) -> Result<Response<R>, Status>,
) -> Result<R, Problem>
where
    T: DeserializeOwned,
    M: UploadMessage,
{
    let (sink, messages) = channel::<M>();
    let read = async move {
        let take = async |_: &'static str, bytes: Bytes| sink.chunk(&bytes).await;
        let fields = form.read(&[picture], PICTURE_PATIENCE, take).await?;
        sink.end(request(fields)?).await
    };
    run(read, call(messages)).await
}

/// Where a form's reader puts what it reads.
pub(super) struct Sink<M>(mpsc::Sender<M>);

pub(super) fn channel<M>() -> (Sink<M>, ReceiverStream<M>) {
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    (Sink(sender), ReceiverStream::new(receiver))
}

impl<M: UploadMessage> Sink<M> {
    pub(super) async fn chunk(&self, bytes: &[u8]) -> Result<(), Problem> {
        self.pieces(bytes, M::chunk).await
    }

    /// Sends bytes as messages of a kind.
    pub(super) async fn pieces(&self, bytes: &[u8], message: impl Fn(Vec<u8>) -> M) -> Result<(), Problem> {
        for piece in bytes.chunks(MAX_CHUNK) {
            self.send(message(piece.to_vec())).await?;
        }
        Ok(())
    }

    pub(super) async fn end(&self, request: M::Request) -> Result<(), Problem> {
        self.send(M::request(request)).await
    }

    /// A closed channel means that the call is over; its answer says why and is waited for beside this.
    async fn send(&self, message: M) -> Result<(), Problem> {
        if self.0.send(message).await.is_err() {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

/// Reads and calls at once. A body that cannot be read ends the call, whose service then has changed nothing;
/// an answer that comes early ends the reading.
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
