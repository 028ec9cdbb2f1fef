//! The keys that sign access tokens. Nobody else has their private halves.

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

/// The thumbprint of the key that RFC 8037 prints in full, which examples use.
const EXAMPLE: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

/// The key that signs, and all that verify.
pub struct SigningKeys {
    header: Header,
    key: EncodingKey,
    key_set: KeySet,
}

impl SigningKeys {
    /// Reads the keys of a configuration.
    ///
    /// # Errors
    /// The variable that holds no Ed25519 key, without its value.
    pub fn from_config(config: &TokenConfig) -> Result<Self, ConfigError> {
        let wrong = || {
            ConfigError::new(
                "AIRWAVE_AUTH_SIGNING_KEY",
                "must be an Ed25519 key, PKCS#8 PEM or base64 of it",
            )
        };
        let pem = unwrap_base64(config.signing_key.expose_secret()).ok_or_else(wrong)?;
        let key = SigningKey::from_pkcs8_pem(pem.trim()).map_err(|_| wrong())?;
        let public = PublicKey::new(key.verifying_key().as_bytes()).map_err(|_| wrong())?;
        let der = key.to_pkcs8_der().map_err(|_| wrong())?;
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
                    "must be Ed25519 keys separated by commas",
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

    /// The access token that says these claims.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, Error> {
        jsonwebtoken::encode(&self.header, claims, &self.key).map_err(|error| {
            tracing::error!(%error, "could not sign an access token");
            Error::Internal
        })
    }

    /// The public halves.
    pub(crate) fn key_set(&self) -> &KeySet {
        &self.key_set
    }

    /// Whether the signing key is one that everybody knows.
    pub(crate) fn is_example(&self) -> bool {
        self.header.kid.as_deref() == Some(EXAMPLE)
    }
}

/// PEM as it is, or out of base64, which fits into one line of an environment file.
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
    fn a_key_is_pem_or_base64_of_it_and_the_kid_follows_from_it() {
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
    fn what_is_no_key_is_refused_without_being_repeated() {
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
    fn the_key_of_the_rfc_is_known() {
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
