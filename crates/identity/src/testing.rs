//! Keys and user tokens for tests; the real ones are made by the auth service alone.

use chrono::{Duration, Utc};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use primitives::{Role, UserId};
use uuid::Uuid;

use crate::claims::{AUDIENCE, Claims, ISSUER};
use crate::keys::{KeySet, PublicKey};
use crate::verifier::Verifier;

/// Plays the auth service: a key of its own, tokens for whoever a test needs.
pub struct TestIssuer {
    key: SigningKey,
    public: PublicKey,
}

impl Default for TestIssuer {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::expect_used, reason = "a test fails by panicking")]
impl TestIssuer {
    /// An issuer with a fresh key.
    #[must_use]
    pub fn new() -> Self {
        let key = SigningKey::from_bytes(&rand::random());
        let public = PublicKey::new(key.verifying_key().as_bytes()).expect("a fresh key is a key");
        Self { key, public }
    }

    /// What the auth service would answer to `KeySet`.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        KeySet::new(vec![self.public.clone()])
    }

    /// A verifier that knows this issuer's key.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        let verifier = Verifier::default();
        let fetch = verifier.begin_fetch();
        verifier.set_keys(&self.key_set(), fetch);
        verifier.set_revocations_known();
        verifier
    }

    /// The claims of a good token, for a test to spoil.
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

    /// A good token for a user.
    #[must_use]
    pub fn token(&self, id: UserId, username: &str, role: Role) -> String {
        self.sign(&Self::claims(id, username, role))
    }

    /// Signs any claims under this issuer's key.
    #[must_use]
    pub fn sign(&self, claims: &impl serde::Serialize) -> String {
        let header = Header {
            kid: Some(self.public.kid().to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        self.sign_with(&header, claims)
    }

    /// Signs any claims under any header that names EdDSA.
    #[must_use]
    pub fn sign_with(&self, header: &Header, claims: &impl serde::Serialize) -> String {
        let der = self.key.to_pkcs8_der().expect("an Ed25519 key has a PKCS#8 form");
        jsonwebtoken::encode(header, claims, &EncodingKey::from_ed_der(der.as_bytes()))
            .expect("claims are JSON")
    }
}
