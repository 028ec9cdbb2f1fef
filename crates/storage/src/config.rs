//! The configuration of the three stores, as sections that a service flattens into its own.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use secrecy::SecretString;

/// How to reach this process's PostgreSQL database.
#[derive(clap::Args, Clone, Debug)]
pub struct DatabaseConfig {
    /// URL of the PostgreSQL database of this process.
    #[arg(long, env = "AIRWAVE_DATABASE_URL", hide_env_values = true, value_parser = SecretUrl::POSTGRES)]
    pub database_url: SecretString,

    /// Connections that this process opens at most; the sum over all processes stays below the server's
    /// `max_connections`.
    #[arg(long, env = "AIRWAVE_DATABASE_POOL_SIZE", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub database_pool_size: u16,
}

impl DatabaseConfig {
    /// Builds the section for a URL, with the default pool size.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            database_url: SecretString::from(url.into()),
            database_pool_size: 8,
        }
    }
}

/// How to reach Redis.
#[derive(clap::Args, Clone, Debug)]
pub struct RedisConfig {
    /// URL of the Redis server.
    #[arg(long, env = "AIRWAVE_REDIS_URL", hide_env_values = true, value_parser = SecretUrl::REDIS)]
    pub redis_url: SecretString,

    /// First part of every key that this deployment writes.
    #[arg(long, env = "AIRWAVE_REDIS_PREFIX", default_value = "airwave")]
    pub redis_prefix: String,
}

impl RedisConfig {
    /// Builds the section for a URL and a key prefix.
    pub fn new(url: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self {
            redis_url: SecretString::from(url.into()),
            redis_prefix: prefix.into(),
        }
    }
}

/// How to reach MongoDB.
#[derive(clap::Args, Clone, Debug)]
pub struct MongoConfig {
    /// URL of the MongoDB server.
    #[arg(long, env = "AIRWAVE_MONGODB_URL", hide_env_values = true, value_parser = SecretUrl::MONGODB)]
    pub mongodb_url: SecretString,

    /// Name of the database.
    #[arg(long, env = "AIRWAVE_MONGODB_DATABASE", default_value = "chat")]
    pub mongodb_database: String,

    /// Connections that this process opens at most to each member of the replica set.
    #[arg(long, env = "AIRWAVE_MONGODB_POOL_SIZE", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub mongodb_pool_size: u32,
}

impl MongoConfig {
    /// Builds the section for a URL and a database name, with the default pool size.
    pub fn new(url: impl Into<String>, database: impl Into<String>) -> Self {
        Self {
            mongodb_url: SecretString::from(url.into()),
            mongodb_database: database.into(),
            mongodb_pool_size: 16,
        }
    }
}

/// Parses a URL that holds a password: a refused value is never repeated in the message, as clap's own
/// parsers do.
#[derive(Clone, Copy, Debug)]
pub struct SecretUrl(&'static [&'static str]);

impl SecretUrl {
    /// URLs of PostgreSQL.
    pub const POSTGRES: Self = Self::new(&["postgres", "postgresql"]);
    /// URLs of Redis.
    pub const REDIS: Self = Self::new(&["redis", "redis+unix", "unix"]);
    /// URLs of MongoDB.
    pub const MONGODB: Self = Self::new(&["mongodb", "mongodb+srv"]);

    /// Accepts URLs of the schemes named.
    pub const fn new(schemes: &'static [&'static str]) -> Self {
        Self(schemes)
    }

    fn accepts(self, text: &str) -> bool {
        text.split_once("://")
            .is_some_and(|(scheme, rest)| self.0.contains(&scheme) && !rest.is_empty())
    }
}

impl TypedValueParser for SecretUrl {
    type Value = SecretString;

    fn parse_ref(
        &self,
        cmd: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> std::result::Result<SecretString, clap::Error> {
        match value.to_str() {
            Some(text) if self.accepts(text) => Ok(SecretString::from(text)),
            _ => {
                let name = arg
                    .and_then(clap::Arg::get_env)
                    .map(OsStr::to_string_lossy)
                    .unwrap_or_default();
                let schemes = self.0.join(":// or ");
                let message = format!("{name} must be a URL that begins with {schemes}://\n");
                Err(clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(cmd))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use secrecy::ExposeSecret;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        database: DatabaseConfig,
    }

    #[test]
    fn a_url_is_read_and_hidden() {
        let cli = Cli::try_parse_from(["x", "--database-url", "postgres://u:hunter2@db/auth"]).unwrap();
        assert_eq!(
            cli.database.database_url.expose_secret(),
            "postgres://u:hunter2@db/auth"
        );
        assert!(!format!("{:?}", cli.database).contains("hunter2"));
    }

    #[test]
    fn a_refused_url_is_not_repeated() {
        let message = match Cli::try_parse_from(["x", "--database-url", "mysql://u:hunter2@db/auth"]) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("accepted"),
        };
        assert!(
            message.contains("AIRWAVE_DATABASE_URL must be a URL"),
            "{message}"
        );
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn a_pool_without_connections_is_refused() {
        assert!(
            Cli::try_parse_from([
                "x",
                "--database-url",
                "postgres://db/a",
                "--database-pool-size",
                "0"
            ])
            .is_err()
        );
    }
}
