//! Renews presigned URLs that are about to expire before they are returned to a client.

use bucket::needs_renewal;
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::ImageStore;
use crate::images::URL_TTL;

/// The columns in which a table stores the URL of an image.
#[derive(Debug, Clone, Copy)]
pub struct UrlColumns {
    /// A table with the primary key `id`.
    pub table: &'static str,
    pub url: &'static str,
    pub expires_at: &'static str,
}

/// The URL in a row that is about to be returned.
#[derive(Debug)]
pub struct RenewableUrl<'a> {
    /// The id of the row.
    pub id: i64,
    /// The key of the object. A row without an object has no URL.
    pub key: Option<&'a str>,
    pub url: &'a mut Option<String>,
    pub expires_at: &'a mut Option<DateTime<Utc>>,
}

/// Gives a row with the columns of an image the method `shown`, which returns its [`RenewableUrl`]. If the
/// column of the object's version is named, too, `picture` returns the object as a
/// [`PendingDeletion`](crate::PendingDeletion).
#[macro_export]
macro_rules! image_columns {
    ($row:ty, $key:ident, $url:ident, $expires_at:ident $(, $version:ident)?) => {
        impl $row {
            pub(crate) fn shown(&mut self) -> $crate::RenewableUrl<'_> {
                $crate::RenewableUrl {
                    id: self.id,
                    key: self.$key.as_deref(),
                    url: &mut self.$url,
                    expires_at: &mut self.$expires_at,
                }
            }

            $(
                pub(crate) fn picture(&self) -> Option<$crate::PendingDeletion> {
                    let key = self.$key.clone()?;
                    let version_id = self.$version.clone();
                    Some($crate::PendingDeletion { key, version_id })
                }
            )?
        }
    };
}

#[derive(Default)]
struct RenewedUrls {
    ids: Vec<i64>,
    urls: Vec<String>,
    expiries: Vec<DateTime<Utc>>,
}

impl ImageStore {
    /// Renews the URLs that expire within an hour, in `rows` and with one statement in their table. On
    /// failure the rows keep their old URLs, since an old URL is better than an error.
    pub async fn renew(&self, columns: UrlColumns, rows: Vec<RenewableUrl<'_>>) {
        let (now, mut renewed) = (self.clock.now(), RenewedUrls::default());
        for row in rows {
            let Some(key) = row.key else { continue };
            if row.expires_at.is_some_and(|expiry| !needs_renewal(expiry, now)) {
                continue;
            }
            match self.bucket.presign_get(key, URL_TTL).await {
                Ok(presigned) => {
                    renewed.ids.push(row.id);
                    renewed.urls.push(presigned.url.clone());
                    renewed.expiries.push(presigned.expires_at);
                    (*row.url, *row.expires_at) = (Some(presigned.url), Some(presigned.expires_at));
                }
                Err(error) => tracing::warn!(%error, "URL not renewed"),
            }
        }
        if let Err(error) = self.store(columns, renewed).await {
            tracing::warn!(%error, table = columns.table, "renewed URLs not stored");
        }
    }

    async fn store(&self, columns: UrlColumns, renewed: RenewedUrls) -> storage::Result<()> {
        if renewed.ids.is_empty() {
            return Ok(());
        }
        let UrlColumns {
            table,
            url,
            expires_at,
        } = columns;
        // Another replica may have renewed the URL meanwhile: the later expiry wins. An image that was
        // removed meanwhile has no expiry, so the comparison skips it.
        let statement = format!(
            "UPDATE {table} SET {url} = new.url, {expires_at} = new.expiry \
             FROM unnest($1, $2, $3) AS new(id, url, expiry) \
             WHERE {table}.id = new.id AND {table}.{expires_at} <= new.expiry"
        );
        self.database
            .transaction(async move |conn: &mut AsyncPgConnection| {
                diesel::sql_query(statement)
                    .bind::<Array<BigInt>, _>(renewed.ids)
                    .bind::<Array<Text>, _>(renewed.urls)
                    .bind::<Array<Timestamptz>, _>(renewed.expiries)
                    .execute(conn)
                    .await?;
                Ok::<_, storage::Error>(())
            })
            .await
    }
}
