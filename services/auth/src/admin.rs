//! `auth admin`: what needs access to the database and no account. The events of it leave with the next relay
//! that looks.

use std::io::BufRead;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Duration;
use primitives::{Clock, text};
use secrecy::SecretString;
use storage::Database;

use crate::cli::{AdminAction, AdminConfig};
use crate::domain::{Lifetimes, normal_name};
use crate::error::Error;
use crate::passwords::Passwords;
use crate::store::{PasswordChange, Store};

/// Does one thing; answers what to tell the person, in a line.
///
/// # Errors
/// An account that is not there, a password that breaks the rules, a database that is away.
pub async fn admin(config: AdminConfig) -> anyhow::Result<String> {
    let store = Store::new(Database::connect(&config.database)?, longest());
    let now = Clock::system().now();
    match config.action {
        AdminAction::Grant { name, role } => {
            let name = normal_name(&name);
            store
                .user_grant(&name, role, now)
                .await
                .map_err(|error| explain(&name, error))?;
            Ok(format!(
                "{name} has the role {} from the next sign-in or refresh on",
                role.as_str()
            ))
        }
        AdminAction::ResetPassword { name, stdin } => {
            let name = normal_name(&name);
            let (password, told) = if stdin {
                (
                    read_password(std::io::stdin().lock())?,
                    format!("{name} has the new password; all sessions have ended"),
                )
            } else {
                let password = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 15]>());
                let told = format!("{name} has the new password {password} and all sessions have ended");
                (password, told)
            };
            let password = Passwords::new(&config.passwords)?
                .hash(SecretString::from(password))
                .await?;
            let change = PasswordChange {
                username: name.clone(),
                password,
            };
            store
                .user_reset_password(change, now)
                .await
                .map_err(|error| explain(&name, error))?;
            Ok(told)
        }
    }
}

/// The command line makes no tokens, and does not know how long those of the service live.
fn longest() -> Lifetimes {
    Lifetimes {
        access: Duration::days(1),
        refresh: Duration::days(365),
    }
}

fn read_password(mut input: impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    input
        .read_line(&mut line)
        .context("the password can not be read")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if let Err(field) = text::password(password) {
        bail!("the password {}", field.message);
    }
    Ok(password.to_owned())
}

fn explain(name: &str, error: Error) -> anyhow::Error {
    match error {
        Error::UserNotFound => anyhow::anyhow!("there is no account {name}"),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_a_line_that_keeps_the_rules() {
        assert_eq!(
            read_password(" spaces count \r\nnot this".as_bytes()).unwrap(),
            " spaces count "
        );
        assert!(read_password("short\n".as_bytes()).is_err());
        assert!(read_password("".as_bytes()).is_err());
    }
}
