use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use s3::creds::Credentials;
use s3::error::S3Error;
use secrecy::ExposeSecret;
use tokio::io::AsyncRead;
use url::Url;

use crate::object::{Head, Presigned, Stored};
use crate::{BucketConfig, Error, download, upload};

/// A question or a deletion, its one repetition included.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest life of a presigned URL that S3 signs.
const MAX_PRESIGNED: Duration = Duration::from_secs(7 * 24 * 3600);

/// One bucket. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    /// For uploads: a request may take as long as one part.
    pub(crate) parts: s3::Bucket,
    /// For everything else.
    control: s3::Bucket,
    /// Signs for the endpoint that browsers reach; never sends anything.
    public: s3::Bucket,
    prefix: String,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bucket")
            .field("name", &self.control.name)
            .finish_non_exhaustive()
    }
}

impl Bucket {
    /// Makes the client; nothing is sent yet.
    ///
    /// # Errors
    /// The configuration makes no bucket.
    pub fn new(config: &BucketConfig) -> Result<Self, Error> {
        config
            .check(false)
            .map_err(|invalid| Error::Config(invalid.to_string()))?;
        Ok(Self {
            parts: client(config, &config.endpoint, config.part_timeout())?,
            control: client(config, &config.endpoint, CONTROL_TIMEOUT)?,
            public: client(config, config.public_endpoint(), CONTROL_TIMEOUT)?,
            prefix: config.prefix.trim_end_matches('/').to_owned(),
        })
    }

    /// The whole key of a name: the deployment's prefix and the name. Every other call takes whole keys,
    /// which are also what is stored in tables, so that a changed prefix loses nothing.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.prefix)
        }
    }

    /// Uploads a file with bounded memory and verifies what arrived. Waits while other uploads of this
    /// process run.
    ///
    /// Dropping the future may leave unfinished parts behind: [`Bucket::abort_unfinished`] removes them.
    ///
    /// # Errors
    /// The file cannot be read, or the bucket did not take it as it is.
    pub async fn put_file(&self, path: &Path, key: &str, content_type: &str) -> Result<Stored, Error> {
        upload::file(self, path, key, content_type).await
    }

    /// Uploads what a reader gives, with bounded memory, and verifies its size. The hash is known only at the
    /// end, so it does not travel with the object. It does not wait for other uploads: a slow sender would
    /// hold them up, so the caller bounds how many there are, up to 85 MiB each. The caller bounds the time
    /// as well.
    ///
    /// When the reader fails, the parts that were sent are removed and there is no object. Dropping the
    /// future may leave them behind: [`Bucket::abort_unfinished`] removes them.
    ///
    /// # Errors
    /// [`Error::File`] with the reader's error, or the bucket did not take it as it is.
    pub async fn put_stream(
        &self,
        reader: &mut (impl AsyncRead + Unpin),
        key: &str,
        content_type: &str,
    ) -> Result<Stored, Error> {
        upload::stream(self, reader, key, content_type).await
    }

    /// Reads an object, as [`Bucket::head`] saw it, into a file with bounded memory, and answers its SHA-256
    /// in hex.
    ///
    /// # Errors
    /// The file cannot be written, or the bucket did not give what it has.
    pub async fn get_file(&self, key: &str, head: &Head, path: &Path) -> Result<String, Error> {
        download::file(self, key, head, path).await
    }

    /// A client for reading one version, or the newest.
    pub(crate) fn reading(&self, version_id: Option<&str>) -> Result<s3::Bucket, Error> {
        let Some(version) = version_id else {
            return Ok(self.parts.clone());
        };
        let query = HashMap::from([("versionId".to_owned(), version.to_owned())]);
        Ok(self.parts.with_extra_query(query)?)
    }

    /// Uploads something small that is already in memory, and verifies what arrived.
    ///
    /// # Errors
    /// The bucket did not take it as it is.
    pub async fn put_bytes(&self, bytes: &[u8], key: &str, content_type: &str) -> Result<Stored, Error> {
        upload::bytes(self, bytes, key, content_type).await
    }

    /// Asks what the bucket holds under a key.
    ///
    /// # Errors
    /// [`Error::Missing`] when nothing is there; refused and unavailable are told apart from it.
    pub async fn head(&self, key: &str) -> Result<Head, Error> {
        let (head, _) = timed(self.control.head_object(key)).await?;
        let size = head.content_length.and_then(|size| u64::try_from(size).ok());
        Ok(Head {
            size: size.ok_or_else(|| Error::Unavailable("the answer has no length".into()))?,
            version_id: head
                .version_id
                .filter(|version| !version.is_empty() && version != "null"),
            sha256: head
                .metadata
                .and_then(|mut metadata| metadata.remove(upload::HASH_METADATA)),
            content_type: head.content_type,
        })
    }

    /// Whether the bucket holds something under a key.
    ///
    /// # Errors
    /// The bucket refuses or cannot be reached; never a mere absence.
    pub async fn exists(&self, key: &str) -> Result<bool, Error> {
        match self.head(key).await {
            Ok(_) => Ok(true),
            Err(Error::Missing) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes an object, for good where its version is named. One that is gone already is a success.
    ///
    /// # Errors
    /// The bucket refuses or cannot be reached.
    pub async fn delete(&self, key: &str, version_id: Option<&str>) -> Result<(), Error> {
        let versioned;
        let client = match version_id {
            Some(version) => {
                let query = HashMap::from([("versionId".to_owned(), version.to_owned())]);
                versioned = self.control.with_extra_query(query)?;
                &versioned
            }
            None => &self.control,
        };
        match timed(client.delete_object(key)).await {
            Ok(_) | Err(Error::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The keys that begin with a text, at most 1,000 of them.
    ///
    /// # Errors
    /// The bucket refuses or cannot be reached.
    pub async fn list(&self, key_prefix: &str) -> Result<Vec<String>, Error> {
        let page = self
            .control
            .list_page(key_prefix.to_owned(), None, None, None, Some(1000));
        let (page, _) = timed(page).await?;
        Ok(page.contents.into_iter().map(|object| object.key).collect())
    }

    /// Aborts uploads of keys that begin with a text and that were begun before a time; their parts are paid
    /// for until then. Answers how many. A store that cannot list them has none to abort as far as we can
    /// tell.
    ///
    /// # Errors
    /// The bucket refuses or cannot be reached.
    pub async fn abort_unfinished(
        &self,
        key_prefix: &str,
        begun_before: DateTime<Utc>,
    ) -> Result<usize, Error> {
        let page = self
            .control
            .list_multiparts_uploads_page(Some(key_prefix), None, None, None, Some(1000));
        let page = match timed(page).await {
            Err(Error::Refused { code, .. } | Error::Unavailable(code))
                if code.contains("NotImplemented") =>
            {
                return Ok(0);
            }
            page => page?.0,
        };
        let mut aborted = 0;
        for unfinished in page.uploads {
            let begun = DateTime::parse_from_rfc3339(&unfinished.initiated).ok();
            if begun.is_some_and(|begun| begun < begun_before) {
                timed(self.control.abort_upload(&unfinished.key, &unfinished.id)).await?;
                aborted += 1;
            }
        }
        Ok(aborted)
    }

    /// Signs a URL that reads the object, for at most seven days. Nothing is sent, so the bucket may be away.
    ///
    /// # Errors
    /// The key or the life makes no URL.
    pub async fn presign_get(&self, key: &str, expires: Duration) -> Result<Presigned, Error> {
        let expires = expires.min(MAX_PRESIGNED);
        let seconds = u32::try_from(expires.as_secs()).unwrap_or(u32::MAX);
        // The signature counts from the system's clock, whatever clock the caller lives by.
        let expires_at = primitives::Clock::system().now() + TimeDelta::seconds(i64::from(seconds));
        let url = self.public.presign_get(key, seconds, None).await?;
        Ok(Presigned { url, expires_at })
    }
}

/// Waits for a question to the bucket, at most a little longer than the request itself may take twice.
async fn timed<T>(call: impl Future<Output = Result<T, S3Error>>) -> Result<T, Error> {
    match tokio::time::timeout(CONTROL_TIMEOUT + CONTROL_TIMEOUT / 2, call).await {
        Ok(answer) => answer.map_err(Error::from),
        Err(_) => Err(Error::Unavailable("no answer in time".into())),
    }
}

fn client(config: &BucketConfig, endpoint: &Url, timeout: Duration) -> Result<s3::Bucket, Error> {
    let region = s3::Region::Custom {
        region: config.region.clone(),
        endpoint: endpoint.as_str().trim_end_matches('/').to_owned(),
    };
    let secret = config.secret.expose_secret();
    let credentials = Credentials::new(Some(&config.key_id), Some(secret), None, None, None)
        .map_err(|error| Error::Config(error.to_string()))?;
    let mut bucket = *s3::Bucket::new(&config.name, region, credentials)?.with_path_style();
    bucket.set_request_timeout(Some(timeout));
    Ok(bucket)
}
