//! What a shared secret must be.

use secrecy::{ExposeSecret, SecretString};

/// A shorter secret is guessed too easily.
pub const MIN_SECRET_BYTES: usize = 32;

/// Why a secret is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretProblem {
    /// It has fewer than [`MIN_SECRET_BYTES`] bytes.
    #[error("must have at least {MIN_SECRET_BYTES} bytes")]
    Short,
    /// It stands in a file that everybody can read.
    #[error("is an example secret; make one with `openssl rand -base64 32`")]
    Example,
}

/// Checks a secret; an example is good enough outside production.
///
/// # Errors
/// What is wrong with it, without the secret.
pub fn check_secret(secret: &SecretString, production: bool) -> Result<(), SecretProblem> {
    let secret = secret.expose_secret();
    if secret.len() < MIN_SECRET_BYTES {
        return Err(SecretProblem::Short);
    }
    if production && is_example_secret(secret) {
        return Err(SecretProblem::Example);
    }
    Ok(())
}

/// Whether a secret looks like one from a documentation or an example file: it says so, or it repeats a few
/// characters.
#[must_use]
pub fn is_example_secret(secret: &str) -> bool {
    let lower = secret.to_ascii_lowercase();
    let says_so = [
        "example",
        "changeme",
        "change-me",
        "change_me",
        "development",
        "insecure",
        "not-secret",
        "password",
    ];
    let distinct = lower.bytes().collect::<std::collections::HashSet<_>>().len();
    says_so.iter().any(|word| lower.contains(word)) || distinct < 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn short_and_known_secrets_are_refused_in_production() {
        assert_eq!(check_secret(&secret("short"), false), Err(SecretProblem::Short));
        let example = secret("example-service-secret-32-bytes-long");
        assert_eq!(check_secret(&example, false), Ok(()));
        assert_eq!(check_secret(&example, true), Err(SecretProblem::Example));
        assert_eq!(
            check_secret(&secret(&"a".repeat(40)), true),
            Err(SecretProblem::Example)
        );
        assert_eq!(
            check_secret(&secret("mZ4vQy1rT8bKpX2sWc6uHd0fJg9aLe3n"), true),
            Ok(())
        );
    }
}
