//! The names under which calls carry what is not in their messages.

/// The service token of the calling process.
pub(crate) const SERVICE: &str = "x-airwave-service";
/// `Bearer <access token>` of the user for whom the call is made.
pub(crate) const AUTHORIZATION: &str = "authorization";
/// The client's address, as the gateway saw it.
pub(crate) const CLIENT_ADDRESS: &str = "x-airwave-client-address";
/// The client's name for a request that it may send again.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The id that joins one request's log lines over all services.
pub(crate) const REQUEST_ID: &str = "x-request-id";
/// How long the caller waits, as gRPC writes it.
pub(crate) const TIMEOUT: &str = "grpc-timeout";
