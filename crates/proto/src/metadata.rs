//! The names of the metadata that calls carry.

/// The service token of the calling process.
pub(crate) const SERVICE: &str = "x-airwave-service";
/// `Bearer <access token>` of the user who caused the call.
pub(crate) const AUTHORIZATION: &str = "authorization";
/// The client's address, as seen by the gateway.
pub(crate) const CLIENT_ADDRESS: &str = "x-airwave-client-address";
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Correlates the log lines of one request across services.
pub(crate) const REQUEST_ID: &str = "x-request-id";
/// How long the caller waits, in gRPC's format.
pub(crate) const TIMEOUT: &str = "grpc-timeout";
