use secrecy::SecretString;
use storage::SecretUrl;

/// The connection to RabbitMQ. Services flatten this into their configuration.
#[derive(clap::Args, Clone, Debug)]
pub struct BusConfig {
    /// URL of RabbitMQ with the virtual host as its path, such as `amqp://user:password@host:5672/airwave`
    #[arg(
        long,
        env = "AIRWAVE_AMQP_URL",
        hide_env_values = true,
        value_parser = SecretUrl::new(&["amqp", "amqps"]),
    )]
    pub amqp_url: SecretString,
}

impl BusConfig {
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            amqp_url: SecretString::from(url.into()),
        }
    }
}
