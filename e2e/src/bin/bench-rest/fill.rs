//! Fills the platform with 100,000 users, 20,000 streams, 50,000 VODs and 1,000,000 follows.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::inside::database;
use stack::{Platform, Service, eventually};
use tokio_postgres::Client;

use crate::queries::words;

/// Timeout of the services' indexing.
const TIMEOUT: Duration = Duration::from_secs(600);

const USERS: &str = "INSERT INTO users (username, password, display_name) \
    SELECT 'user_' || n, '!', 'User ' || n FROM generate_series(1, 100000) n";
/// A few users have many followers.
const FOLLOWS: &str = "INSERT INTO follows (follower_id, following_id) \
    SELECT follower, following FROM (SELECT 1 + floor(random() * 100000)::bigint AS follower, \
    1 + floor(100000 * power(random(), 3))::bigint AS following FROM generate_series(1, 1003000)) pairs \
    WHERE follower <> following ON CONFLICT DO NOTHING";
const OWNERS_OF_STREAMS: &str = "INSERT INTO owners (id, username, display_name, version, ban_version) \
    SELECT n, 'user_' || n, 'User ' || n, 1, 0 FROM generate_series(1, 100000) n ON CONFLICT DO NOTHING";
/// `$1` are the words of titles. Playback names use other letters than a hash.
const STREAMS: &str = "INSERT INTO streams (user_id, playback_name, secret_hash, secret_sealed, \
    key_fingerprint, title, description, category_id, created_at) \
    SELECT 1 + (n * 5) % 100000, substr(translate(md5(n::text), '0189', 'ghij'), 1, 20), \
    sha256(n::text::bytea), ''::bytea, '', \
    ($1::text[])[1 + (n * 7919) % 1000] || ' ' || ($1::text[])[1 + (n * 10473) % 1000] \
    || ' ' || ($1::text[])[1 + (n * 131) % 1000], \
    'About: ' || ($1::text[])[1 + (n * 31) % 1000], 1 + n % 8, now() - n * interval '1 minute' \
    FROM generate_series(1, 20000) n";
const OWNERS_OF_VODS: &str = "INSERT INTO owners (id, username, display_name, version) \
    SELECT n, 'user_' || n, 'User ' || n, 1 FROM generate_series(1, 100000) n ON CONFLICT DO NOTHING";
const VODS: &str = "INSERT INTO vods (user_id, title, description, status, video_url, url_expires_at, \
    b2_file_name, category_id, duration_seconds, created_at) \
    SELECT 1 + (n * 3) % 100000, \
    ($1::text[])[1 + (n * 7919) % 1000] || ' ' || ($1::text[])[1 + (n * 10473) % 1000] \
    || ' ' || ($1::text[])[1 + (n * 131) % 1000], \
    'About: ' || ($1::text[])[1 + (n * 31) % 1000], 'ready', 'https://bucket.example/' || n, \
    now() + interval '20 hours', 'bench/' || n, 1 + n % 8, 600, now() - n * interval '1 minute' \
    FROM generate_series(1, 50000) n";

/// Fills the databases, and waits until the services have indexed the rows.
pub(crate) async fn fill(platform: &Platform) -> Result<()> {
    let auth = database(platform, Service::Auth).await?;
    auth.execute(USERS, &[]).await?;
    auth.execute(FOLLOWS, &[]).await?;
    let follows: i64 = auth.query_one("SELECT count(*) FROM follows", &[]).await?.get(0);
    println!("{follows} follows");
    let stream = database(platform, Service::Stream).await?;
    stream.execute(OWNERS_OF_STREAMS, &[]).await?;
    stream.execute(STREAMS, &[&words()]).await?;
    let vod = database(platform, Service::Vod).await?;
    vod.execute(OWNERS_OF_VODS, &[]).await?;
    vod.execute(VODS, &[&words()]).await?;
    for (client, table) in [(&stream, "streams"), (&vod, "vods")] {
        indexed(client, table).await?;
    }
    Ok(())
}

/// Runs the servers' maintenance now, so that it does not run during a measurement.
pub(crate) async fn settle(platform: &Platform) -> Result<()> {
    for service in [
        Service::Auth,
        Service::Stream,
        Service::Vod,
        Service::Notification,
    ] {
        database(platform, service)
            .await?
            .batch_execute("VACUUM ANALYZE")
            .await?;
    }
    let any = database(platform, Service::Auth).await?;
    Ok(any.batch_execute("CHECKPOINT").await?)
}

async fn indexed(client: &Client, table: &str) -> Result<()> {
    let left = format!("SELECT count(*) FROM {table} WHERE search_text IS NULL");
    eventually(TIMEOUT, "the search index", async || {
        let left: i64 = client.query_one(&left, &[]).await?.get(0);
        ensure!(left == 0, "{left} {table} are not indexed");
        anyhow::Ok(())
    })
    .await
}
