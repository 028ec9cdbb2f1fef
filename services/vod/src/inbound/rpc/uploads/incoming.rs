//! The bytes of a video on their way in: bounded in number and in time, and looked at before most of them are
//! taken.

use std::io::{Cursor, Error as IoError};
use std::time::{Duration, Instant};

use futures::stream::{BoxStream, StreamExt, once, unfold};
use media::image::MAX_BYTES;
use primitives::{Error as DomainError, FieldError};
use proto::upload::{Part, next_part, too_large};
use proto::vod::v1::{UploadVodRequest, UploadVodUpload};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::io::StreamReader;
use tonic::Streaming;

use crate::domain::{HEAD_BYTES, begins_like_a_video};
use crate::error::{Error, Result};

/// Whoever sends nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(60);
/// An upload that is slower than this on the whole gives its place to others.
const SLOWEST_BYTES_PER_SECOND: u64 = 16 * 1024;

/// A video whose first bytes have come.
pub(super) struct Incoming {
    messages: Streaming<UploadVodUpload>,
    head: Vec<u8>,
    picture: Vec<u8>,
    /// A file that was over before its head was full.
    request: Option<UploadVodRequest>,
    taken: u64,
    most: u64,
    begun: Instant,
}

/// What came with the file.
pub(super) struct End {
    pub(super) request: UploadVodRequest,
    pub(super) picture: Vec<u8>,
}

/// Tells what the file ended with.
pub(super) struct Ending(oneshot::Receiver<Result<End>>);

/// The next of what is sent, the picture's bytes apart.
enum Next {
    Bytes(Vec<u8>),
    Request(UploadVodRequest),
}

type Bytes = StreamReader<BoxStream<'static, Result<Cursor<Vec<u8>>, IoError>>, Cursor<Vec<u8>>>;

impl Incoming {
    /// Takes the first bytes.
    ///
    /// # Errors
    /// [`Error::NotAVideo`], or there is no file; the stream's.
    pub(super) async fn begin(messages: Streaming<UploadVodUpload>, most: u64) -> Result<Self> {
        let mut video = Self {
            messages,
            head: Vec::new(),
            picture: Vec::new(),
            request: None,
            taken: 0,
            most,
            begun: Instant::now(),
        };
        while video.head.len() < HEAD_BYTES {
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
        } else if begins_like_a_video(&video.head) {
            Ok(video)
        } else {
            Err(Error::NotAVideo)
        }
    }

    /// All bytes, the first ones too. What they ended with is told at their end.
    pub(super) fn into_reader(mut self) -> (Bytes, Ending) {
        let (tell, told) = oneshot::channel();
        let head = Ok(Cursor::new(std::mem::take(&mut self.head)));
        let rest = unfold((self, Some(tell)), async |(mut video, tell)| {
            let tell = tell?;
            match video.next().await {
                Ok(Next::Bytes(bytes)) => Some((Ok(Cursor::new(bytes)), (video, Some(tell)))),
                Ok(Next::Request(request)) => {
                    let picture = video.picture;
                    // Nobody listens when the bucket has failed; then its error counts.
                    let _ = tell.send(Ok(End { request, picture }));
                    None
                }
                Err(error) => {
                    let _ = tell.send(Err(error));
                    Some((Err(IoError::other("the upload broke off")), (video, None)))
                }
            }
        });
        let all = once(async { head }).chain(rest);
        (StreamReader::new(all.boxed()), Ending(told))
    }

    async fn next(&mut self) -> Result<Next> {
        if let Some(request) = self.request.take() {
            return Ok(Next::Request(request));
        }
        loop {
            let next = timeout(SILENCE, next_part(&mut self.messages)).await;
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
        self.taken += bytes;
        if self.taken > self.most {
            Err(too_large(self.most).into())
        } else if self.begun.elapsed() > time_for(self.taken) {
            Err(Error::TooSlow)
        } else {
            Ok(())
        }
    }
}

impl Ending {
    /// What it was, if the bytes came to their end.
    pub(super) fn now(mut self) -> Option<Result<End>> {
        self.0.try_recv().ok()
    }
}

fn time_for(bytes: u64) -> Duration {
    SILENCE + Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND)
}
