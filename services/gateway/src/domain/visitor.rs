//! Who a guest is: a random id that a browser keeps in a cookie. It is signed, so that nobody makes ids up to
//! be many viewers at once or takes over another's.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// Makes the key one for this purpose alone. Service tokens are signed under the same secret; what is signed
/// there is base64 with dots, and never this.
const LABEL: &[u8] = b"airwave gateway: the visitor's cookie, version 1";
/// Characters of an id: 122 random bits in hexadecimal.
const ID_LENGTH: usize = 32;
/// Characters of a signature: 32 bytes in base64 without padding.
const SIGNATURE_LENGTH: usize = 43;

type Key = Hmac<Sha256>;

/// Signs ids, and knows those that it signed.
pub(crate) struct Visitors {
    current: Key,
    /// Of the secret before, for as long as that one is accepted.
    previous: Option<Key>,
}

impl Visitors {
    /// Keys that are derived from the deployment's secret and the one before it.
    pub(crate) fn new(secret: &[u8], previous: Option<&[u8]>) -> Self {
        Self {
            current: derived(secret),
            previous: previous.map(derived),
        }
    }

    /// A new guest's id, and its signed form for the cookie.
    pub(crate) fn invent(&self) -> (String, String) {
        let id = Uuid::new_v4().simple().to_string();
        let signature = self.current.clone().chain_update(&id).finalize().into_bytes();
        let signed = format!("{id}.{}", URL_SAFE_NO_PAD.encode(signature));
        (id, signed)
    }

    /// The id in a cookie's value; none when it is not signed by us.
    pub(crate) fn recognise<'a>(&self, signed: &'a str) -> Option<&'a str> {
        if signed.len() != ID_LENGTH + 1 + SIGNATURE_LENGTH {
            return None;
        }
        let (id, signature) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let is_ours = |key: &Key| key.clone().chain_update(id).verify_slice(&signature).is_ok();
        let mut keys = std::iter::once(&self.current).chain(&self.previous);
        keys.any(is_ours).then_some(id)
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
    fn a_guest_is_known_again_and_each_is_another() {
        let visitors = Visitors::new(NEW, None);
        let (id, signed) = visitors.invent();
        assert_eq!(visitors.recognise(&signed), Some(id.as_str()));
        assert_eq!(id.len(), ID_LENGTH);
        assert_ne!(visitors.invent().0, id);
    }

    #[test]
    fn a_secret_is_rotated_without_forgetting_anyone() {
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
    fn the_secret_itself_is_not_the_key() {
        let id = "0".repeat(ID_LENGTH);
        let signature = keyed(NEW).chain_update(&id).finalize().into_bytes();
        let signed = format!("{id}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(Visitors::new(NEW, None).recognise(&signed), None);
    }

    proptest! {
        #[test]
        fn nothing_else_is_known(text in "\\PC{0,100}", tail in "[A-Za-z0-9_-]{43}") {
            let visitors = Visitors::new(NEW, None);
            prop_assert_eq!(visitors.recognise(&text), None);
            let (id, _) = visitors.invent();
            let forged = format!("{id}.{tail}");
            prop_assert_eq!(visitors.recognise(&forged), None);
        }

        #[test]
        fn no_character_can_be_changed(at in 0_usize..76, put in "[A-Za-z0-9._-]") {
            let visitors = Visitors::new(NEW, None);
            let (id, mut signed) = visitors.invent();
            let same = signed[at..=at] == put;
            signed.replace_range(at..=at, &put);
            prop_assert_eq!(visitors.recognise(&signed), same.then_some(id.as_str()));
        }
    }
}
