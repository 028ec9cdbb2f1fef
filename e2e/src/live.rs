//! Creates streams and takes them live.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use stack::{Platform, Publisher, eventually};

use crate::api::{User, number, text};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Creates a stream and returns its id and stream key.
pub async fn create_stream(streamer: &User) -> Result<(i64, String)> {
    let title = json!({"title": "A stream"});
    let created = streamer.api.post("/streams", title).await?.expect(201)?;
    Ok((number(&created, "/data/id")?, text(&created, "/data/streamKey")?))
}

/// Creates a stream, publishes to it and returns its id once it is live.
pub async fn go_live(platform: &Platform, streamer: &User) -> Result<(i64, Publisher)> {
    let (id, key) = create_stream(streamer).await?;
    let publisher = Publisher::start(&platform.publish_url(&key)).await?;
    eventually(TIMEOUT, "the stream", async || {
        let found = streamer.api.get(&format!("/streams/{id}")).await?.expect(200)?;
        ensure!(text(&found, "/stream/status")? == "live", "not live yet");
        anyhow::Ok(())
    })
    .await?;
    Ok((id, publisher))
}
