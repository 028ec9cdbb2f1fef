//! URLs that end soon are signed anew when they are about to be answered.

use bucket::needs_renewal;
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::Pictures;
use crate::pictures::URL_LIFE;

/// Where a table keeps the URL of a picture.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// The table; its key is `id`.
    pub table: &'static str,
    /// The URL.
    pub url: &'static str,
    /// Its end.
    pub expires_at: &'static str,
}

/// What a row that is about to be answered shows of its picture.
#[derive(Debug)]
pub struct Shown<'a> {
    /// The row.
    pub id: i64,
    /// The object; without one there is no URL.
    pub key: Option<&'a str>,
    /// The URL.
    pub url: &'a mut Option<String>,
    /// Its end.
    pub expires_at: &'a mut Option<DateTime<Utc>>,
}

#[derive(Default)]
struct Renewed {
    ids: Vec<i64>,
    urls: Vec<String>,
    ends: Vec<DateTime<Utc>>,
}

impl Pictures {
    /// Renews the URLs that have less than an hour left, in the rows and, by one statement for all of them,
    /// in their table. Where that fails the rows keep what they have: an old URL is better than no answer.
    pub async fn renew(&self, columns: Columns, rows: Vec<Shown<'_>>) {
        let (now, mut renewed) = (self.clock.now(), Renewed::default());
        for row in rows {
            let Some(key) = row.key else { continue };
            if row.expires_at.is_some_and(|end| !needs_renewal(end, now)) {
                continue;
            }
            match self.bucket.presign_get(key, URL_LIFE).await {
                Ok(presigned) => {
                    renewed.ids.push(row.id);
                    renewed.urls.push(presigned.url.clone());
                    renewed.ends.push(presigned.expires_at);
                    (*row.url, *row.expires_at) = (Some(presigned.url), Some(presigned.expires_at));
                }
                Err(error) => tracing::warn!(%error, "a URL was not renewed"),
            }
        }
        if let Err(error) = self.store(columns, renewed).await {
            tracing::warn!(%error, table = columns.table, "renewed URLs were not stored");
        }
    }

    async fn store(&self, columns: Columns, renewed: Renewed) -> storage::Result<()> {
        if renewed.ids.is_empty() {
            return Ok(());
        }
        let Columns {
            table,
            url,
            expires_at,
        } = columns;
        // Another replica may have renewed meanwhile; the later end wins. A picture that went meanwhile stays
        // gone.
        let statement = format!(
            "UPDATE {table} SET {url} = new.url, {expires_at} = new.ends FROM unnest($1, $2, $3) AS new(id, url, ends) \
             WHERE {table}.id = new.id AND {table}.{expires_at} <= new.ends"
        );
        self.database
            .transaction(async move |conn: &mut AsyncPgConnection| {
                diesel::sql_query(statement)
                    .bind::<Array<BigInt>, _>(renewed.ids)
                    .bind::<Array<Text>, _>(renewed.urls)
                    .bind::<Array<Timestamptz>, _>(renewed.ends)
                    .execute(conn)
                    .await?;
                Ok::<_, storage::Error>(())
            })
            .await
    }
}
