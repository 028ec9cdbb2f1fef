use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// Where the objects are, and with which key.
#[derive(Debug, Clone, clap::Args)]
pub struct BucketConfig {
    /// S3 endpoint that the services talk to, such as `https://s3.eu-central-003.backblazeb2.com`.
    #[arg(long = "bucket-endpoint", env = "AIRWAVE_BUCKET_ENDPOINT")]
    pub endpoint: Url,
    /// The endpoint as browsers reach it; presigned URLs are signed for it. The same as the endpoint unless
    /// set.
    #[arg(long = "bucket-public-endpoint", env = "AIRWAVE_BUCKET_PUBLIC_ENDPOINT")]
    pub public_endpoint: Option<Url>,
    /// The bucket's name.
    #[arg(long = "bucket-name", env = "AIRWAVE_BUCKET_NAME")]
    pub name: String,
    /// The region that signatures name.
    #[arg(
        long = "bucket-region",
        env = "AIRWAVE_BUCKET_REGION",
        default_value = "us-east-1"
    )]
    pub region: String,
    /// The access key's id.
    #[arg(long = "bucket-key-id", env = "AIRWAVE_BUCKET_KEY_ID")]
    pub key_id: String,
    /// The access key's secret.
    #[arg(long = "bucket-secret", env = "AIRWAVE_BUCKET_SECRET", hide_env_values = true)]
    pub secret: SecretString,
    /// Goes before every key, so that several deployments can share a bucket.
    #[arg(long = "bucket-prefix", env = "AIRWAVE_BUCKET_PREFIX", default_value = "")]
    pub prefix: String,
    /// Seconds for one part of 8 MiB; at 120 a line of 0.6 Mbit/s is still enough.
    #[arg(
        long = "bucket-part-timeout-seconds",
        env = "AIRWAVE_BUCKET_PART_TIMEOUT_SECONDS",
        default_value_t = 120
    )]
    pub part_timeout_seconds: u64,
}

/// Why a bucket's configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct InvalidBucket {
    /// The environment variable to change.
    pub variable: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl BucketConfig {
    /// A bucket of a test, which replaces what differs.
    #[must_use]
    pub fn for_testing(endpoint: Url) -> Self {
        Self {
            endpoint,
            public_endpoint: None,
            name: "airwave".to_owned(),
            region: "us-east-1".to_owned(),
            key_id: "airwave".to_owned(),
            secret: SecretString::from("airwave-of-a-test"),
            prefix: String::new(),
            part_timeout_seconds: 30,
        }
    }

    /// Checks what the types cannot say; in production every endpoint must be https.
    ///
    /// # Errors
    /// The first variable that cannot be used.
    pub fn check(&self, production: bool) -> Result<(), InvalidBucket> {
        let refuse = |variable, problem| Err(InvalidBucket { variable, problem });
        check_endpoint("AIRWAVE_BUCKET_ENDPOINT", &self.endpoint, production)?;
        check_endpoint(
            "AIRWAVE_BUCKET_PUBLIC_ENDPOINT",
            self.public_endpoint(),
            production,
        )?;
        if self.name.is_empty() || self.name.contains('/') {
            return refuse("AIRWAVE_BUCKET_NAME", "must be the name of a bucket");
        }
        if self.key_id.is_empty() {
            return refuse("AIRWAVE_BUCKET_KEY_ID", "must not be empty");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
        if self.prefix.starts_with('/') || self.prefix.contains("..") || !self.prefix.chars().all(plain) {
            return refuse(
                "AIRWAVE_BUCKET_PREFIX",
                "may hold A-Z a-z 0-9 - _ . and / between parts",
            );
        }
        if self.part_timeout_seconds == 0 {
            return refuse("AIRWAVE_BUCKET_PART_TIMEOUT_SECONDS", "must be at least 1");
        }
        Ok(())
    }

    pub(crate) fn public_endpoint(&self) -> &Url {
        self.public_endpoint.as_ref().unwrap_or(&self.endpoint)
    }

    pub(crate) fn part_timeout(&self) -> Duration {
        Duration::from_secs(self.part_timeout_seconds)
    }
}

fn check_endpoint(variable: &'static str, endpoint: &Url, production: bool) -> Result<(), InvalidBucket> {
    let problem = match endpoint.scheme() {
        "https" if endpoint.host().is_some() => return Ok(()),
        "http" if endpoint.host().is_some() && !production => return Ok(()),
        "http" => "must be https in production",
        _ => "must be an http or https URL",
    };
    Err(InvalidBucket { variable, problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(endpoint: &str) -> BucketConfig {
        BucketConfig {
            endpoint: endpoint.parse().unwrap(),
            public_endpoint: None,
            name: "videos".into(),
            region: "us-east-1".into(),
            key_id: "id".into(),
            secret: SecretString::from("secret"),
            prefix: String::new(),
            part_timeout_seconds: 120,
        }
    }

    #[test]
    fn plain_http_is_for_development() {
        let plain = config("http://127.0.0.1:9000");
        assert_eq!(plain.check(false), Ok(()));
        assert_eq!(plain.check(true).unwrap_err().variable, "AIRWAVE_BUCKET_ENDPOINT");
        assert_eq!(config("https://s3.example.com").check(true), Ok(()));
        let public = BucketConfig {
            public_endpoint: Some("http://cdn.example.com".parse().unwrap()),
            ..config("https://s3.example.com")
        };
        assert_eq!(
            public.check(true).unwrap_err().to_string(),
            "AIRWAVE_BUCKET_PUBLIC_ENDPOINT must be https in production"
        );
    }

    #[test]
    fn a_prefix_stays_inside_the_bucket() {
        for bad in ["/a", "a/../b", "a b", "a?b"] {
            let config = BucketConfig {
                prefix: bad.into(),
                ..config("http://localhost")
            };
            assert!(config.check(false).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_secret_does_not_print_itself() {
        assert!(!format!("{:?}", config("http://localhost")).contains("\"secret\""));
    }
}
