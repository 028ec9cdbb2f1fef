//! The settings of the service, one environment variable each.

use std::time::Duration;

use bucket::BucketConfig;
use runtime::{CommonConfig, ConfigError, ProcessConfig, ServiceConfig};
use secrecy::SecretString;
use storage::{DatabaseConfig, RedisConfig};

use crate::crypto::{Passwords, SigningKeys};

#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub common: CommonConfig,
    #[command(flatten)]
    pub database: DatabaseConfig,
    #[command(flatten)]
    pub redis: RedisConfig,
    /// The bucket of the avatars.
    #[command(flatten)]
    pub bucket: BucketConfig,
    /// User tokens.
    #[command(flatten)]
    pub tokens: TokenConfig,
    #[command(flatten)]
    pub passwords: PasswordConfig,
    #[command(flatten)]
    pub throttle: ThrottleConfig,
}

#[derive(Debug, Clone, clap::Args)]
pub struct TokenConfig {
    /// Ed25519 key that signs access tokens: PKCS#8 PEM, or that PEM in base64
    #[arg(long, env = "AIRWAVE_AUTH_SIGNING_KEY", hide_env_values = true)]
    pub signing_key: SecretString,
    /// Other keys that verify tokens during a rotation: private or public PEM, or base64 of it, separated by
    /// commas. Add a new key here on every replica before it signs
    #[arg(long, env = "AIRWAVE_AUTH_SIGNING_KEYS_PREVIOUS", hide_env_values = true)]
    pub signing_keys_previous: Option<SecretString>,
    /// Lifetime of an access token in seconds, at most 24 hours
    #[arg(long, env = "AIRWAVE_AUTH_ACCESS_TOKEN_SECONDS", default_value_t = 900,
          value_parser = clap::value_parser!(u32).range(60..=86_400))]
    pub access_token_seconds: u32,
    /// Lifetime of a refresh token in days
    #[arg(long, env = "AIRWAVE_AUTH_REFRESH_TOKEN_DAYS", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(1..=365))]
    pub refresh_token_days: u32,
}

/// Argon2id, by default with the parameters of OWASP's Password Storage Cheat Sheet.
#[derive(Debug, Clone, clap::Args)]
pub struct PasswordConfig {
    /// Memory of a password hash in KiB
    #[arg(long, env = "AIRWAVE_AUTH_ARGON2_MEMORY_KIB", default_value_t = 19_456,
          value_parser = clap::value_parser!(u32).range(8..=1_048_576))]
    pub argon2_memory_kib: u32,
    /// Iterations of a password hash
    #[arg(long, env = "AIRWAVE_AUTH_ARGON2_ITERATIONS", default_value_t = 2,
          value_parser = clap::value_parser!(u32).range(1..=100))]
    pub argon2_iterations: u32,
    /// Number of hashes computed at once; each uses one core
    #[arg(long, env = "AIRWAVE_AUTH_HASH_WORKERS", default_value_t = 2,
          value_parser = clap::value_parser!(u32).range(1..=256))]
    pub hash_workers: u32,
    /// Number of hashes that may wait; further sign-ins get 429
    #[arg(long, env = "AIRWAVE_AUTH_HASH_QUEUE", default_value_t = 32,
          value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub hash_queue: u32,
}

#[derive(Debug, Clone, clap::Args)]
pub struct ThrottleConfig {
    /// Failed sign-ins per username and address in 15 minutes
    #[arg(long, env = "AIRWAVE_AUTH_FAILURES_PER_NAME_AND_ADDRESS", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub failures_per_name_and_address: u32,
    /// Failed sign-ins per username in 15 minutes
    #[arg(long, env = "AIRWAVE_AUTH_FAILURES_PER_NAME", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub failures_per_name: u32,
    /// Sign-ins per address and minute
    #[arg(long, env = "AIRWAVE_AUTH_LOGINS_PER_ADDRESS", default_value_t = 60,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub logins_per_address: u32,
    /// Registrations per address and minute
    #[arg(long, env = "AIRWAVE_AUTH_REGISTRATIONS_PER_ADDRESS", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub registrations_per_address: u32,
}

impl ServiceConfig for Config {
    fn process(&self) -> &ProcessConfig {
        &self.common.process
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.process().check()?;
        let production = self.process().is_production();
        if SigningKeys::from_config(&self.tokens)?.is_example() && production {
            let problem = "is the example key of RFC 8037; generate your own";
            return Err(ConfigError::new("AIRWAVE_AUTH_SIGNING_KEY", problem));
        }
        self.bucket.check(production)?;
        Passwords::check(&self.passwords)
    }
}

impl Config {
    /// Settings for a test: any port, cheap hashes, these servers. The signing key is shared by the replicas
    /// of one test.
    #[must_use]
    pub fn for_testing(
        database: DatabaseConfig,
        redis: RedisConfig,
        bus: bus::BusConfig,
        bucket: BucketConfig,
        signing_key: SecretString,
    ) -> Self {
        Self {
            common: CommonConfig::for_testing(bus),
            database,
            redis,
            bucket,
            tokens: TokenConfig {
                signing_key,
                signing_keys_previous: None,
                access_token_seconds: 900,
                refresh_token_days: 30,
            },
            passwords: PasswordConfig {
                argon2_memory_kib: 64,
                argon2_iterations: 1,
                hash_workers: 2,
                hash_queue: 32,
            },
            throttle: ThrottleConfig {
                failures_per_name_and_address: 10,
                failures_per_name: 100,
                logins_per_address: 60,
                registrations_per_address: 30,
            },
        }
    }
}

impl TokenConfig {
    #[must_use]
    pub fn access_lifetime(&self) -> Duration {
        Duration::from_secs(self.access_token_seconds.into())
    }

    #[must_use]
    pub fn refresh_lifetime(&self) -> Duration {
        Duration::from_secs(u64::from(self.refresh_token_days) * 86_400)
    }
}
