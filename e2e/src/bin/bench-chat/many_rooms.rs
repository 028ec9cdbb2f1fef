//! Many rooms in which each somebody speaks: whether all is stored, and by how many commands.

use anyhow::{Context, Result};
use e2e::api::{User, number};
use e2e::inside;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;
use stack::{Platform, Service};

use crate::crowd::{Crowd, Host};

const ROOMS: usize = 200;
/// Messages a second, in all rooms together.
const PER_SECOND: u32 = 2000;
/// Two hundred encoders would measure the encoders: the rooms are opened in the database.
const LIVE: &str = "UPDATE streams SET status = 'live' WHERE id = ANY($1)";

pub(crate) async fn measure(
    platform: &Platform,
    host: &Host,
    streamer: &User,
    tokens: &[String],
) -> Result<()> {
    let host = Host {
        rooms: open(platform, streamer).await?,
        ..host.clone()
    };
    let mut crowd = Crowd::gather(&host, ROOMS, tokens).await?;
    let before = counts(platform).await?;
    let figures = crowd.measure(&host, Some(PER_SECOND)).await?;
    let after = counts(platform).await?;
    let [stored, commands] = [0, 1].map(|n| after[n] - before[n]);
    println!(
        "{ROOMS} rooms, {PER_SECOND} messages/s: {figures}; with the warm-up {stored:.0} stored by {commands:.0} inserts"
    );
    Ok(())
}

async fn open(platform: &Platform, streamer: &User) -> Result<Vec<i64>> {
    let make = |n: usize| async move {
        let made = json!({ "title": format!("Room {n}") });
        number(
            &streamer.api.post("/streams", made).await?.expect(201)?,
            "/data/id",
        )
    };
    let rooms: Vec<i64> = stream::iter(0..ROOMS)
        .map(make)
        .buffer_unordered(4)
        .try_collect()
        .await?;
    let database = inside::database(platform, Service::Stream).await?;
    database.execute(LIVE, &[&rooms]).await?;
    Ok(rooms)
}

/// Messages that are stored, and the commands that stored them.
async fn counts(platform: &Platform) -> Result<[f64; 2]> {
    let metrics = inside::metrics(platform, Service::Chat).await?;
    let count = |name| inside::metric(&metrics, name).with_context(|| format!("no {name}"));
    Ok([count("chat_messages_total")?, count("chat_inserts_total")?])
}
