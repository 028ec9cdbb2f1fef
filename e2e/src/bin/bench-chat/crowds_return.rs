//! Kills and restarts a gateway; its sockets reconnect, each after its own delay, and load missing messages.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::RngExt;
use stack::{Platform, Service};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::crowd::{Crowd, Host};
use crate::socket::Socket;

/// Number of sockets.
const SOCKETS: usize = 2000;
/// First attempts are spread over this time.
const SPREAD: Duration = Duration::from_secs(10);
const RETRY_DELAY: Duration = Duration::from_millis(250);
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) async fn measure(platform: &mut Platform, host: &Host, tokens: &[String]) -> Result<()> {
    let crowd = Crowd::gather(host, SOCKETS, tokens).await?;
    let room = *host.rooms.first().context("no room")?;
    let mut probe = Socket::connect(&host.address, None).await?;
    let head = probe.join(room, None).await?.context("no messages")?;
    let gateway = platform.services().process(Service::Gateway)?;
    gateway.kill().await?;
    let killed = Instant::now();
    drop(crowd);
    gateway.again()?;
    let mut returning = JoinSet::new();
    for _ in 0..SOCKETS {
        let address = host.address.clone();
        let first = SPREAD.mul_f64(rand::rng().random_range(0.0..1.0));
        returning.spawn(async move {
            sleep(first.saturating_sub(killed.elapsed())).await;
            timeout(TIMEOUT, reconnect(&address, room, head - 50, head)).await?
        });
    }
    let (mut times, mut sockets) = (Vec::new(), Vec::new());
    while let Some(socket) = returning.join_next().await {
        sockets.push(socket??);
        times.push(killed.elapsed());
    }
    let last = times.last().copied().unwrap_or_default();
    println!(
        "{SOCKETS} sockets of a killed gateway, spread over {} s: the last one had all messages \
         after {:.1} s",
        SPREAD.as_secs(),
        last.as_secs_f64()
    );
    Ok(())
}

async fn reconnect(address: &str, room: i64, after: i64, head: i64) -> Result<Socket> {
    loop {
        if let Ok(mut socket) = Socket::connect(address, None).await
            && let Ok(Some(last)) = socket.join(room, Some(after)).await
            && last >= head
        {
            return Ok(socket);
        }
        sleep(RETRY_DELAY).await;
    }
}
