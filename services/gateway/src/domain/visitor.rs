//! Visitor ids, which recognise a guest's browser by a cookie. They are signed, so that a client can neither
//! forge ids to count as many viewers nor take over the id of another.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// Derives a key for this purpose only. Service tokens are signed with the same secret; their signed text is
/// base64 with dots, which never equals this label.
const LABEL: &[u8] = b"airwave gateway: the visitor's cookie, version 1";
/// Characters of an id: a random UUID in hexadecimal.
const ID_LENGTH: usize = 32;
/// Characters of a signature: 32 bytes in base64 without padding.
const SIGNATURE_LENGTH: usize = 43;

type Key = Hmac<Sha256>;

/// Signs and verifies visitor ids.
pub(crate) struct Visitors {
    current: Key,
    /// The key of the previous secret, while that one is accepted.
    previous: Option<Key>,
}

impl Visitors {
    /// Derives the keys from the deployment's secret and its predecessor.
    pub(crate) fn new(secret: &[u8], previous: Option<&[u8]>) -> Self {
        Self {
            current: derived(secret),
            previous: previous.map(derived),
        }
    }

    /// Creates an id, and its signed form for the cookie.
    pub(crate) fn invent(&self) -> (String, String) {
        let id = Uuid::new_v4().simple().to_string();
        let signature = self.current.clone().chain_update(&id).finalize().into_bytes();
        let signed = format!("{id}.{}", URL_SAFE_NO_PAD.encode(signature));
        (id, signed)
    }

    /// Returns the id in a cookie's value, if we signed it.
    pub(crate) fn recognise<'a>(&self, signed: &'a str) -> Option<&'a str> {
        if signed.len() != ID_LENGTH + 1 + SIGNATURE_LENGTH {
            return None;
        }
        let (id, signature) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let is_signed_by = |key: &Key| key.clone().chain_update(id).verify_slice(&signature).is_ok();
        let mut keys = std::iter::once(&self.current).chain(&self.previous);
        keys.any(is_signed_by).then_some(id)
    }
}

fn derived(secret: &[u8]) -> Key {
    keyed(&keyed(secret).chain_update(LABEL).finalize().into_bytes())
}

fn keyed(key: &[u8]) -> Key {
    // HMAC takes keys of any length, so this never fails.
    <Key as Mac>::new_from_slice(key).unwrap_or_else(|_| Mac::new(&[0; 64].into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OLD: &[u8] = b"one-secret-of-at-least-32-bytes--";
    const NEW: &[u8] = b"two-secret-of-at-least-32-bytes--";

    #[test]
    fn signed_id_is_recognised() {
        let visitors = Visitors::new(NEW, None);
        let (id, signed) = visitors.invent();
        assert_eq!(visitors.recognise(&signed), Some(id.as_str()));
        assert_eq!(id.len(), ID_LENGTH);
        assert_ne!(visitors.invent().0, id);
    }

    #[test]
    fn rotation_of_the_secret_keeps_ids() {
        let (old, both, new) = (
            Visitors::new(OLD, None),
            Visitors::new(NEW, Some(OLD)),
            Visitors::new(NEW, None),
        );
        let before = old.invent().1;
        assert!(both.recognise(&before).is_some() && new.recognise(&before).is_none());
        let after = both.invent().1;
        assert!(new.recognise(&after).is_some() && old.recognise(&after).is_none());
    }

    #[test]
    fn secret_is_not_the_key() {
        let id = "0".repeat(ID_LENGTH);
        let signature = keyed(NEW).chain_update(&id).finalize().into_bytes();
        let signed = format!("{id}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(Visitors::new(NEW, None).recognise(&signed), None);
    }

    proptest! {
        #[test]
        fn other_text_is_not_recognised(text in "\\PC{0,100}", tail in "[A-Za-z0-9_-]{43}") {
            let visitors = Visitors::new(NEW, None);
            prop_assert_eq!(visitors.recognise(&text), None);
            let (id, _) = visitors.invent();
            let forged = format!("{id}.{tail}");
            prop_assert_eq!(visitors.recognise(&forged), None);
        }

        #[test]
        fn changed_id_is_not_recognised(at in 0_usize..76, put in "[A-Za-z0-9._-]") {
            let visitors = Visitors::new(NEW, None);
            let (id, mut signed) = visitors.invent();
            let same = signed[at..=at] == put;
            signed.replace_range(at..=at, &put);
            prop_assert_eq!(visitors.recognise(&signed), same.then_some(id.as_str()));
        }
    }
}
