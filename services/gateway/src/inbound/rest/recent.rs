//! Cached answers for guests, up to a second old. All guests see the same lists, so one call to a service
//! serves everyone who asks within that time. Users get fresh answers, and therefore see their own changes at
//! once.

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::Bytes;
use moka::future::Cache;
use primitives::Error;
use prost::Message;
use serde::Serialize;

use crate::inbound::rest::problem::Problem;

/// Bytes of all cached answers and their requests.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Approximate overhead of an entry.
const ENTRY_BYTES: usize = 200;

/// The cache. Clones share it.
#[derive(Clone)]
pub(crate) struct Recent(Option<Cache<RequestKey, Bytes>>);

/// The type and the encoding of a request to a service.
type RequestKey = (TypeId, Vec<u8>);

impl Recent {
    /// Caches answers for `age`; zero disables the cache.
    pub(crate) fn new(age: Duration) -> Self {
        let size = |(_, request): &RequestKey, answer: &Bytes| {
            u32::try_from(ENTRY_BYTES + request.len() + answer.len()).unwrap_or(u32::MAX)
        };
        let cache = || {
            Cache::builder()
                .time_to_live(age)
                .weigher(size)
                .max_capacity(MAX_BYTES)
                .build()
        };
        Self((!age.is_zero()).then(cache))
    }

    /// Returns the answer that `fetch` gives, or a cached one. Guests who ask concurrently wait for one
    /// fetch. Errors are not cached.
    pub(super) async fn answer<Q: Message + 'static, T: Serialize>(
        &self,
        is_guest: bool,
        request: &Q,
        fetch: impl Future<Output = Result<T, Problem>>,
    ) -> Result<HttpResponse, Problem> {
        let fetched = async { Ok(json(&fetch.await?)?) };
        let body = match &self.0 {
            Some(cache) if is_guest => {
                let key = (TypeId::of::<Q>(), request.encode_to_vec());
                let body = cache.try_get_with(key, fetched).await;
                body.map_err(|problem: Arc<Problem>| Problem::clone(&problem))?
            }
            _ => fetched.await?,
        };
        Ok(HttpResponse::Ok().content_type(ContentType::json()).body(body))
    }

    /// Drops every answer, because an event may have changed any of them.
    pub(crate) fn forget(&self) {
        if let Some(cache) = &self.0 {
            cache.invalidate_all();
        }
    }
}

fn json(answer: &impl Serialize) -> Result<Bytes, Error> {
    let body = serde_json::to_vec(answer).map_err(|error| {
        tracing::error!(%error, "cannot serialise an answer");
        Error::internal()
    })?;
    Ok(body.into())
}
