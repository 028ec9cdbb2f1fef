//! Password hashing with argon2id, off the async threads.
//!
//! By design a hash takes tens of milliseconds of a core and about 19 MiB. A fixed number of hashes run at
//! once, a bounded number wait, and further ones are rejected: a flood of sign-ins slows down sign-ins, not
//! the service.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use runtime::ConfigError;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::config::PasswordConfig;
use crate::error::{Error, Result};

/// Hashes and verifies passwords. Clones share the queue.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    /// Limits the hashes that run or wait.
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// The hash of an unknown password, verified for unknown usernames.
    dummy: Arc<str>,
}

impl Passwords {
    /// Returns an error if argon2 rejects the settings.
    pub(crate) fn check(config: &PasswordConfig) -> Result<(), ConfigError> {
        argon2(config).map(drop)
    }

    /// # Errors
    /// If argon2 rejects the settings.
    pub fn new(config: &PasswordConfig) -> Result<Self, ConfigError> {
        let argon2 = argon2(config)?;
        let unknown: [u8; 32] = rand::random();
        let dummy = hash(&argon2, &unknown).ok_or_else(|| invalid("argon2 failed to hash"))?;
        let workers = config.hash_workers as usize;
        Ok(Self {
            argon2,
            admitted: Arc::new(Semaphore::new(workers + config.hash_queue as usize)),
            running: Arc::new(Semaphore::new(workers)),
            dummy: dummy.into(),
        })
    }

    /// Returns the salted hash of a password as a PHC string.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String> {
        let argon2 = self.argon2.clone();
        let hash = self
            .run(move || hash(&argon2, password.expose_secret().as_bytes()))
            .await?;
        hash.ok_or_else(|| {
            tracing::error!("argon2 failed to hash a password");
            Error::Internal
        })
    }

    /// Returns whether the password matches the hash. Without a hash it takes as long and returns `false`.
    pub(crate) async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.to_string());
        let argon2 = self.argon2.clone();
        let matches = self.run(move || {
            let hash = PasswordHash::new(&hash).ok()?;
            Some(
                argon2
                    .verify_password(password.expose_secret().as_bytes(), &hash)
                    .is_ok(),
            )
        });
        match matches.await? {
            Some(matches) => Ok(matches && known),
            None => {
                tracing::error!("a stored password hash is malformed");
                Err(Error::Internal)
            }
        }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let Ok(_admitted) = self.admitted.clone().try_acquire_owned() else {
            metrics::counter!("auth_password_hashes_refused_total").increment(1);
            return Err(Error::Busy);
        };
        let permit = self
            .running
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| Error::Internal)?;
        let result = tokio::task::spawn_blocking(move || {
            let result = work();
            // The task owns the permit: a caller that goes away does not free the core.
            drop(permit);
            result
        });
        result.await.map_err(|_| Error::Internal)
    }
}

fn argon2(config: &PasswordConfig) -> Result<Argon2<'static>, ConfigError> {
    let params = Params::new(config.argon2_memory_kib, config.argon2_iterations, 1, None).map_err(invalid)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn invalid(problem: impl ToString) -> ConfigError {
    ConfigError::new(
        "AIRWAVE_AUTH_ARGON2_MEMORY_KIB",
        format!("is invalid: {}", problem.to_string()),
    )
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Option<String> {
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).ok()?;
    argon2
        .hash_password(password, &salt)
        .ok()
        .map(|hash| hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords(workers: u32, queue: u32) -> Passwords {
        let config = PasswordConfig {
            argon2_memory_kib: 64,
            argon2_iterations: 1,
            hash_workers: workers,
            hash_queue: queue,
        };
        Passwords::new(&config).unwrap()
    }

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[tokio::test]
    async fn every_byte_of_a_long_password_counts() {
        let passwords = passwords(2, 8);
        let long = "p".repeat(1024);
        let hash = passwords.hash(secret(&long)).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert!(passwords.verify(secret(&long), Some(hash.clone())).await.unwrap());
        for wrong in [
            format!("{}x", &long[..1023]),
            long[..72].to_owned(),
            String::new(),
        ] {
            assert!(
                !passwords
                    .verify(secret(&wrong), Some(hash.clone()))
                    .await
                    .unwrap()
            );
        }
    }

    #[tokio::test]
    async fn equal_passwords_have_different_hashes() {
        let passwords = passwords(2, 8);
        let [one, two] = [
            passwords.hash(secret("same")).await.unwrap(),
            passwords.hash(secret("same")).await.unwrap(),
        ];
        assert_ne!(one, two);
    }

    #[tokio::test]
    async fn verification_without_hash_fails() {
        assert!(!passwords(1, 1).verify(secret("anything"), None).await.unwrap());
    }

    #[tokio::test]
    async fn full_queue_rejects_and_recovers() {
        let passwords = passwords(1, 1);
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let [first, second] = [passwords.clone(), passwords.clone()];
        let running = tokio::spawn(async move { first.run(move || blocked.recv().ok()).await });
        let waiting = tokio::spawn(async move { second.run(|| ()).await });
        while passwords.admitted.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(passwords.run(|| ()).await, Err(Error::Busy)));
        release.send(()).unwrap();
        running.await.unwrap().unwrap();
        waiting.await.unwrap().unwrap();
        assert!(passwords.run(|| ()).await.is_ok());
    }
}
