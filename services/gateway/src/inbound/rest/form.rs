//! Bodies that come as JSON or, where a browser has files to send, as a multipart form (RFC 7578). The fields of a form may come
//! in any order; text is gathered, and the bytes of files are handed on as they arrive.

use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use domain::{CategoryId, FieldError};
use futures::future::LocalBoxFuture;
use futures::{FutureExt, StreamExt};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::{Map, Number, Value};
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
    /// Reads to the end within `patience`. `take` gets the bytes of the named files piece by piece, with the file's name; a
    /// file that was left empty, as browsers send a field without a choice, has none.
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
                    return Err(FieldError::new(name, "is given twice").into());
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
    String::from_utf8(bytes.into()).map_err(|_| FieldError::new(name.to_owned(), "must be UTF-8").into())
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(limit, work)
        .await
        .map_err(|_| Problem::body_too_slow())
}

fn malformed() -> Problem {
    Problem::malformed("The form is malformed.")
}

/// A category as a form names it: an id as a number or as digits; null or an empty text takes it away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum CategoryChoice {
    /// Nothing is said of it.
    #[default]
    Absent,
    /// None.
    None,
    /// This one.
    One(CategoryId),
}

impl CategoryChoice {
    /// For something new, which has a category or none.
    pub(super) fn for_new(self) -> Option<i64> {
        match self {
            Self::Absent | Self::None => None,
            Self::One(category) => Some(category.0),
        }
    }

    /// For a change: absent stays, 0 takes it away.
    pub(super) fn for_change(self) -> Option<i64> {
        match self {
            Self::Absent => None,
            Self::None => Some(0),
            Self::One(category) => Some(category.0),
        }
    }
}

impl<'de> Deserialize<'de> for CategoryChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = match Value::deserialize(deserializer)? {
            Value::Null => return Ok(Self::None),
            // The second is what a browser's form makes of null.
            Value::String(text) if text.is_empty() || text == "null" => return Ok(Self::None),
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => integer(&number).and_then(|id| CategoryId::try_from(id).ok()),
            _ => None,
        };
        id.map(Self::One)
            .ok_or_else(|| D::Error::custom("is not a valid id"))
    }
}

/// Up to here every integer is a floating point number too.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A number without a fraction, also when it is written with one: to JSON `7.0` is 7.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
fn integer(number: &Number) -> Option<i64> {
    let float = || {
        number
            .as_f64()
            .filter(|float| float.fract() == 0.0 && float.abs() <= EXACT)
    };
    number.as_i64().or_else(|| float().map(|float| float as i64))
}

/// A whole number in a body; null is none.
pub(super) fn whole<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: MaybeWhole,
{
    let number = Option::<Number>::deserialize(deserializer)?;
    let whole = number.map(|number| integer(&number).ok_or(number)).transpose();
    let whole = whole.map_err(|number| D::Error::custom(format!("{number} is no whole number")))?;
    T::of(whole).ok_or_else(|| D::Error::custom("the number is out of range"))
}

/// A type that [`whole`] reads: a number that must be there, or one that need not.
pub(super) trait MaybeWhole: Sized {
    fn of(number: Option<i64>) -> Option<Self>;
}

impl MaybeWhole for i64 {
    fn of(number: Option<i64>) -> Option<Self> {
        number
    }
}

impl<T: TryFrom<i64>> MaybeWhole for Option<T> {
    fn of(number: Option<i64>) -> Option<Self> {
        number.map(T::try_from).transpose().ok()
    }
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

/// Tags as an array or, as forms have them, separated by commas; nothing between two commas is no tag.
pub(super) fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Tags {
        List(Vec<String>),
        Line(String),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => None,
        Some(Tags::List(tags)) => Some(tags),
        Some(Tags::Line(line)) => {
            let tags = line.split(',').map(str::trim).filter(|tag| !tag.is_empty());
            Some(tags.map(str::to_owned).collect())
        }
    })
}

/// A truth value, also in the words of a form.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(flag) => Ok(flag),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        _ => Err(D::Error::custom("must be true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Fields {
        #[serde(default)]
        category: CategoryChoice,
    }

    #[test]
    fn a_category_is_absent_none_or_one() {
        let of = |json: &str| serde_json::from_str::<Fields>(json).map(|fields| fields.category);
        assert_eq!(of("{}").unwrap(), CategoryChoice::Absent);
        assert_eq!(of(r#"{"category": null}"#).unwrap(), CategoryChoice::None);
        assert_eq!(of(r#"{"category": ""}"#).unwrap(), CategoryChoice::None);
        let third = CategoryChoice::One(CategoryId(3));
        assert_eq!(of(r#"{"category": 3}"#).unwrap(), third);
        assert_eq!(of(r#"{"category": "3"}"#).unwrap(), third);
        assert_eq!(of(r#"{"category": 3.0}"#).unwrap(), third);
        assert_eq!(of(r#"{"category": "null"}"#).unwrap(), CategoryChoice::None);
        for bad in ["0", "-3", "1.5", "\"x\"", "true", "[]"] {
            assert!(of(&format!(r#"{{"category": {bad}}}"#)).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_said_of_a_category_is_told_to_the_services() {
        let third = CategoryChoice::One(CategoryId(3));
        assert_eq!((third.for_new(), third.for_change()), (Some(3), Some(3)));
        let none = CategoryChoice::None;
        assert_eq!((none.for_new(), none.for_change()), (None, Some(0)));
        let absent = CategoryChoice::Absent;
        assert_eq!((absent.for_new(), absent.for_change()), (None, None));
    }
}
