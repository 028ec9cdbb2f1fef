//! `auth admin`: changes accounts with access to the database instead of an admin's session. A running
//! replica's relay publishes the events.

use std::io::BufRead;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Duration;
use primitives::{Clock, text};
use secrecy::SecretString;
use storage::Database;

use crate::cli::{AdminAction, AdminConfig};
use crate::crypto::Passwords;
use crate::domain::{Lifetimes, normalize_username};
use crate::error::Error;
use crate::store::{PasswordReset, Store};

/// Runs a command and returns one line of output.
///
/// # Errors
/// If the account does not exist, the password breaks the rules, or the database is unavailable.
pub async fn admin(config: AdminConfig, clock: Clock) -> anyhow::Result<String> {
    let store = Store::new(Database::connect(&config.database)?, max_lifetimes());
    let now = clock.now();
    match config.action {
        AdminAction::Grant { name, role } => {
            let name = normalize_username(&name);
            store
                .user_grant(&name, role, now)
                .await
                .map_err(|error| explain(&name, error))?;
            Ok(format!(
                "{name} has the role {} after the next sign-in or token refresh",
                role.as_str()
            ))
        }
        AdminAction::ResetPassword { name, stdin } => {
            let name = normalize_username(&name);
            let (password, message) = if stdin {
                (
                    read_password(std::io::stdin().lock())?,
                    format!("password of {name} changed; all sessions ended"),
                )
            } else {
                let password = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 15]>());
                let message = format!("new password of {name}: {password} (all sessions ended)");
                (password, message)
            };
            let password = Passwords::new(&config.passwords)?
                .hash(SecretString::from(password))
                .await?;
            let reset = PasswordReset {
                username: name.clone(),
                password,
            };
            store
                .user_reset_password(reset, now)
                .await
                .map_err(|error| explain(&name, error))?;
            Ok(message)
        }
    }
}

/// The command line issues no tokens and does not know the service's settings, so it assumes the longest
/// lifetimes that they allow.
fn max_lifetimes() -> Lifetimes {
    Lifetimes {
        access: Duration::days(1),
        refresh: Duration::days(365),
    }
}

fn read_password(mut input: impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line).context("cannot read the password")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if let Err(field) = text::password(password) {
        bail!("password {}", field.message);
    }
    Ok(password.to_owned())
}

fn explain(name: &str, error: Error) -> anyhow::Error {
    match error {
        Error::UserNotFound => anyhow::anyhow!("user {name} not found"),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_line_and_validates_it() {
        assert_eq!(
            read_password(" spaces count \r\nnot this".as_bytes()).unwrap(),
            " spaces count "
        );
        assert!(read_password("short\n".as_bytes()).is_err());
        assert!(read_password("".as_bytes()).is_err());
    }
}
