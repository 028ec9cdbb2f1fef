//! The stream of an upload, limited in size and time. Rejects other files after their first bytes.

use std::io::{Cursor, Error as IoError};
use std::time::Duration;

use futures::stream::{BoxStream, StreamExt, once, unfold};
use media::image::MAX_BYTES;
use primitives::{Error as DomainError, FieldError};
use proto::upload::{Part, next_part, too_large};
use proto::vod::v1::{UploadVodRequest, UploadVodUpload};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tokio_util::io::StreamReader;
use tonic::Streaming;

use crate::domain::{HEADER_BYTES, is_supported_video};
use crate::error::{Error, Result};

/// The longest pause between two messages.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// A slower upload is rejected, so that others get its slot.
const MIN_BYTES_PER_SECOND: u64 = 16 * 1024;

/// An upload whose first bytes have been received.
pub(super) struct Incoming {
    messages: Streaming<UploadVodUpload>,
    head: Vec<u8>,
    picture: Vec<u8>,
    /// Set if the file is shorter than a header.
    request: Option<UploadVodRequest>,
    received: u64,
    max_bytes: u64,
    started: Instant,
}

/// The messages beside the video.
pub(super) struct End {
    pub(super) request: UploadVodRequest,
    pub(super) picture: Vec<u8>,
}

/// Receives the result of an upload.
pub(super) struct Ending(oneshot::Receiver<Result<End>>);

enum Next {
    Bytes(Vec<u8>),
    Request(UploadVodRequest),
}

type Bytes = StreamReader<BoxStream<'static, Result<Cursor<Vec<u8>>, IoError>>, Cursor<Vec<u8>>>;

impl Incoming {
    /// Receives the first bytes.
    ///
    /// # Errors
    /// [`Error::NotAVideo`], or there is no file; the stream's.
    pub(super) async fn begin(messages: Streaming<UploadVodUpload>, max_bytes: u64) -> Result<Self> {
        let mut video = Self {
            messages,
            head: Vec::new(),
            picture: Vec::new(),
            request: None,
            received: 0,
            max_bytes,
            started: Instant::now(),
        };
        while video.head.len() < HEADER_BYTES {
            match video.next().await? {
                Next::Bytes(bytes) => video.head.extend(bytes),
                Next::Request(request) => {
                    video.request = Some(request);
                    break;
                }
            }
        }
        if video.head.is_empty() {
            Err(DomainError::from(FieldError::required("videoFile")).into())
        } else if is_supported_video(&video.head) {
            Ok(video)
        } else {
            Err(Error::NotAVideo)
        }
    }

    /// Returns a reader of all bytes, and the result, which is available after the last byte.
    pub(super) fn into_reader(mut self) -> (Bytes, Ending) {
        let (sender, receiver) = oneshot::channel();
        let head = Ok(Cursor::new(std::mem::take(&mut self.head)));
        let rest = unfold((self, Some(sender)), async |(mut video, sender)| {
            let sender = sender?;
            match video.next().await {
                Ok(Next::Bytes(bytes)) => Some((Ok(Cursor::new(bytes)), (video, Some(sender)))),
                Ok(Next::Request(request)) => {
                    let picture = video.picture;
                    // The receiver is gone if the bucket has failed, whose error is then returned.
                    let _ = sender.send(Ok(End { request, picture }));
                    None
                }
                Err(error) => {
                    let _ = sender.send(Err(error));
                    Some((Err(IoError::other("the upload was interrupted")), (video, None)))
                }
            }
        });
        let all = once(async { head }).chain(rest);
        (StreamReader::new(all.boxed()), Ending(receiver))
    }

    async fn next(&mut self) -> Result<Next> {
        if let Some(request) = self.request.take() {
            return Ok(Next::Request(request));
        }
        loop {
            let next = timeout(READ_TIMEOUT, next_part(&mut self.messages)).await;
            match next.map_err(|_| Error::TooSlow)?? {
                Part::Request(request) => return Ok(Next::Request(request)),
                Part::Picture(bytes) if self.picture.len() + bytes.len() > MAX_BYTES => {
                    return Err(too_large(MAX_BYTES as u64).into());
                }
                Part::Picture(bytes) => self.picture.extend(bytes),
                Part::Chunk(bytes) => {
                    self.count(bytes.len() as u64)?;
                    return Ok(Next::Bytes(bytes));
                }
            }
        }
    }

    fn count(&mut self, bytes: u64) -> Result<()> {
        self.received += bytes;
        if self.received > self.max_bytes {
            Err(too_large(self.max_bytes).into())
        } else if self.started.elapsed() > time_limit(self.received) {
            Err(Error::TooSlow)
        } else {
            Ok(())
        }
    }
}

impl Ending {
    /// Returns the result if the last byte has been read.
    pub(super) fn result(mut self) -> Option<Result<End>> {
        self.0.try_recv().ok()
    }
}

fn time_limit(bytes: u64) -> Duration {
    READ_TIMEOUT + Duration::from_secs(bytes / MIN_BYTES_PER_SECOND)
}
