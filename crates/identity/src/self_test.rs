//! Checks once, before the process is ready, that this build can sign and verify tokens.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use primitives::Clock;
use secrecy::SecretString;
use serde_json::json;

use crate::service::{ServiceName, ServiceTokens};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic self-test failed: this build cannot sign and verify tokens")]
pub struct SelfTestFailed;

/// Signs and verifies a token of each kind. If cargo's feature unification selects no crypto provider of
/// jsonwebtoken, or two, the build compiles but panics on first use: fail here rather than in a request.
pub fn self_test() -> Result<(), SelfTestFailed> {
    std::panic::catch_unwind(|| ed25519_works() && hmac_works())
        .unwrap_or(false)
        .then_some(())
        .ok_or(SelfTestFailed)
}

fn ed25519_works() -> bool {
    let key = SigningKey::from_bytes(&rand::random());
    let other = SigningKey::from_bytes(&rand::random());
    let Ok(der) = key.to_pkcs8_der() else { return false };
    let claims = json!({ "sub": "self-test", "exp": i64::MAX });
    let Ok(token) = jsonwebtoken::encode(
        &Header::new(Algorithm::EdDSA),
        &claims,
        &EncodingKey::from_ed_der(der.as_bytes()),
    ) else {
        return false;
    };
    let verifies = |key: &SigningKey| {
        let key = DecodingKey::from_ed_der(key.verifying_key().as_bytes());
        jsonwebtoken::decode::<serde_json::Value>(&token, &key, &Validation::new(Algorithm::EdDSA)).is_ok()
    };
    verifies(&key) && !verifies(&other)
}

fn hmac_works() -> bool {
    let tokens = || {
        let secret = SecretString::from(STANDARD.encode(rand::random::<[u8; 32]>()));
        ServiceTokens::new(
            &secret,
            None,
            ServiceName::Auth,
            Clock::manual(chrono::DateTime::UNIX_EPOCH),
        )
    };
    let (issuer, stranger) = (tokens(), tokens());
    let token = issuer.issue();
    issuer.verify(&token).is_ok() && stranger.verify(&token).is_err()
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_build_signs_and_verifies() {
        assert_eq!(super::self_test(), Ok(()));
    }
}
