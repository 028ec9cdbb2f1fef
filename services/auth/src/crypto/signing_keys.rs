//! The Ed25519 keys that sign access tokens. No other service has the private keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::spki::DecodePublicKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use ed25519_dalek::{SigningKey, VerifyingKey};
use identity::{Claims, KeySet, PublicKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use runtime::ConfigError;
use secrecy::ExposeSecret;

use crate::config::TokenConfig;
use crate::error::Error;

/// The thumbprint of the private key printed in RFC 8037, which examples use.
const EXAMPLE_KEY_ID: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

/// The current signing key and all public keys that verify tokens.
pub struct SigningKeys {
    header: Header,
    key: EncodingKey,
    key_set: KeySet,
}

impl SigningKeys {
    /// # Errors
    /// If a variable does not contain Ed25519 keys. The error names the variable but not its value.
    pub fn from_config(config: &TokenConfig) -> Result<Self, ConfigError> {
        let invalid = || {
            ConfigError::new(
                "AIRWAVE_AUTH_SIGNING_KEY",
                "must be an Ed25519 key as PKCS#8 PEM, or that PEM in base64",
            )
        };
        let pem = unwrap_base64(config.signing_key.expose_secret()).ok_or_else(invalid)?;
        let key = SigningKey::from_pkcs8_pem(pem.trim()).map_err(|_| invalid())?;
        let public = PublicKey::new(key.verifying_key().as_bytes()).map_err(|_| invalid())?;
        let der = key.to_pkcs8_der().map_err(|_| invalid())?;
        let mut keys = vec![public.clone()];
        for text in config
            .signing_keys_previous
            .iter()
            .flat_map(|list| list.expose_secret().split(','))
        {
            if text.trim().is_empty() {
                continue;
            }
            let previous = public_key(text).ok_or_else(|| {
                ConfigError::new(
                    "AIRWAVE_AUTH_SIGNING_KEYS_PREVIOUS",
                    "must be Ed25519 keys, separated by commas",
                )
            })?;
            keys.push(previous);
        }
        Ok(Self {
            header: Header {
                kid: Some(public.kid().to_owned()),
                ..Header::new(Algorithm::EdDSA)
            },
            key: EncodingKey::from_ed_der(der.as_bytes()),
            key_set: KeySet::new(keys),
        })
    }

    /// Signs the claims and returns the access token.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, Error> {
        jsonwebtoken::encode(&self.header, claims, &self.key).map_err(|error| {
            tracing::error!(%error, "cannot sign an access token");
            Error::Internal
        })
    }

    pub(crate) fn key_set(&self) -> &KeySet {
        &self.key_set
    }

    /// Returns whether the signing key is publicly known.
    pub(crate) fn is_example(&self) -> bool {
        self.header.kid.as_deref() == Some(EXAMPLE_KEY_ID)
    }
}

/// Returns a PEM unchanged and decodes a base64 one, which fits on one line of an environment file.
fn unwrap_base64(text: &str) -> Option<String> {
    let text = text.trim();
    if text.starts_with("-----BEGIN") {
        return Some(text.to_owned());
    }
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

fn public_key(text: &str) -> Option<PublicKey> {
    let pem = unwrap_base64(text)?;
    let pem = pem.trim();
    let key = SigningKey::from_pkcs8_pem(pem)
        .map(|key| key.verifying_key())
        .or_else(|_| VerifyingKey::from_public_key_pem(pem))
        .ok()?;
    PublicKey::new(key.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::pkcs8::spki::EncodePublicKey;
    use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
    use secrecy::SecretString;

    use super::*;

    fn config(signing_key: &str, previous: Option<&str>) -> TokenConfig {
        TokenConfig {
            signing_key: SecretString::from(signing_key),
            signing_keys_previous: previous.map(SecretString::from),
            access_token_seconds: 900,
            refresh_token_days: 30,
        }
    }

    fn pem(key: &SigningKey) -> String {
        key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
    }

    #[test]
    fn reads_pem_and_base64_and_derives_key_ids() {
        let (new, old) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let public = old.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
        let previous = format!("{},{}", STANDARD.encode(pem(&old)), public);
        for key in [pem(&new), STANDARD.encode(pem(&new))] {
            let keys = SigningKeys::from_config(&config(&key, Some(&previous))).unwrap();
            let kids: Vec<_> = keys.key_set().keys().iter().map(PublicKey::kid).collect();
            assert_eq!(kids.len(), 3);
            assert_eq!(keys.header.kid.as_deref(), Some(kids[0]));
            assert_eq!(kids[1], kids[2]);
            assert_ne!(kids[0], kids[1]);
        }
    }

    #[test]
    fn errors_do_not_contain_the_key() {
        for bad in [
            "",
            "hunter2hunter2",
            "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
        ] {
            let Err(error) = SigningKeys::from_config(&config(bad, None)) else {
                panic!("accepted {bad:?}")
            };
            let line = error.to_string();
            assert!(
                line.starts_with("AIRWAVE_AUTH_SIGNING_KEY must be") && !line.contains("hunter2"),
                "{line}"
            );
        }
        let good = pem(&SigningKey::from_bytes(&[1; 32]));
        let Err(error) = SigningKeys::from_config(&config(&good, Some("x"))) else {
            panic!("accepted")
        };
        assert!(
            error
                .to_string()
                .starts_with("AIRWAVE_AUTH_SIGNING_KEYS_PREVIOUS")
        );
    }

    #[test]
    fn recognises_the_example_key() {
        let d = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        let key = SigningKey::from_bytes(&d.unwrap().try_into().unwrap());
        assert!(
            SigningKeys::from_config(&config(&pem(&key), None))
                .unwrap()
                .is_example()
        );
        let other = SigningKey::from_bytes(&[1; 32]);
        assert!(
            !SigningKeys::from_config(&config(&pem(&other), None))
                .unwrap()
                .is_example()
        );
    }
}
