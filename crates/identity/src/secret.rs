use secrecy::{ExposeSecret, SecretString};

/// Shorter secrets are too easy to guess.
pub const MIN_SECRET_BYTES: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretProblem {
    #[error("must have at least {MIN_SECRET_BYTES} bytes")]
    Short,
    /// Published in documentation or an example file.
    #[error("is an example secret; generate one with `openssl rand -base64 32`")]
    Example,
}

/// Validates a secret. Example secrets are allowed outside production. Errors do not contain the secret.
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

/// Returns whether a secret looks like an example: it contains a telltale word, or has fewer than eight
/// distinct characters.
#[must_use]
pub fn is_example_secret(secret: &str) -> bool {
    let lower = secret.to_ascii_lowercase();
    let telltales = [
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
    telltales.iter().any(|word| lower.contains(word)) || distinct < 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn short_and_example_secrets_are_rejected() {
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
