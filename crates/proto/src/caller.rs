//! The caller of a gRPC method, as [`Access`](crate::Access) authenticated it.

use std::net::IpAddr;

use identity::{ServiceName, User};
use primitives::{Error, IdempotencyKey, IdempotentRequest};
use prost::Message;
use tokio::time::Instant;
use tonic::{Request, Status};

use crate::client::CallContext;
use crate::status::IntoStatus;

/// The authenticated origin of a call.
#[derive(Debug, Clone)]
pub struct Caller {
    pub service: ServiceName,
    /// The user who caused the call, if any.
    pub user: Option<User>,
    /// The client's address, as seen by the gateway.
    pub client_address: Option<IpAddr>,
    /// Correlates the log lines of one request across services.
    pub request_id: String,
    /// When the caller stops waiting.
    pub deadline: Instant,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    pub(crate) user_token: Option<String>,
}

impl Caller {
    /// Returns the caller of a request.
    ///
    /// # Errors
    /// `service.internal` if the server lacks the [`Access`](crate::Access) layer.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Error::internal().into_status())
    }

    /// Returns the user who caused the call.
    ///
    /// # Errors
    /// `auth.token_missing` if there is no user.
    pub fn user(&self) -> Result<&User, Error> {
        self.user.as_ref().ok_or_else(Error::unauthenticated)
    }

    /// Returns the context for a nested call: the same user, request id and deadline, without the idempotency
    /// key.
    #[must_use]
    pub fn context(&self) -> CallContext {
        CallContext {
            user_token: self.user_token.clone(),
            client_address: self.client_address,
            request_id: self.request_id.clone(),
            deadline: self.deadline,
            idempotency_key: None,
        }
    }

    /// Returns the identity of a creating request, if the client sent an idempotency key. `files` are the
    /// uploaded files or their hashes; they count as content of the request.
    ///
    /// # Errors
    /// `auth.token_missing` if there is no user.
    pub fn idempotent_request(
        &self,
        operation: &'static str,
        request: &impl Message,
        files: &[&[u8]],
    ) -> Result<Option<IdempotentRequest>, Error> {
        let user = self.user()?.id;
        let Some(key) = self.idempotency_key.clone() else {
            return Ok(None);
        };
        let request = request.encode_to_vec();
        let parts: Vec<&[u8]> = [request.as_slice()]
            .into_iter()
            .chain(files.iter().copied())
            .collect();
        Ok(Some(IdempotentRequest::new(user, operation, key, &parts)))
    }
}
