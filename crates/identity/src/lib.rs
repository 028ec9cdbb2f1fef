//! Authenticates users by access tokens and services by service tokens.
//!
//! Access tokens are JWTs that auth signs with Ed25519 and the other services verify. A [`Verifier`] keeps
//! auth's public keys and all current revocations in memory and does no I/O; crate `runtime` updates it.
//! Verifying a token takes a signature check and three map lookups, and works while auth is unavailable.
//! Valid signatures are cached, but expiry and revocation are checked every time.
//!
//! Service tokens are JWTs under the deployment's shared secret, issued by [`ServiceTokens`]. Their audience
//! and algorithm differ from those of access tokens, so one kind is never accepted as the other.
//!
//! A token chooses neither algorithm nor key: the algorithm is fixed, and `kid` only selects a known key.

mod claims;
mod keys;
mod revocation;
mod secret;
mod self_test;
mod service;
mod signature_cache;
#[cfg(feature = "testing")]
mod testing;
mod verifier;

pub use claims::{AUDIENCE, Claims, ISSUER, LEEWAY_SECONDS, MAX_TOKEN_BYTES, User};
pub use keys::{InvalidKey, KeySet, PublicKey, key_id};
pub use revocation::{REVOCATIONS_PAGE, Revocation};
pub use secret::{MIN_SECRET_BYTES, SecretProblem, check_secret, is_example_secret};
pub use self_test::{SelfTestFailed, self_test};
pub use service::{InvalidServiceToken, SERVICE_AUDIENCE, ServiceName, ServiceSecretConfig, ServiceTokens};
#[cfg(feature = "testing")]
pub use testing::TestIssuer;
pub use verifier::{TokenError, Verifier};
