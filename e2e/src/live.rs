//! Streams, and how one goes live.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use stack::{Platform, Publisher, eventually};

use crate::api::{User, number, text};

/// The longest wait for a stream to be live.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes a stream; answers its id and the stream key.
///
/// # Errors
/// When the answer is not the contract's.
pub async fn create_stream(streamer: &User) -> Result<(i64, String)> {
    let title = json!({"title": "A stream"});
    let made = streamer.api.post("/streams", title).await?.expect(201)?;
    Ok((number(&made, "/data/id")?, text(&made, "/data/streamKey")?))
}

/// Makes a stream and publishes to it; answers its id when it is live.
///
/// # Errors
/// When it does not go live.
pub async fn go_live(platform: &Platform, streamer: &User) -> Result<(i64, Publisher)> {
    let (id, key) = create_stream(streamer).await?;
    let publisher = Publisher::start(&platform.publish_url(&key)).await?;
    eventually(PATIENCE, "the stream", async || {
        let found = streamer.api.get(&format!("/streams/{id}")).await?.expect(200)?;
        ensure!(text(&found, "/stream/status")? == "live", "not live yet");
        anyhow::Ok(())
    })
    .await?;
    Ok((id, publisher))
}
