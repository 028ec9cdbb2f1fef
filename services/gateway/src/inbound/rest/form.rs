//! Bodies that are JSON or, when a browser sends files, a multipart form (RFC 7578). The fields of a form may
//! come in any order; text is collected, and the bytes of files are passed on as they arrive.

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
use serde_json::Map;
use utoipa::ToSchema;
use utoipa::openapi::path::Operation;

use crate::inbound::rest::endpoints::{Describe, Schemas};
use crate::inbound::rest::extract::{add_body, add_text, body_timeout, json, read_fields};
use crate::inbound::rest::problem::Problem;

/// Leaves room for 20 tags in parts of their own.
const MAX_PARTS: usize = 32;
/// Bytes of one text field.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// A boundary has at most 70 characters (RFC 2046).
const MAX_CONTENT_TYPE: usize = 256;

/// A file that a form may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileField {
    pub(super) name: &'static str,
    pub(super) max_bytes: u64,
}

/// A request type that is also sent as a form.
pub(super) trait FormFields: ToSchema {
    /// Describes the form, with its files.
    type Form: ToSchema;
    /// Whether the fields make sense without files.
    const AS_JSON: bool = true;
}

/// The fields of a body; a form is read by [`Form::read`].
pub(super) struct Form<T> {
    body: Body<T>,
}

enum Body<T> {
    Json(T),
    Parts(Parts<T>),
}

struct Parts<T> {
    form: Multipart,
    /// How long the client may pause.
    read_timeout: Duration,
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
                read_timeout: body_timeout(&request)?,
                fields: PhantomData,
            });
            Ok(Self { body })
        }
        .boxed_local()
    }
}

impl<T: FormFields> Describe for Form<T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        if T::AS_JSON {
            add_body::<T>(operation, schemas, "application/json");
        }
        add_body::<T::Form>(operation, schemas, "multipart/form-data");
    }
}

impl<T: DeserializeOwned> Form<T> {
    /// Reads the form to its end within `timeout`. `take` gets the name of a file and its bytes, piece by
    /// piece. An empty file, as browsers send it for a field without a choice, is skipped.
    pub(super) async fn read(
        self,
        files: &[FileField],
        timeout: Duration,
        take: impl AsyncFnMut(&'static str, Bytes) -> Result<(), Problem>,
    ) -> Result<T, Problem> {
        match self.body {
            Body::Json(fields) => Ok(fields),
            Body::Parts(parts) => in_time(timeout, parts.read(files, take)).await?,
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
        while let Some(part) = in_time(self.read_timeout, self.form.next()).await? {
            let part = part.map_err(|_| malformed())?;
            let name = part.name().filter(|name| is_name(name)).ok_or_else(malformed)?;
            let name = name.to_owned();
            parts += 1;
            if parts > MAX_PARTS {
                return Err(Problem::too_large());
            }
            match files.iter().find(|file| file.name == name) {
                Some(_) if seen.contains(&name) => {
                    return Err(FieldError::new(name, "repeated", "must be given once").into());
                }
                Some(file) => {
                    seen.push(name);
                    read_file(part, *file, self.read_timeout, &mut take).await?;
                }
                None => {
                    let text = in_time(self.read_timeout, read_text(part, &name)).await??;
                    add_text(&mut fields, name, text);
                }
            }
        }
        read_fields(fields)
    }
}

/// Excludes unusual names, some of which are made to confuse parsers of headers.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

async fn read_file(
    mut part: Field,
    file: FileField,
    read_timeout: Duration,
    take: &mut impl AsyncFnMut(&'static str, Bytes) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut length = 0;
    while let Some(bytes) = in_time(read_timeout, part.next()).await? {
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
    let bytes = part
        .bytes(MAX_TEXT_BYTES)
        .await
        .map_err(|_| Problem::too_large())?;
    let bytes = bytes.map_err(|_| malformed())?;
    String::from_utf8(bytes.into())
        .map_err(|_| FieldError::new(name.to_owned(), "not_utf8", "must be UTF-8").into())
}

async fn in_time<T>(timeout: Duration, work: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(timeout, work)
        .await
        .map_err(|_| Problem::body_too_slow())
}

fn malformed() -> Problem {
    Problem::malformed("The form is malformed.")
}
