//! Uploads: the caller streams a file in chunks, and then the request that belongs to it.
//!
//! Because the request comes last, the fields of a multipart form may arrive in any order, and no service on
//! the way has to buffer the file. A stream that ends without a request was interrupted and has no effect.

use futures::{Stream, StreamExt};
use primitives::{Error, ErrorKind};
use tonic::Status;

use crate::status::error_from_status;

/// Maximum size of a chunk in bytes; far below gRPC's message limit of 4 MiB.
pub const MAX_CHUNK: usize = 64 * 1024;

/// The content of one message of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<R> {
    /// The next bytes of the file.
    Chunk(Vec<u8>),
    /// The next bytes of the thumbnail of a video.
    Picture(Vec<u8>),
    /// The request, which ends the upload.
    Request(R),
}

/// A message of any upload.
pub trait UploadMessage: Sized + Send + 'static {
    /// The request that belongs to the file.
    type Request: Send + 'static;
    fn chunk(bytes: Vec<u8>) -> Self;
    fn request(request: Self::Request) -> Self;
    /// Returns the content; `None` if a newer caller sent a part that this version does not know.
    fn part(self) -> Option<Part<Self::Request>>;
}

/// Implements [`UploadMessage`] for messages that contain `oneof part { bytes chunk; Request request; }`.
/// Each is written as `Message / module of its oneof: Request`, with `+ Picture` for a second file.
macro_rules! uploads {
    ($($package:ident: $($message:ident / $module:ident: $request:ident $(+ $file:ident)?),+;)*) => {$($(
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
                    $(crate::$package::v1::$module::Part::$file(bytes) => Part::$file(bytes),)?
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
    vod:
        UpdateVodUpload / update_vod_upload: UpdateVodRequest,
        UploadVodUpload / upload_vod_upload: UploadVodRequest + Picture;
}

/// Returns the messages that upload a whole file. An empty file means none.
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

/// Reads the next part of an upload.
///
/// # Errors
/// `upload.incomplete` if the stream ends or fails before the request.
pub async fn next_part<M: UploadMessage>(
    messages: &mut (impl Stream<Item = Result<M, Status>> + Unpin),
) -> Result<Part<M::Request>, Error> {
    match messages.next().await {
        Some(Ok(message)) => message.part().ok_or_else(incomplete),
        Some(Err(status)) if status.code() == tonic::Code::Unavailable => Err(error_from_status(&status)),
        Some(Err(_)) | None => Err(incomplete()),
    }
}

/// Reads an upload whose file fits into memory, such as an image. An empty file means none.
///
/// # Errors
/// `upload.too_large` above `limit` bytes; `upload.incomplete` if the stream ends or fails before the
/// request.
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

/// `upload.too_large`: the file exceeds `limit` bytes.
#[must_use]
pub fn too_large(limit: u64) -> Error {
    let detail = format!("The file exceeds {limit} bytes.");
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

    type Upload = Result<(Vec<u8>, CreateStreamRequest), Error>;

    fn read(messages: Vec<CreateStreamUpload>, limit: usize) -> Upload {
        let mut messages = futures::stream::iter(messages.into_iter().map(Ok));
        futures::executor::block_on(read_in_memory(&mut messages, limit))
    }

    fn encode(file: &[u8]) -> Vec<CreateStreamUpload> {
        let request = CreateStreamRequest {
            title: "A title".into(),
            ..CreateStreamRequest::default()
        };
        futures::executor::block_on_stream(messages(file, request)).collect()
    }

    #[test]
    fn file_arrives_in_chunks_before_the_request() {
        let file = vec![7; MAX_CHUNK * 2 + 1];
        let encoded = encode(&file);
        assert_eq!(encoded.len(), 4);
        let (received, request) = read(encoded, file.len()).unwrap();
        assert_eq!((received, request.title.as_str()), (file, "A title"));
    }

    #[test]
    fn interrupted_or_oversized_upload_fails() {
        let mut interrupted = encode(b"abc");
        interrupted.pop();
        assert_eq!(read(interrupted, 10).unwrap_err().code, "upload.incomplete");
        assert_eq!(read(Vec::new(), 10).unwrap_err().code, "upload.incomplete");
        let unknown = vec![CreateStreamUpload { part: None }];
        assert_eq!(read(unknown, 10).unwrap_err().code, "upload.incomplete");
        assert_eq!(read(encode(b"abc"), 2).unwrap_err().kind, ErrorKind::TooLarge);
        assert!(read(encode(b"abc"), 3).is_ok());
    }
}
