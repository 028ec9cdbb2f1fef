//! Uploads: calls whose caller streams a file in chunks and, last of all, the request that goes with it, so
//! that the fields of a form may come in any order and nobody in between keeps the file.
//!
//! A stream that ends without its request was cut off. It counts for nothing.

use futures::{Stream, StreamExt};
use primitives::{Error, ErrorKind};
use tonic::Status;

use crate::error_from_status;
use crate::vod::v1::{UploadVodRequest, UploadVodUpload, upload_vod_upload};

/// The largest chunk that a caller sends; far below gRPC's limit of 4 MiB for a message.
pub const MAX_CHUNK: usize = 64 * 1024;

/// What one message of an upload holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<R> {
    /// The next bytes of the file.
    Chunk(Vec<u8>),
    /// The next bytes of the picture that goes with a video.
    Picture(Vec<u8>),
    /// The request; nothing follows.
    Request(R),
}

/// A message of an upload, whatever its package.
pub trait UploadMessage: Sized + Send + 'static {
    /// What goes with the file.
    type Request: Send + 'static;
    /// The next bytes of the file.
    fn chunk(bytes: Vec<u8>) -> Self;
    /// The last message.
    fn request(request: Self::Request) -> Self;
    /// What it holds; `None` for a part that is not known here.
    fn part(self) -> Option<Part<Self::Request>>;
}

/// Reads messages as `Message/module of its parts: Request`, all of one package: `oneof part { bytes chunk;
/// Request request; }`.
macro_rules! uploads {
    ($($package:ident: $($message:ident / $module:ident: $request:ident),+;)*) => {$($(
        impl UploadMessage for crate::$package::v1::$message {
            type Request = crate::$package::v1::$request;

            fn chunk(bytes: Vec<u8>) -> Self {
                Self { part: Some(crate::$package::v1::$module::Part::Chunk(bytes)) }
            }

            fn request(request: Self::Request) -> Self {
                Self { part: Some(crate::$package::v1::$module::Part::Request(request)) }
            }

            fn part(self) -> Option<Part<Self::Request>> {
                self.part.map(|part| match part {
                    crate::$package::v1::$module::Part::Chunk(bytes) => Part::Chunk(bytes),
                    crate::$package::v1::$module::Part::Request(request) => Part::Request(request),
                })
            }
        }
    )+)*};
}

uploads! {
    auth: UpdateProfileUpload / update_profile_upload: UpdateProfileRequest;
    stream:
        CreateStreamUpload / create_stream_upload: CreateStreamRequest,
        UpdateStreamUpload / update_stream_upload: UpdateStreamRequest,
        CreateCategoryUpload / create_category_upload: CreateCategoryRequest,
        UpdateCategoryUpload / update_category_upload: UpdateCategoryRequest;
    vod: UpdateVodUpload / update_vod_upload: UpdateVodRequest;
}

/// The one upload of two files.
impl UploadMessage for UploadVodUpload {
    type Request = UploadVodRequest;

    fn chunk(bytes: Vec<u8>) -> Self {
        let part = Some(upload_vod_upload::Part::Chunk(bytes));
        Self { part }
    }

    fn request(request: UploadVodRequest) -> Self {
        let part = Some(upload_vod_upload::Part::Request(request));
        Self { part }
    }

    fn part(self) -> Option<Part<UploadVodRequest>> {
        self.part.map(|part| match part {
            upload_vod_upload::Part::Chunk(bytes) => Part::Chunk(bytes),
            upload_vod_upload::Part::Picture(bytes) => Part::Picture(bytes),
            upload_vod_upload::Part::Request(request) => Part::Request(request),
        })
    }
}

/// The messages of a caller who has the whole file, which may be empty.
pub fn messages<M: UploadMessage>(
    file: &[u8],
    request: M::Request,
) -> impl Stream<Item = M> + Send + 'static {
    let chunks: Vec<M> = file
        .chunks(MAX_CHUNK)
        .map(|chunk| M::chunk(chunk.to_vec()))
        .chain([M::request(request)])
        .collect();
    futures::stream::iter(chunks)
}

/// The next part of an upload.
///
/// # Errors
/// `upload.incomplete` when the stream ends or breaks before its request.
pub async fn next_part<M: UploadMessage>(
    messages: &mut (impl Stream<Item = Result<M, Status>> + Unpin),
) -> Result<Part<M::Request>, Error> {
    match messages.next().await {
        Some(Ok(message)) => message.part().ok_or_else(incomplete),
        Some(Err(status)) if status.code() == tonic::Code::Unavailable => Err(error_from_status(&status)),
        Some(Err(_)) | None => Err(incomplete()),
    }
}

/// Reads an upload whose file fits into memory, such as a picture. No bytes mean that there is no file.
///
/// # Errors
/// `upload.too_large` above `limit` bytes; `upload.incomplete` when the stream was cut off.
pub async fn read_in_memory<M: UploadMessage>(
    messages: &mut (impl Stream<Item = Result<M, Status>> + Unpin),
    limit: usize,
) -> Result<(Vec<u8>, M::Request), Error> {
    let mut file = Vec::new();
    loop {
        match next_part(messages).await? {
            Part::Chunk(bytes) if file.len() + bytes.len() > limit => return Err(too_large(limit as u64)),
            Part::Chunk(bytes) => file.extend_from_slice(&bytes),
            Part::Picture(_) => return Err(incomplete()),
            Part::Request(request) => return Ok((file, request)),
        }
    }
}

/// The file is larger than it may be.
#[must_use]
pub fn too_large(limit: u64) -> Error {
    let detail = format!("The file is larger than {limit} bytes.");
    Error::new(ErrorKind::TooLarge, "upload.too_large", detail)
}

fn incomplete() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "upload.incomplete",
        "The upload is incomplete.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::v1::{CreateStreamRequest, CreateStreamUpload};

    type Read = Result<(Vec<u8>, CreateStreamRequest), Error>;

    fn read(messages: Vec<CreateStreamUpload>, limit: usize) -> Read {
        let mut messages = futures::stream::iter(messages.into_iter().map(Ok));
        futures::executor::block_on(read_in_memory(&mut messages, limit))
    }

    fn sent(file: &[u8]) -> Vec<CreateStreamUpload> {
        let request = CreateStreamRequest {
            title: "A title".into(),
            ..CreateStreamRequest::default()
        };
        futures::executor::block_on_stream(messages(file, request)).collect()
    }

    #[test]
    fn a_file_comes_in_chunks_and_its_request_last() {
        let file = vec![7; MAX_CHUNK * 2 + 1];
        let sent = sent(&file);
        assert_eq!(sent.len(), 4);
        let (read, request) = read(sent, file.len()).unwrap();
        assert_eq!((read, request.title.as_str()), (file, "A title"));
    }

    #[test]
    fn what_was_cut_off_counts_for_nothing() {
        let mut cut = sent(b"abc");
        cut.pop();
        assert_eq!(read(cut, 10).unwrap_err().code, "upload.incomplete");
        assert_eq!(read(Vec::new(), 10).unwrap_err().code, "upload.incomplete");
        let unknown = vec![CreateStreamUpload { part: None }];
        assert_eq!(read(unknown, 10).unwrap_err().code, "upload.incomplete");
        assert_eq!(read(sent(b"abc"), 2).unwrap_err().kind, ErrorKind::TooLarge);
        assert!(read(sent(b"abc"), 3).is_ok());
    }
}
