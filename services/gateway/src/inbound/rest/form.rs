//! Bodies that come as JSON or, where a browser has files to send, as a multipart form (RFC 7578). The fields
//! of a form may come in any order; text is gathered, and the bytes of files are handed on as they arrive.

use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures::future::LocalBoxFuture;
use futures::{FutureExt, StreamExt};
use primitives::FieldError;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::inbound::rest::extract::{body_timeout, json, shaped};
use crate::inbound::rest::problem::Problem;

/// Parts of one form.
const MAX_PARTS: usize = 16;
/// Bytes of one text field.
const MAX_TEXT: usize = 64 * 1024;
/// A boundary has at most 70 characters (RFC 2046).
const MAX_CONTENT_TYPE: usize = 256;

/// A file that a form may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileField {
    pub(super) name: &'static str,
    pub(super) max_bytes: u64,
}

/// The fields of a body, still to be read when it is a form.
pub(super) struct Form<T> {
    body: Body<T>,
}

enum Body<T> {
    Json(T),
    Parts(Parts<T>),
}

struct Parts<T> {
    form: Multipart,
    /// How long the client may send nothing.
    silence: Duration,
    fields: PhantomData<T>,
}

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move {
            if !request.content_type().eq_ignore_ascii_case("multipart/form-data") {
                let body = Body::Json(json(&request, payload).await?);
                return Ok(Self { body });
            }
            let too_long = |value: &header::HeaderValue| value.len() > MAX_CONTENT_TYPE;
            if request.headers().get(header::CONTENT_TYPE).is_some_and(too_long) {
                return Err(Problem::malformed("The form's boundary is too long."));
            }
            let body = Body::Parts(Parts {
                form: Multipart::new(request.headers(), payload),
                silence: body_timeout(&request)?,
                fields: PhantomData,
            });
            Ok(Self { body })
        }
        .boxed_local()
    }
}

impl<T: DeserializeOwned> Form<T> {
    /// Reads to the end within `patience`. `take` gets the bytes of the named files piece by piece, with the
    /// file's name; a file that was left empty, as browsers send a field without a choice, has none.
    pub(super) async fn read(
        self,
        files: &[FileField],
        patience: Duration,
        take: impl AsyncFnMut(&'static str, Bytes) -> Result<(), Problem>,
    ) -> Result<T, Problem> {
        match self.body {
            Body::Json(fields) => Ok(fields),
            Body::Parts(parts) => in_time(patience, parts.read(files, take)).await?,
        }
    }
}

impl<T: DeserializeOwned> Parts<T> {
    async fn read(
        mut self,
        files: &[FileField],
        mut take: impl AsyncFnMut(&'static str, Bytes) -> Result<(), Problem>,
    ) -> Result<T, Problem> {
        let (mut fields, mut seen, mut parts) = (Map::new(), Vec::new(), 0);
        while let Some(part) = in_time(self.silence, self.form.next()).await? {
            let part = part.map_err(|_| malformed())?;
            let name = part.name().filter(|name| is_name(name)).ok_or_else(malformed)?;
            let name = name.to_owned();
            parts += 1;
            if parts > MAX_PARTS {
                return Err(Problem::too_large());
            }
            match files.iter().find(|file| file.name == name) {
                Some(_) if seen.contains(&name) => {
                    return Err(FieldError::new(name, "invalid", "is given twice").into());
                }
                Some(file) => {
                    seen.push(name);
                    read_file(part, *file, self.silence, &mut take).await?;
                }
                None => {
                    let text = in_time(self.silence, read_text(part, &name)).await??;
                    add(&mut fields, name, text);
                }
            }
        }
        shaped(Value::Object(fields))
    }
}

/// A part without a plain name is no field of ours, and some are made to confuse those who read headers.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

/// A field that comes several times is a list, as forms send one.
fn add(fields: &mut Map<String, Value>, name: String, text: String) {
    let text = Value::String(text);
    match fields.get_mut(&name) {
        None => drop(fields.insert(name, text)),
        Some(Value::Array(list)) => list.push(text),
        Some(first) => *first = Value::Array(vec![first.take(), text]),
    }
}

async fn read_file(
    mut part: Field,
    file: FileField,
    silence: Duration,
    take: &mut impl AsyncFnMut(&'static str, Bytes) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut length = 0;
    while let Some(bytes) = in_time(silence, part.next()).await? {
        let bytes = bytes.map_err(|_| malformed())?;
        length += bytes.len() as u64;
        if length > file.max_bytes {
            return Err(proto::upload::too_large(file.max_bytes).into());
        }
        if !bytes.is_empty() {
            take(file.name, bytes).await?;
        }
    }
    Ok(())
}

async fn read_text(mut part: Field, name: &str) -> Result<String, Problem> {
    let bytes = part.bytes(MAX_TEXT).await.map_err(|_| Problem::too_large())?;
    let bytes = bytes.map_err(|_| malformed())?;
    String::from_utf8(bytes.into())
        .map_err(|_| FieldError::new(name.to_owned(), "invalid", "must be UTF-8").into())
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(limit, work)
        .await
        .map_err(|_| Problem::body_too_slow())
}

fn malformed() -> Problem {
    Problem::malformed("The form is malformed.")
}

/// The picture of a form, for the description.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "files are read as they come")]
pub(super) struct ThumbnailFile {
    /// JPEG, PNG, WebP or GIF, at most 5 MiB.
    #[schema(value_type = Option<String>, content_media_type = "application/octet-stream")]
    thumbnail_file: (),
}
