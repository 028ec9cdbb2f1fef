use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// Settings of the bucket.
#[derive(Debug, Clone, clap::Args)]
pub struct BucketConfig {
    /// S3 endpoint that the services connect to, such as `https://s3.eu-central-003.backblazeb2.com`.
    #[arg(long = "bucket-endpoint", env = "AIRWAVE_BUCKET_ENDPOINT")]
    pub endpoint: Url,
    /// S3 endpoint that browsers connect to, for presigned URLs. Defaults to the endpoint of the services.
    #[arg(long = "bucket-public-endpoint", env = "AIRWAVE_BUCKET_PUBLIC_ENDPOINT")]
    pub public_endpoint: Option<Url>,
    /// Name of the bucket.
    #[arg(long = "bucket-name", env = "AIRWAVE_BUCKET_NAME")]
    pub name: String,
    /// Region for signatures.
    #[arg(
        long = "bucket-region",
        env = "AIRWAVE_BUCKET_REGION",
        default_value = "us-east-1"
    )]
    pub region: String,
    /// Id of the access key.
    #[arg(long = "bucket-key-id", env = "AIRWAVE_BUCKET_KEY_ID")]
    pub key_id: String,
    /// Secret of the access key.
    #[arg(long = "bucket-secret", env = "AIRWAVE_BUCKET_SECRET", hide_env_values = true)]
    pub secret: SecretString,
    /// Prefix of all keys, which lets several deployments share a bucket.
    #[arg(long = "bucket-prefix", env = "AIRWAVE_BUCKET_PREFIX", default_value = "")]
    pub prefix: String,
    /// Seconds to transfer one part of 8 MiB. 120 seconds suffice at 0.6 Mbit/s.
    #[arg(
        long = "bucket-part-timeout-seconds",
        env = "AIRWAVE_BUCKET_PART_TIMEOUT_SECONDS",
        default_value_t = 120
    )]
    pub part_timeout_seconds: u64,
}

/// An invalid setting of the bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct InvalidBucket {
    /// The environment variable.
    pub variable: &'static str,
    /// Continues the name of the variable, as in "must not be empty".
    pub problem: &'static str,
}

impl BucketConfig {
    /// Returns settings for a test, which overrides the name, keys and prefix of its bucket.
    #[must_use]
    pub fn for_testing(endpoint: Url) -> Self {
        Self {
            endpoint,
            public_endpoint: None,
            name: "airwave".to_owned(),
            region: "us-east-1".to_owned(),
            key_id: "airwave".to_owned(),
            secret: SecretString::from("test-secret"),
            prefix: String::new(),
            part_timeout_seconds: 30,
        }
    }

    /// Validates the settings. Production requires https endpoints.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn check(&self, production: bool) -> Result<(), InvalidBucket> {
        let reject = |variable, problem| Err(InvalidBucket { variable, problem });
        check_endpoint("AIRWAVE_BUCKET_ENDPOINT", &self.endpoint, production)?;
        check_endpoint(
            "AIRWAVE_BUCKET_PUBLIC_ENDPOINT",
            self.public_endpoint(),
            production,
        )?;
        if self.name.is_empty() || self.name.contains('/') {
            return reject("AIRWAVE_BUCKET_NAME", "must be the name of a bucket");
        }
        if self.key_id.is_empty() {
            return reject("AIRWAVE_BUCKET_KEY_ID", "must not be empty");
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
        if self.prefix.starts_with('/') || self.prefix.contains("..") || !self.prefix.chars().all(allowed) {
            return reject(
                "AIRWAVE_BUCKET_PREFIX",
                "may contain A-Z a-z 0-9 - _ . and / between segments",
            );
        }
        if self.part_timeout_seconds == 0 {
            return reject("AIRWAVE_BUCKET_PART_TIMEOUT_SECONDS", "must be at least 1");
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
    fn production_requires_https() {
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
    fn prefix_with_unsafe_characters_is_rejected() {
        for bad in ["/a", "a/../b", "a b", "a?b"] {
            let config = BucketConfig {
                prefix: bad.into(),
                ..config("http://localhost")
            };
            assert!(config.check(false).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn debug_output_omits_the_secret() {
        assert!(!format!("{:?}", config("http://localhost")).contains("\"secret\""));
    }
}
