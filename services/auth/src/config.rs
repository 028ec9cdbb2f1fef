//! The settings of the service, each from one environment variable.

use std::time::Duration;

use bucket::BucketConfig;
use bus::BusConfig;
use identity::{ServiceSecretConfig, check_secret};
use runtime::{ConfigError, GrpcConfig, ProcessConfig};
use secrecy::SecretString;
use storage::{DatabaseConfig, RedisConfig};

use crate::passwords::Passwords;
use crate::signing::SigningKeys;

/// Everything that `serve` needs.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Logs, traces, internal port.
    #[command(flatten)]
    pub process: ProcessConfig,
    /// The gRPC port.
    #[command(flatten)]
    pub grpc: GrpcConfig,
    /// Accounts, sessions, follows.
    #[command(flatten)]
    pub database: DatabaseConfig,
    /// The login throttle.
    #[command(flatten)]
    pub redis: RedisConfig,
    /// Events.
    #[command(flatten)]
    pub bus: BusConfig,
    /// The bucket of the avatars.
    #[command(flatten)]
    pub bucket: BucketConfig,
    /// The secret among services.
    #[command(flatten)]
    pub service: ServiceSecretConfig,
    /// User tokens.
    #[command(flatten)]
    pub tokens: TokenConfig,
    /// Password hashing.
    #[command(flatten)]
    pub passwords: PasswordConfig,
    /// Limits on guessing.
    #[command(flatten)]
    pub throttle: ThrottleConfig,
}

/// How user tokens are made.
#[derive(Debug, Clone, clap::Args)]
pub struct TokenConfig {
    /// Ed25519 key that signs access tokens: PKCS#8 as PEM, or base64 of that
    #[arg(long, env = "AIRWAVE_AUTH_SIGNING_KEY", hide_env_values = true)]
    pub signing_key: SecretString,
    /// Keys that still verify during a rotation (private or public PEM, or base64 of that), separated by
    /// commas. A new key is listed here on every replica before it signs
    #[arg(long, env = "AIRWAVE_AUTH_SIGNING_KEYS_PREVIOUS", hide_env_values = true)]
    pub signing_keys_previous: Option<SecretString>,
    /// Seconds that an access token lives, up to 24 h
    #[arg(long, env = "AIRWAVE_AUTH_ACCESS_TOKEN_SECONDS", default_value_t = 900,
          value_parser = clap::value_parser!(u32).range(60..=86_400))]
    pub access_token_seconds: u32,
    /// Days that a refresh token lives
    #[arg(long, env = "AIRWAVE_AUTH_REFRESH_TOKEN_DAYS", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(1..=365))]
    pub refresh_token_days: u32,
}

/// Argon2id, by default with the parameters that OWASP's cheat sheet names, and how much of it runs at once.
#[derive(Debug, Clone, clap::Args)]
pub struct PasswordConfig {
    /// Memory of one password hash in KiB
    #[arg(long, env = "AIRWAVE_AUTH_ARGON2_MEMORY_KIB", default_value_t = 19_456,
          value_parser = clap::value_parser!(u32).range(8..=1_048_576))]
    pub argon2_memory_kib: u32,
    /// Passes over that memory
    #[arg(long, env = "AIRWAVE_AUTH_ARGON2_ITERATIONS", default_value_t = 2,
          value_parser = clap::value_parser!(u32).range(1..=100))]
    pub argon2_iterations: u32,
    /// Hashes computed at once; each keeps a core busy
    #[arg(long, env = "AIRWAVE_AUTH_HASH_WORKERS", default_value_t = 2,
          value_parser = clap::value_parser!(u32).range(1..=256))]
    pub hash_workers: u32,
    /// Hashes that may wait for their turn; more are refused as too many requests
    #[arg(long, env = "AIRWAVE_AUTH_HASH_QUEUE", default_value_t = 32,
          value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub hash_queue: u32,
}

/// How often one may try.
#[derive(Debug, Clone, clap::Args)]
pub struct ThrottleConfig {
    /// Failed sign-ins to one name from one address in 15 minutes
    #[arg(long, env = "AIRWAVE_AUTH_FAILURES_PER_NAME_AND_ADDRESS", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub failures_per_name_and_address: u32,
    /// Failed sign-ins to one name from all addresses in 15 minutes
    #[arg(long, env = "AIRWAVE_AUTH_FAILURES_PER_NAME", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub failures_per_name: u32,
    /// Sign-ins from one address in a minute
    #[arg(long, env = "AIRWAVE_AUTH_LOGINS_PER_ADDRESS", default_value_t = 60,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub logins_per_address: u32,
    /// Registrations from one address in a minute
    #[arg(long, env = "AIRWAVE_AUTH_REGISTRATIONS_PER_ADDRESS", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub registrations_per_address: u32,
}

impl Config {
    /// The rules that clap can not know.
    ///
    /// # Errors
    /// The setting that breaks one.
    pub fn check(&self) -> Result<(), ConfigError> {
        let production = self.process.telemetry.env.is_production();
        let secrets = [
            ("AIRWAVE_SERVICE_SECRET", Some(&self.service.service_secret)),
            (
                "AIRWAVE_SERVICE_SECRET_PREVIOUS",
                self.service.service_secret_previous.as_ref(),
            ),
        ];
        for (variable, secret) in secrets {
            let problem = secret.and_then(|secret| check_secret(secret, production).err());
            if let Some(problem) = problem {
                return Err(ConfigError::new(variable, problem));
            }
        }
        let keys = SigningKeys::from_config(&self.tokens)?;
        if production && keys.is_example() {
            return Err(ConfigError::new(
                "AIRWAVE_AUTH_SIGNING_KEY",
                "is the key of an RFC; make one of your own",
            ));
        }
        let invalid = |invalid: bucket::InvalidBucket| ConfigError::new(invalid.variable, invalid.problem);
        self.bucket.check(production).map_err(invalid)?;
        Passwords::check(&self.passwords)
    }

    /// Settings for a test: any port, cheap hashes, these servers. The signing key is shared by the replicas
    /// of one test.
    #[must_use]
    pub fn for_testing(
        database: DatabaseConfig,
        redis: RedisConfig,
        bus: BusConfig,
        bucket: BucketConfig,
        service_secret: SecretString,
        signing_key: SecretString,
    ) -> Self {
        Self {
            process: ProcessConfig::for_testing(),
            grpc: GrpcConfig::for_testing(),
            database,
            redis,
            bus,
            bucket,
            service: ServiceSecretConfig {
                service_secret,
                service_secret_previous: None,
            },
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
    /// How long an access token lives.
    #[must_use]
    pub fn access_life(&self) -> Duration {
        Duration::from_secs(self.access_token_seconds.into())
    }

    /// How long a refresh token lives.
    #[must_use]
    pub fn refresh_life(&self) -> Duration {
        Duration::from_secs(u64::from(self.refresh_token_days) * 86_400)
    }
}
