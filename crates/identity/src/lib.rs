//! Who is asking: the user behind an access token, and the service behind a service token.
//!
//! Access tokens are JWTs that the auth service signs with Ed25519 and everybody else only verifies: a
//! [`Verifier`] holds auth's public keys and all revocations that still matter, in memory, and does no IO.
//! What fills it is wired by crate `runtime`, so that a verification costs a signature check and three map
//! look-ups, and goes on while auth is away. A token that was verified a moment ago costs the look-ups alone:
//! its signature is remembered, never the verdict. Service tokens are JWTs under the deployment's shared
//! secret, made by [`ServiceTokens`]; their audience and algorithm differ from those of access tokens, so
//! neither is ever taken for the other.
//!
//! Neither the algorithm nor the key is chosen by the token: the algorithm is fixed, and `kid` only looks up
//! a key that was handed over before.

mod claims;
mod keys;
mod remembered;
mod revocation;
mod secret;
mod self_test;
mod service;
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
