//! The header `Idempotency-Key`.

use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest};
use futures::future::{Ready, ready};
use primitives::{FieldError, IdempotencyKey};
use proto::CallContext;
use utoipa::IntoParams;
use utoipa::openapi::path::Operation;

use crate::inbound::field::IdempotencyName;
use crate::inbound::rest::endpoints::{Describe, Schemas, add_parameters};
use crate::inbound::rest::problem::Problem;

const NAME: &str = "Idempotency-Key";

/// The idempotency key of a request, if it has one.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct Idempotent {
    /// Makes a retry safe: repeating a request with the same key returns the first result
    #[param(rename = "Idempotency-Key", inline, required = false, value_type = IdempotencyName)]
    key: Option<IdempotencyKey>,
}

impl Idempotent {
    /// Adds the key to a call.
    pub(super) fn with_key(self, context: CallContext) -> CallContext {
        CallContext {
            idempotency_key: self.key,
            ..context
        }
    }
}

impl Describe for Idempotent {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        add_parameters(operation, Self::into_params(|| None));
    }
}

impl FromRequest for Idempotent {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match idempotency_key(request.headers()) {
            Ok(key) => Ok(Self { key }),
            Err(error) => Err(error.into()),
        })
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, FieldError> {
    let mut values = headers.get_all(NAME);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(FieldError::new(NAME, "repeated", "must be given once"));
    }
    let key = value.to_str().ok().and_then(IdempotencyKey::parse);
    let invalid = || {
        FieldError::new(
            NAME,
            "invalid_idempotency_key",
            "must be 1 to 255 visible ASCII characters",
        )
    };
    key.map(Some).ok_or_else(invalid)
}
