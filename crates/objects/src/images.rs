//! Images that users upload: validated, re-encoded and stored in the bucket.

use std::time::Duration;

use bucket::Bucket;
use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use primitives::{Clock, Error, ErrorKind, FieldError};
use storage::Database;
use uuid::Uuid;

use crate::PendingDeletion;
use crate::ledger::{commit, reserve, schedule_deletion};

/// How long a presigned URL of an image is valid.
pub(crate) const URL_TTL: Duration = Duration::from_secs(24 * 3600);

/// Stores the images of a service.
#[derive(Debug, Clone)]
pub struct ImageStore {
    pub(crate) database: Database,
    pub(crate) bucket: Bucket,
    pub(crate) clock: Clock,
}

/// An uploaded image. Its key is only reserved until [`replace`] commits it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredImage {
    pub key: String,
    /// Absent if the bucket has no versions.
    pub version_id: Option<String>,
    /// Presigned for the public endpoint.
    pub url: String,
    pub url_expires_at: DateTime<Utc>,
}

impl ImageStore {
    /// `database` must have this crate's migrations.
    #[must_use]
    pub fn new(database: Database, bucket: Bucket, clock: Clock) -> Self {
        Self {
            database,
            bucket,
            clock,
        }
    }

    /// Stores an image under `folder`, scaled down to at most `max_px` pixels in width and height. Returns
    /// `None` if `bytes` is empty.
    ///
    /// # Errors
    /// `UnsupportedMedia` for other file types, `TooLarge` for more than 5 MiB, `Invalid` for a damaged file
    /// or too many pixels; all but `TooLarge` name `field`. `Unavailable` without database or bucket.
    pub async fn add(
        &self,
        bytes: Vec<u8>,
        max_px: u32,
        folder: &str,
        field: &'static str,
    ) -> Result<Option<StoredImage>, Error> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let jpeg = media::image::normalise(bytes, max_px)
            .await
            .map_err(|error| rejection(&error, field))?;
        let key = self
            .bucket
            .key(&format!("{folder}/{}.jpg", Uuid::now_v7().simple()));
        let (keys, now) = ([key.clone()], self.clock.now());
        let reservation = async move |conn: &mut AsyncPgConnection| reserve(conn, &keys, now).await;
        self.database.transaction(reservation).await?;
        let stored = self
            .bucket
            .put_bytes(&jpeg.bytes, &key, "image/jpeg")
            .await
            .map_err(unavailable)?;
        let presigned = self
            .bucket
            .presign_get(&key, URL_TTL)
            .await
            .map_err(unavailable)?;
        Ok(Some(StoredImage {
            key,
            version_id: stored.version_id,
            url: presigned.url,
            url_expires_at: presigned.expires_at,
        }))
    }
}

/// Commits a new image and schedules the deletion of the one it replaces. Call it in the transaction that
/// writes the row.
pub async fn replace(
    conn: &mut AsyncPgConnection,
    image: Option<&StoredImage>,
    previous: Option<PendingDeletion>,
    now: DateTime<Utc>,
) -> storage::Result<()> {
    if let Some(image) = image {
        commit(conn, &[&image.key]).await?;
    }
    schedule_deletion(conn, previous.as_slice(), now).await
}

fn rejection(error: &media::image::Error, field: &'static str) -> Error {
    match error {
        media::image::Error::UnknownFormat => Error {
            fields: vec![FieldError::new(
                field,
                "unsupported_media",
                "must be a JPEG, PNG, WebP or GIF",
            )],
            ..Error::new(
                ErrorKind::UnsupportedMedia,
                "upload.unsupported_media",
                "The file must be a JPEG, PNG, WebP or GIF.",
            )
        },
        media::image::Error::TooManyBytes => {
            let detail = "The image is larger than 5 MiB.";
            Error::new(ErrorKind::TooLarge, "upload.too_large", detail)
        }
        media::image::Error::TooManyPixels => Error::from(
            FieldError::new(field, "too_many_pixels", "must have at most 40 million pixels")
                .with("max", 40_000_000),
        ),
        media::image::Error::Damaged => {
            Error::from(FieldError::new(field, "damaged_file", "must not be damaged"))
        }
    }
}

fn unavailable(error: bucket::Error) -> Error {
    tracing::warn!(%error, "bucket request failed");
    Error::unavailable()
}
