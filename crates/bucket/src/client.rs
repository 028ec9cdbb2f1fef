use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use s3::creds::Credentials;
use s3::error::S3Error;
use secrecy::ExposeSecret;
use tokio::io::AsyncRead;
use url::Url;

use crate::object::{Head, Presigned, Stored};
use crate::{BucketConfig, Error, download, upload};

/// Limit for a HEAD, LIST or DELETE request, including its one retry.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);
/// S3 signs URLs for at most seven days.
const MAX_PRESIGNED_TTL: Duration = Duration::from_secs(7 * 24 * 3600);

/// A client for one bucket. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    /// For transfers. Its request timeout allows for one part.
    pub(crate) parts: s3::Bucket,
    /// For everything else.
    control: s3::Bucket,
    /// Signs URLs for the public endpoint and never sends a request.
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
    /// Creates a client without sending a request.
    ///
    /// # Errors
    /// [`Error::Config`] if the configuration is invalid.
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

    /// Returns the full key of a name: the deployment's prefix, `/` and the name. All other methods take full
    /// keys. Tables store full keys too, so that stored objects are still found after the prefix changes.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.prefix)
        }
    }

    /// Uploads a file in bounded memory and verifies the stored object. Waits while three other files are
    /// being uploaded.
    ///
    /// Dropping the future may leave unfinished parts behind, which [`Bucket::abort_unfinished`] removes.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be read, [`Error::Mismatch`] if it changes during the upload or the
    /// stored object differs; otherwise the bucket's error.
    pub async fn put_file(&self, path: &Path, key: &str, content_type: &str) -> Result<Stored, Error> {
        upload::file(self, path, key, content_type).await
    }

    /// Uploads a stream in bounded memory and verifies the size of the stored object, whose metadata has no
    /// hash. Does not wait for other uploads, because a slow sender would block them: the caller limits the
    /// number of concurrent uploads (up to 85 MiB each) and their duration.
    ///
    /// If the reader fails, the uploaded parts are removed and no object is created. Dropping the future may
    /// leave parts behind, which [`Bucket::abort_unfinished`] removes.
    ///
    /// # Errors
    /// [`Error::File`] with the reader's error, [`Error::Mismatch`] if the stored size differs; otherwise the
    /// bucket's error.
    pub async fn put_stream(
        &self,
        reader: &mut (impl AsyncRead + Unpin),
        key: &str,
        content_type: &str,
    ) -> Result<Stored, Error> {
        upload::stream(self, reader, key, content_type).await
    }

    /// Downloads the version of an object that [`Bucket::head`] returned into a file, in bounded memory, and
    /// returns its SHA-256 in hex.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be written, [`Error::Mismatch`] if the response has the wrong
    /// length; otherwise the bucket's error.
    pub async fn get_file(&self, key: &str, head: &Head, path: &Path) -> Result<String, Error> {
        download::file(self, key, head, path).await
    }

    /// Returns a client that reads the given version, or else the newest.
    pub(crate) fn reading(&self, version_id: Option<&str>) -> Result<s3::Bucket, Error> {
        let Some(version) = version_id else {
            return Ok(self.parts.clone());
        };
        let query = HashMap::from([("versionId".to_owned(), version.to_owned())]);
        Ok(self.parts.with_extra_query(query)?)
    }

    /// Uploads bytes in one request and verifies the stored object.
    pub async fn put_bytes(&self, bytes: &[u8], key: &str, content_type: &str) -> Result<Stored, Error> {
        upload::bytes(self, bytes, key, content_type).await
    }

    /// Returns the metadata of an object.
    ///
    /// # Errors
    /// [`Error::Missing`] if the key has no object.
    pub async fn head(&self, key: &str) -> Result<Head, Error> {
        let (head, _) = timed(self.control.head_object(key)).await?;
        let size = head.content_length.and_then(|size| u64::try_from(size).ok());
        Ok(Head {
            size: size.ok_or_else(|| Error::Unavailable("the response has no content length".into()))?,
            version_id: head
                .version_id
                .filter(|version| !version.is_empty() && version != "null"),
            sha256: head
                .metadata
                .and_then(|mut metadata| metadata.remove(upload::HASH_METADATA)),
            content_type: head.content_type,
        })
    }

    /// Returns whether a key has an object.
    pub async fn exists(&self, key: &str) -> Result<bool, Error> {
        match self.head(key).await {
            Ok(_) => Ok(true),
            Err(Error::Missing) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes an object. In a versioned bucket only a deletion with `version_id` is permanent. Deleting a
    /// missing object succeeds.
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

    /// Lists up to 1,000 keys with a prefix.
    pub async fn list(&self, key_prefix: &str) -> Result<Vec<String>, Error> {
        let page = self
            .control
            .list_page(key_prefix.to_owned(), None, None, None, Some(1000));
        let (page, _) = timed(page).await?;
        Ok(page.contents.into_iter().map(|object| object.key).collect())
    }

    /// Aborts unfinished multipart uploads that were started before `started_before`, for keys with a prefix,
    /// and returns their number. The store charges for their parts until then. Returns 0 if the store cannot
    /// list unfinished uploads.
    pub async fn abort_unfinished(
        &self,
        key_prefix: &str,
        started_before: DateTime<Utc>,
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
            let started = DateTime::parse_from_rfc3339(&unfinished.initiated).ok();
            if started.is_some_and(|started| started < started_before) {
                timed(self.control.abort_upload(&unfinished.key, &unfinished.id)).await?;
                aborted += 1;
            }
        }
        Ok(aborted)
    }

    /// Signs a URL that reads an object for `ttl`, at most seven days. Sends no request.
    ///
    /// # Errors
    /// [`Error::Config`] if the key cannot be signed.
    pub async fn presign_get(&self, key: &str, ttl: Duration) -> Result<Presigned, Error> {
        let ttl = ttl.min(MAX_PRESIGNED_TTL);
        let seconds = u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX);
        let url = self.public.presign_get(key, seconds, None).await?;
        // The S3 crate signs with the system clock, so the time of the signature is read from the URL.
        let signed_at = signed_at(&url)
            .ok_or_else(|| Error::Config("the presigned URL has no valid X-Amz-Date".into()))?;
        let expires_at = signed_at + TimeDelta::seconds(i64::from(seconds));
        Ok(Presigned { url, expires_at })
    }
}

fn signed_at(url: &str) -> Option<DateTime<Utc>> {
    let url = Url::parse(url).ok()?;
    let (_, date) = url.query_pairs().find(|(name, _)| name == "X-Amz-Date")?;
    let date = NaiveDateTime::parse_from_str(&date, "%Y%m%dT%H%M%SZ").ok()?;
    Some(date.and_utc())
}

/// Limits a request and its one retry to slightly more time than the client's own timeout.
async fn timed<T>(call: impl Future<Output = Result<T, S3Error>>) -> Result<T, Error> {
    match tokio::time::timeout(CONTROL_TIMEOUT + CONTROL_TIMEOUT / 2, call).await {
        Ok(result) => result.map_err(Error::from),
        Err(_) => Err(Error::Unavailable("the request timed out".into())),
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
