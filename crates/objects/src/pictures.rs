//! Pictures that people send: looked at, written anew, put into the bucket.

use std::time::Duration;

use bucket::Bucket;
use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use primitives::{Clock, Error, ErrorKind, FieldError};
use storage::Database;
use uuid::Uuid;

use crate::Doomed;
use crate::ledger::{announce, doom, keep};

/// How long a picture's URL lives.
pub(crate) const URL_LIFE: Duration = Duration::from_secs(24 * 3600);

/// The pictures of a service.
#[derive(Debug, Clone)]
pub struct Pictures {
    pub(crate) database: Database,
    pub(crate) bucket: Bucket,
    pub(crate) clock: Clock,
}

/// A picture in the bucket. Until a transaction makes it [a row's](replace), it is announced for removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The object's key.
    pub key: String,
    /// Its version, where the bucket has versions.
    pub version_id: Option<String>,
    /// Presigned for the public endpoint.
    pub url: String,
    /// The URL's end.
    pub url_expires_at: DateTime<Utc>,
}

impl Pictures {
    /// Pictures in a bucket, announced in a database that has this crate's migration.
    #[must_use]
    pub fn new(database: Database, bucket: Bucket, clock: Clock) -> Self {
        Self {
            database,
            bucket,
            clock,
        }
    }

    /// Puts a picture into the bucket under `folder`, scaled to at most `max_px`. No bytes are no picture.
    ///
    /// # Errors
    /// 415 for another type of file and 400 for a damaged one, both naming `field`; unavailable without
    /// database or bucket.
    pub async fn add(
        &self,
        bytes: Vec<u8>,
        max_px: u32,
        folder: &str,
        field: &'static str,
    ) -> Result<Option<Picture>, Error> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let jpeg = media::image::normalise(bytes, max_px)
            .await
            .map_err(|error| refusal(&error, field))?;
        let key = self
            .bucket
            .key(&format!("{folder}/{}.jpg", Uuid::now_v7().simple()));
        let (keys, now) = ([key.clone()], self.clock.now());
        let announced = async move |conn: &mut AsyncPgConnection| announce(conn, &keys, now).await;
        self.database.transaction(announced).await?;
        let stored = self
            .bucket
            .put_bytes(&jpeg.bytes, &key, "image/jpeg")
            .await
            .map_err(unavailable)?;
        let presigned = self
            .bucket
            .presign_get(&key, URL_LIFE)
            .await
            .map_err(unavailable)?;
        Ok(Some(Picture {
            key,
            version_id: stored.version_id,
            url: presigned.url,
            url_expires_at: presigned.expires_at,
        }))
    }
}

/// Makes a picture a row's, in the transaction that writes the row, and dooms the one before it.
///
/// # Errors
/// The database's.
pub async fn replace(
    conn: &mut AsyncPgConnection,
    picture: Option<&Picture>,
    before: Option<Doomed>,
    now: DateTime<Utc>,
) -> storage::Result<()> {
    if let Some(picture) = picture {
        keep(conn, &[&picture.key]).await?;
    }
    doom(conn, before.as_slice(), now).await
}

fn refusal(error: &media::image::Error, field: &'static str) -> Error {
    match error {
        media::image::Error::UnknownFormat => Error {
            fields: vec![FieldError::new(
                field,
                "invalid",
                "must be a JPEG, PNG, WebP or GIF",
            )],
            ..Error::new(
                ErrorKind::UnsupportedMedia,
                "upload.unsupported_media",
                "The file is no JPEG, PNG, WebP or GIF.",
            )
        },
        media::image::Error::TooManyBytes => {
            let detail = "The picture is larger than 5 MiB.";
            Error::new(ErrorKind::TooLarge, "upload.too_large", detail)
        }
        media::image::Error::TooManyPixels => Error::from(FieldError::new(
            field,
            "invalid",
            "must have at most 40 million pixels",
        )),
        media::image::Error::Damaged => Error::from(FieldError::new(field, "invalid", "must not be damaged")),
    }
}

fn unavailable(error: bucket::Error) -> Error {
    tracing::warn!(%error, "the bucket failed");
    Error::unavailable()
}
