//! Many rooms with one sender each: whether all messages are stored, and with how many commands.

use std::time::Duration;

use anyhow::{Context, Result};
use e2e::inside;
use mongodb::bson::{Document, doc};
use stack::{Platform, Service};
use tokio::time::sleep;

use crate::crowd::{Crowd, Host};

const ROOMS: i64 = 200;
/// Messages per second over all rooms.
const PER_SECOND: u32 = 2000;
/// First id of the rooms, above all stream ids.
const FIRST_ID: i64 = 1_000_000;
/// Time until the last messages are acknowledged.
const ACK_TIME: Duration = Duration::from_secs(2);

pub(crate) async fn measure(platform: &Platform, host: &Host, tokens: &[String]) -> Result<()> {
    let host = Host {
        rooms: open(platform).await?,
        watched: false,
        ..host.clone()
    };
    let mut crowd = Crowd::gather(&host, tokens.len(), tokens).await?;
    let (stored, inserts) = counts(platform).await?;
    let figures = crowd.measure(&host, Some(PER_SECOND)).await?;
    sleep(ACK_TIME).await;
    let after = counts(platform).await?;
    let (stored, inserts) = (after.0 - stored, after.1 - inserts);
    println!(
        "{ROOMS} rooms, {PER_SECOND} messages/s: {} sent in 10 s, {} refused, {:.1} s of CPU; with the 2 s \
         before, {stored:.0} stored by {inserts:.0} inserts",
        figures.sent, figures.refused, figures.cpu
    );
    Ok(())
}

/// Creates the rooms in the chat service's copy of streams only: 200 encoders would distort the measurement.
async fn open(platform: &Platform) -> Result<Vec<i64>> {
    let rooms: Vec<i64> = (FIRST_ID..FIRST_ID + ROOMS).collect();
    let rows = rooms.iter().map(|room| {
        doc! { "_id": room.to_string(), "ownerId": "1", "live": true, "gone": false, "version": 1_i64 }
    });
    let client = mongodb::Client::with_uri_str(platform.mongodb_url()).await?;
    let database = client.database(platform.mongodb_database());
    let copy = database.collection::<Document>("rooms");
    copy.insert_many(rows).await?;
    Ok(rooms)
}

/// Returns the number of stored messages, and of insert commands.
async fn counts(platform: &Platform) -> Result<(f64, f64)> {
    let metrics = inside::metrics(platform, Service::Chat).await?;
    let count = |name| inside::metric(&metrics, name).with_context(|| format!("no {name}"));
    Ok((count("chat_messages_total")?, count("chat_inserts_total")?))
}
