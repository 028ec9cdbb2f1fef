//! Many rooms in which each somebody speaks: whether all is stored, and by how many commands.

use std::time::Duration;

use anyhow::{Context, Result};
use e2e::inside;
use mongodb::bson::{Document, doc};
use stack::{Platform, Service};
use tokio::time::sleep;

use crate::crowd::{Crowd, Host};

const ROOMS: i64 = 200;
/// Messages a second, in all rooms together.
const PER_SECOND: u32 = 2000;
/// Streams that nobody has made.
const FIRST: i64 = 1_000_000;
/// The last messages are answered by then.
const ANSWERED: Duration = Duration::from_secs(2);

pub(crate) async fn measure(platform: &Platform, host: &Host, tokens: &[String]) -> Result<()> {
    let host = Host {
        rooms: open(platform).await?,
        watched: false,
        ..host.clone()
    };
    let mut crowd = Crowd::gather(&host, tokens.len(), tokens).await?;
    let (stored, inserts) = counts(platform).await?;
    let figures = crowd.measure(&host, Some(PER_SECOND)).await?;
    sleep(ANSWERED).await;
    let after = counts(platform).await?;
    let (stored, inserts) = (after.0 - stored, after.1 - inserts);
    println!(
        "{ROOMS} rooms, {PER_SECOND} messages/s: {} said in 10 s, {} refused, {:.1} s of CPU; with the 2 s before, {stored:.0} stored by \
         {inserts:.0} inserts",
        figures.said, figures.refused, figures.cpu
    );
    Ok(())
}

/// Two hundred encoders would measure the encoders: these rooms are live in the chat service's copy alone,
/// which is all that it asks.
async fn open(platform: &Platform) -> Result<Vec<i64>> {
    let rooms: Vec<i64> = (FIRST..FIRST + ROOMS).collect();
    let rows = rooms.iter().map(|room| {
        doc! { "_id": room.to_string(), "ownerId": "1", "live": true, "gone": false, "version": 1_i64 }
    });
    let client = mongodb::Client::with_uri_str(platform.mongodb_url()).await?;
    let database = client.database(platform.mongodb_database());
    let copy = database.collection::<Document>("rooms");
    copy.insert_many(rows).await?;
    Ok(rooms)
}

/// Messages that are stored, and the commands that stored them.
async fn counts(platform: &Platform) -> Result<(f64, f64)> {
    let metrics = inside::metrics(platform, Service::Chat).await?;
    let count = |name| inside::metric(&metrics, name).with_context(|| format!("no {name}"));
    Ok((count("chat_messages_total")?, count("chat_inserts_total")?))
}
