use proptest::prelude::*;

use super::*;

fn keyring() -> Keyring {
    Keyring::new(&SecretString::from("a master key of thirty-two bytes!!"))
}

#[test]
fn generated_key_parses() {
    let key = StreamKey {
        name: PlaybackName::random(),
        secret: StreamSecret::random(),
    };
    let text = key.reveal();
    let (name, secret) = text.split_once("?key=").unwrap();
    assert_eq!(PlaybackName::parse(name).as_ref(), Ok(&key.name));
    assert!(StreamSecret::parse(secret).is_ok());
    assert_eq!(secret.len(), 5 + 32);
}

#[test]
fn malformed_names_are_rejected() {
    let long = "a".repeat(255);
    for bad in [
        "",
        ".",
        "..",
        "a/b",
        "abc",
        "ABCDEFGHIJKLMNOPQRST",
        "abcdefghijklmnopqrs1",
        "abcdefghijklmnopqrs\0",
        &long,
    ] {
        assert_eq!(PlaybackName::parse(bad), Err(InvalidKey), "{bad:?}");
    }
}

#[test]
fn malformed_secrets_are_rejected() {
    let good = format!("live_{}", "a".repeat(32));
    assert!(StreamSecret::parse(&good).is_ok());
    for bad in [
        "",
        "live_",
        &good[5..],
        &format!("{good} "),
        &format!(" {good}"),
        &format!("{good}a"),
        &good.replace("aa", "é"),
    ] {
        assert!(StreamSecret::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn secret_matches_only_its_own_hash() {
    let (keyring, one, two) = (keyring(), StreamSecret::random(), StreamSecret::random());
    assert!(keyring.matches(&one, &keyring.hash(&one)));
    assert!(!keyring.matches(&two, &keyring.hash(&one)));
    assert!(!keyring.matches(&one, &[]));
    let other = Keyring::new(&SecretString::from("another master key of 32 bytes!!!!"));
    assert!(!other.matches(&one, &keyring.hash(&one)));
    assert_ne!(keyring.fingerprint(&one), keyring.fingerprint(&two));
}

#[test]
fn sealed_secret_opens_only_for_its_stream() {
    let (keyring, secret) = (keyring(), StreamSecret::random());
    let sealed = keyring.seal(StreamId(7), &secret).unwrap();
    let opened = keyring.open(StreamId(7), &sealed).unwrap();
    assert_eq!(opened.0.expose_secret(), secret.0.expose_secret());
    assert_eq!(sealed.len(), SECRET_LENGTH + SEALED_OVERHEAD);
    assert!(keyring.open(StreamId(8), &sealed).is_err());
    assert_ne!(
        keyring.seal(StreamId(7), &secret).unwrap(),
        sealed,
        "every seal uses a new nonce"
    );
}

#[test]
fn debug_output_hides_the_secret() {
    let key = StreamKey {
        name: PlaybackName::random(),
        secret: StreamSecret::random(),
    };
    let secret = key.secret.0.expose_secret().to_owned();
    assert!(!format!("{key:?}").contains(&secret));
}

proptest! {
    #[test]
    fn tampered_seals_do_not_open(at in 0_usize..(SECRET_LENGTH + SEALED_OVERHEAD), bit in 0_u8..8) {
        let keyring = keyring();
        let mut sealed = keyring.seal(StreamId(7), &StreamSecret::random()).unwrap();
        sealed[at] ^= 1 << bit;
        prop_assert!(keyring.open(StreamId(7), &sealed).is_err());
    }
}
