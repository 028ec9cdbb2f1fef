//! The shared secret of hooks.

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Verifies the secret in constant time. It compares digests, so timing reveals neither length nor content.
#[derive(Clone)]
pub struct HookSecret {
    digest: [u8; 32],
}

impl HookSecret {
    #[must_use]
    pub fn new(secret: &SecretString) -> Self {
        let expected = format!("Bearer {}", secret.expose_secret());
        Self {
            digest: mac(expected.as_bytes()).finalize().into_bytes().into(),
        }
    }

    /// Returns whether an `Authorization` header contains the secret.
    #[must_use]
    pub fn is_in(&self, authorization: &[u8]) -> bool {
        mac(authorization).verify_slice(&self.digest).is_ok()
    }
}

impl std::fmt::Debug for HookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookSecret").finish_non_exhaustive()
    }
}

fn mac(text: &[u8]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as Mac>::new(&[0x61; 64].into());
    mac.update(text);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_secret_is_accepted() {
        let secret = HookSecret::new(&SecretString::from("right"));
        assert!(secret.is_in(b"Bearer right"));
        for wrong in [
            &b""[..],
            b"right",
            b"bearer right",
            b"Bearer righ",
            b"Bearer right ",
            b"Basic right",
        ] {
            assert!(!secret.is_in(wrong));
        }
    }
}
