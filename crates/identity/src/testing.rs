//! Issues keys and access tokens for tests.

#![expect(clippy::disallowed_methods, reason = "tests run in real time")]

use chrono::{Duration, Utc};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use primitives::{Clock, Role, UserId};
use uuid::Uuid;

use crate::claims::{AUDIENCE, Claims, ISSUER};
use crate::keys::{KeySet, PublicKey};
use crate::verifier::Verifier;

/// Stands in for the auth service: it has its own key and issues tokens for any user.
pub struct TestIssuer {
    key: SigningKey,
    public: PublicKey,
}

/// A verifier on the system clock that knows no keys.
impl Default for Verifier {
    fn default() -> Self {
        Self::new(Clock::system())
    }
}

impl Default for TestIssuer {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::expect_used, reason = "a test fails by panicking")]
impl TestIssuer {
    /// Creates an issuer with a random key.
    #[must_use]
    pub fn new() -> Self {
        let key = SigningKey::from_bytes(&rand::random());
        let public = PublicKey::new(key.verifying_key().as_bytes()).expect("a generated key is valid");
        Self { key, public }
    }

    /// Returns auth's response to `KeySet`.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        KeySet::new(vec![self.public.clone()])
    }

    /// Returns a ready verifier with this issuer's key.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        let verifier = Verifier::default();
        let fetch = verifier.begin_fetch();
        verifier.set_keys(&self.key_set(), fetch);
        verifier.set_revocations_known();
        verifier
    }

    /// Returns the claims of a valid token.
    #[must_use]
    pub fn claims(id: UserId, username: &str, role: Role) -> Claims {
        let now = Utc::now();
        Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: id.to_string(),
            jti: Uuid::new_v4().to_string(),
            sid: Uuid::new_v4().to_string(),
            iat: now.timestamp(),
            exp: (now + Duration::minutes(15)).timestamp(),
            nbf: None,
            username: username.to_owned(),
            role,
        }
    }

    /// Issues a valid token.
    #[must_use]
    pub fn token(&self, id: UserId, username: &str, role: Role) -> String {
        self.sign(&Self::claims(id, username, role))
    }

    /// Signs arbitrary claims with this issuer's key.
    #[must_use]
    pub fn sign(&self, claims: &impl serde::Serialize) -> String {
        let header = Header {
            kid: Some(self.public.kid().to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        self.sign_with(&header, claims)
    }

    /// Signs arbitrary claims under any EdDSA header.
    #[must_use]
    pub fn sign_with(&self, header: &Header, claims: &impl serde::Serialize) -> String {
        let der = self
            .key
            .to_pkcs8_der()
            .expect("Ed25519 keys have a PKCS#8 encoding");
        jsonwebtoken::encode(header, claims, &EncodingKey::from_ed_der(der.as_bytes()))
            .expect("claims serialise to JSON")
    }
}
