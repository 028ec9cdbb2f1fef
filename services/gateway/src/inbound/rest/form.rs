//! The fields of a stream, sent as JSON or as a multipart form, as browsers with a file field do.

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use domain::{CategoryId, FieldError};
use futures::future::LocalBoxFuture;
use futures::{FutureExt, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::inbound::rest::extract::{body_timeout, json};
use crate::inbound::rest::problem::Problem;

/// Parts of one form.
const MAX_PARTS: usize = 16;
/// Bytes of one text field.
const MAX_TEXT: usize = 64 * 1024;
/// A boundary has at most 70 characters (RFC 2046).
const MAX_CONTENT_TYPE: usize = 256;

/// What may be said of a stream. Pictures are not taken yet: a `thumbnailFile` that is not empty is refused with 415.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamForm {
    /// 3 to 255 characters.
    pub(super) title: Option<String>,
    /// Up to 5,000 characters.
    pub(super) description: Option<String>,
    /// An id, as a number or as digits; null or an empty text for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>)]
    pub(super) category_id: Option<Value>,
}

/// Tells a field that is null from one that is absent.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl StreamForm {
    /// The category: absent, none, or one.
    pub(super) fn category(&self) -> Result<Option<Option<CategoryId>>, FieldError> {
        let invalid = || FieldError::new("categoryId", "is not a valid id");
        Ok(match &self.category_id {
            None => None,
            Some(Value::Null) => Some(None),
            Some(Value::String(text)) if text.is_empty() => Some(None),
            Some(Value::String(text)) => Some(Some(text.parse().map_err(|_| invalid())?)),
            Some(Value::Number(number)) => {
                let id = number.as_i64().and_then(|id| CategoryId::try_from(id).ok());
                Some(Some(id.ok_or_else(invalid)?))
            }
            Some(_) => return Err(invalid()),
        })
    }
}

impl FromRequest for StreamForm {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move {
            if !request.content_type().eq_ignore_ascii_case("multipart/form-data") {
                return json(&request, payload).await;
            }
            let too_long = |value: &header::HeaderValue| value.len() > MAX_CONTENT_TYPE;
            if request.headers().get(header::CONTENT_TYPE).is_some_and(too_long) {
                return Err(Problem::malformed("The form's boundary is too long."));
            }
            let form = Multipart::new(request.headers(), payload);
            let timeout = body_timeout(&request)?;
            tokio::time::timeout(timeout, read(form))
                .await
                .map_err(|_| Problem::body_too_slow())?
        }
        .boxed_local()
    }
}

async fn read(mut parts: Multipart) -> Result<StreamForm, Problem> {
    let mut form = StreamForm::default();
    let mut count = 0;
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Problem::malformed("The form is malformed."))?;
        count += 1;
        if count > MAX_PARTS {
            return Err(Problem::too_large());
        }
        let name = part.name().unwrap_or_default().to_owned();
        if name == "thumbnailFile" {
            refuse_picture(part).await?;
            continue;
        }
        let text = text(part, &name).await?;
        let twice = match name.as_str() {
            "title" => form.title.replace(text).is_some(),
            "description" => form.description.replace(text).is_some(),
            "categoryId" => form.category_id.replace(Value::String(text)).is_some(),
            _ => false,
        };
        if twice {
            return Err(FieldError::new(name, "is given twice").into());
        }
    }
    Ok(form)
}

async fn text(mut part: Field, name: &str) -> Result<String, Problem> {
    let bytes = part.bytes(MAX_TEXT).await.map_err(|_| Problem::too_large())?;
    let bytes = bytes.map_err(|_| Problem::malformed("The form is malformed."))?;
    let text = String::from_utf8(bytes.into());
    text.map_err(|_| FieldError::new(name.to_owned(), "must be UTF-8").into())
}

/// A browser sends the file field of a form even when no file was chosen, with nothing in it.
async fn refuse_picture(mut part: Field) -> Result<(), Problem> {
    match part.next().await {
        None => Ok(()),
        Some(Ok(bytes)) if bytes.is_empty() => Ok(()),
        Some(Ok(_)) => Err(Problem::unsupported_media_type(
            "Pictures of streams are not taken yet; leave thumbnailFile out.",
        )),
        Some(Err(_)) => Err(Problem::malformed("The form is malformed.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_absent_none_or_one() {
        let of = |json: &str| serde_json::from_str::<StreamForm>(json).unwrap().category();
        assert_eq!(of("{}"), Ok(None));
        assert_eq!(of(r#"{"categoryId": null}"#), Ok(Some(None)));
        assert_eq!(of(r#"{"categoryId": ""}"#), Ok(Some(None)));
        assert_eq!(of(r#"{"categoryId": 3}"#), Ok(Some(Some(CategoryId(3)))));
        assert_eq!(of(r#"{"categoryId": "3"}"#), Ok(Some(Some(CategoryId(3)))));
        for bad in ["0", "-3", "1.5", "\"x\"", "true", "[]"] {
            assert!(of(&format!(r#"{{"categoryId": {bad}}}"#)).is_err(), "{bad}");
        }
    }
}
