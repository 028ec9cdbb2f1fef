//! The secrets of a development deployment, generated at the first start and stored in a file that only its
//! owner can read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::servers::ServerSecrets;
use crate::service::ServiceSecrets;
use crate::{place, secret};

/// `NAME=value` lines.
#[derive(Debug)]
pub(crate) struct SecretsFile {
    path: PathBuf,
    values: BTreeMap<String, String>,
}

impl SecretsFile {
    /// Reads the file. A missing file counts as empty.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let lines = text.lines().filter_map(|line| line.split_once('='));
        let values = lines
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Self {
            path: path.to_path_buf(),
            values,
        })
    }

    /// Returns a secret; generates and stores it on first use.
    pub(crate) fn get(&mut self, name: &str, generate: impl FnOnce() -> Result<String>) -> Result<String> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        let value = generate()?;
        self.values.insert(name.to_owned(), value.clone());
        let lines = self
            .values
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"));
        place::private_file(&self.path, &lines.collect::<String>())?;
        Ok(value)
    }

    pub(crate) fn servers(&mut self) -> Result<ServerSecrets> {
        let mut password = |name| self.get(name, || Ok(secret::random()));
        Ok(ServerSecrets {
            postgres: password("POSTGRES_PASSWORD")?,
            redis: password("REDIS_PASSWORD")?,
            rabbitmq: password("RABBITMQ_PASSWORD")?,
            bucket: password("AIRWAVE_BUCKET_SECRET")?,
        })
    }

    pub(crate) fn services(&mut self) -> Result<ServiceSecrets> {
        let random = || Ok(secret::random());
        Ok(ServiceSecrets {
            service: self.get("AIRWAVE_SERVICE_SECRET", random)?,
            hook: self.get("AIRWAVE_STREAM_HOOK_SECRET", random)?,
            stream_key: self.get("AIRWAVE_STREAM_KEY_SECRET", random)?,
            signing_key: self.get("AIRWAVE_AUTH_SIGNING_KEY", || {
                Ok(STANDARD.encode(secret::signing_key()?))
            })?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_are_generated_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.env");
        let first = SecretsFile::open(&path).unwrap().services().unwrap();
        let mut again = SecretsFile::open(&path).unwrap();
        let second = again.services().unwrap();
        assert_eq!(
            first.signing_key, second.signing_key,
            "padding is part of the value"
        );
        assert_eq!(first.hook, second.hook);
        assert_ne!(first.hook, first.service);
        again.servers().unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
