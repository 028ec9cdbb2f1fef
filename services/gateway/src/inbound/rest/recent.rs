//! Answers to guests that may be a second old. Everybody without an account sees the same lists, so the
//! services are asked once for all who look within that time; whoever is signed in gets fresh answers, and so
//! sees their own changes at once.

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

use crate::inbound::rest::caller::Caller;
use crate::inbound::rest::problem::Problem;

/// Bytes of all answers that are kept, with what they were asked by.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// What an entry takes besides its bytes, about.
const ENTRY: usize = 200;

/// The answers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Recent(Option<Cache<Asked, Bytes>>);

/// A question to a service.
type Asked = (TypeId, Vec<u8>);

impl Recent {
    /// Keeps answers for this long; zero keeps none.
    pub(crate) fn new(age: Duration) -> Self {
        let size = |(_, asked): &Asked, answer: &Bytes| {
            u32::try_from(ENTRY + asked.len() + answer.len()).unwrap_or(u32::MAX)
        };
        let cache = || {
            Cache::builder()
                .time_to_live(age)
                .weigher(size)
                .max_capacity(MOST_BYTES)
                .build()
        };
        Self((!age.is_zero()).then(cache))
    }

    /// The answer that `make` makes of the question, or the one that it made for another guest. Guests who
    /// ask at once wait for one answer. Errors are not kept.
    pub(super) async fn answer<Q: Message + 'static, T: Serialize>(
        &self,
        caller: &Caller,
        question: &Q,
        make: impl Future<Output = Result<T, Problem>>,
    ) -> Result<HttpResponse, Problem> {
        let made = async { Ok(json(&make.await?)?) };
        let body = match &self.0 {
            Some(kept) if !caller.is_signed_in() => {
                let asked = (TypeId::of::<Q>(), question.encode_to_vec());
                let kept = kept.try_get_with(asked, made).await;
                kept.map_err(|problem: Arc<Problem>| Problem::clone(&problem))?
            }
            _ => made.await?,
        };
        Ok(HttpResponse::Ok().content_type(ContentType::json()).body(body))
    }

    /// Forgets every answer: something happened that some of them may tell.
    pub(crate) fn forget(&self) {
        if let Some(kept) = &self.0 {
            kept.invalidate_all();
        }
    }
}

fn json(answer: &impl Serialize) -> Result<Bytes, Error> {
    let body = serde_json::to_vec(answer).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written");
        Error::internal()
    })?;
    Ok(body.into())
}
