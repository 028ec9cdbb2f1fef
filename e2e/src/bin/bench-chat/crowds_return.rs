//! A gateway is killed and started again; its sockets come back, each at a time of its own, and catch up.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::RngExt;
use stack::{Platform, Service};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::crowd::{Crowd, Host};
use crate::socket::Socket;

/// Sockets that come back.
const SOCKETS: usize = 2000;
/// Over so long they try for the first time.
const SPREAD: Duration = Duration::from_secs(10);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn measure(platform: &mut Platform, host: &Host, tokens: &[String]) -> Result<()> {
    let crowd = Crowd::gather(host, SOCKETS, tokens).await?;
    let room = *host.rooms.first().context("no room")?;
    let mut asking = Socket::connect(&host.address, None).await?;
    let head = asking.join(room, None).await?.context("no messages")?;
    let gateway = platform.services().process(Service::Gateway)?;
    gateway.kill().await?;
    let killed = Instant::now();
    drop(crowd);
    gateway.again()?;
    let mut coming = JoinSet::new();
    for _ in 0..SOCKETS {
        let address = host.address.clone();
        let first = SPREAD.mul_f64(rand::rng().random_range(0.0..1.0));
        coming.spawn(async move {
            sleep(first.saturating_sub(killed.elapsed())).await;
            timeout(PATIENCE, come_back(&address, room, head - 50, head)).await?
        });
    }
    let (mut times, mut sockets) = (Vec::new(), Vec::new());
    while let Some(socket) = coming.join_next().await {
        sockets.push(socket??);
        times.push(killed.elapsed());
    }
    let last = times.last().copied().unwrap_or_default();
    println!(
        "{SOCKETS} sockets of a gateway that was killed, over {} s: the last was back with all messages after {:.1} s",
        SPREAD.as_secs(),
        last.as_secs_f64()
    );
    Ok(())
}

async fn come_back(address: &str, room: i64, after: i64, head: i64) -> Result<Socket> {
    loop {
        if let Ok(mut socket) = Socket::connect(address, None).await
            && let Ok(Some(last)) = socket.join(room, Some(after)).await
            && last >= head
        {
            return Ok(socket);
        }
        sleep(PAUSE).await;
    }
}
