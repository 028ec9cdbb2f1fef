//! Measures chat: deliveries per processor time, their latency, the memory of an idle socket, and how fast
//! sockets return after their gateway died.
//!
//! Run it with `make bench-chat`, which provides release builds and a stack. Everything, including the load,
//! runs on this machine. The load goes to the gateway directly, not through the edge.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod bare;
mod crowd;
mod crowds_return;
mod many_rooms;
mod peer;
mod socket;

use std::time::Duration;

use anyhow::{Context, Result};
use crowd::{Crowd, Figures, Host};
use e2e::api::{Api, User};
use e2e::live::go_live;
use e2e::process::{pids_of, resident_mib};
use futures::stream::{self, StreamExt, TryStreamExt};
use socket::Socket;
use stack::{Platform, PlatformOptions, Service};
use tokio::time::sleep;

/// Number of users who send messages.
const SENDERS: usize = 200;
/// Sockets per room, and messages per second.
const ROOMS: [(usize, u32); 3] = [(1000, 40), (200, 400), (200, 800)];
/// Messages per second in a room of 200, raised until it is saturated.
const RATES: [u32; 4] = [1200, 1600, 2400, 3200];
/// The p99 latency above which a room is saturated.
const MAX_LATENCY: Duration = Duration::from_millis(250);
/// Time to write the excess messages to disk.
const COOL_DOWN: Duration = Duration::from_secs(20);
/// Number of idle sockets.
const IDLE: usize = 10_000;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(bare::NAME) {
        let mut next = || arguments.next().context("an argument is missing");
        return bare::serve(next()?.parse()?, next()?.parse()?).await;
    }
    let mut platform = Platform::start(PlatformOptions {
        variables: unlimited(),
    })
    .await?;
    let guest = Api::guest(platform.origin())?;
    let tokens = senders(&guest).await?;
    let streamer = guest.register("bench_streamer").await?;
    let (room, mut publisher) = go_live(&platform, &streamer).await?;
    let host = own(&mut platform, room)?;
    for (clients, per_second) in ROOMS {
        println!("room of {clients}, {per_second} messages/s");
        compare(&platform, &host, clients, per_second, &tokens).await?;
    }
    saturate(&host, &tokens).await?;
    many_rooms::measure(&platform, &host, &tokens).await?;
    idle(&host).await?;
    crowds_return::measure(&mut platform, &host, &tokens).await?;
    publisher.stop().await?;
    platform.stop().await
}

/// All clients share an address, and send faster than the limits.
fn unlimited() -> Vec<(String, String)> {
    let settings = [
        ("AIRWAVE_AUTH_REGISTRATIONS_PER_ADDRESS", "1000000"),
        ("AIRWAVE_GATEWAY_SIGN_INS_PER_MINUTE", "0"),
        ("AIRWAVE_GATEWAY_WRITES_PER_MINUTE", "0"),
        ("AIRWAVE_GATEWAY_SOCKETS_PER_USER", "0"),
        ("AIRWAVE_GATEWAY_SOCKETS_PER_ADDRESS", "0"),
        ("AIRWAVE_GATEWAY_SOCKET_EVENTS_PER_SECOND", "1000"),
        ("AIRWAVE_GATEWAY_SOCKET_EVENT_BURST", "1000"),
        ("AIRWAVE_CHAT_RATE_BURST", "1000"),
        ("AIRWAVE_CHAT_RATE_SECONDS", "1"),
    ];
    settings
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

async fn senders(guest: &Api) -> Result<Vec<String>> {
    let register = |n: usize| async move {
        let user: User = guest.register(&format!("bench_sender_{n}")).await?;
        anyhow::Ok(user.token)
    };
    stream::iter(0..SENDERS)
        .map(register)
        .buffer_unordered(4)
        .try_collect()
        .await
}

/// The platform as a host: counts the processor time of the gateway and of chat.
fn own(platform: &mut Platform, room: i64) -> Result<Host> {
    let mut pids = Vec::new();
    for service in [Service::Gateway, Service::Chat] {
        pids.push(
            platform
                .services()
                .process(service)?
                .pid()
                .context("not running")?,
        );
    }
    Ok(Host {
        address: platform
            .wiring()
            .variable(Service::Gateway, "AIRWAVE_GATEWAY_SOCKET_ADDR")?,
        rooms: vec![room],
        watched: true,
        pids,
    })
}

async fn compare(
    platform: &Platform,
    host: &Host,
    clients: usize,
    per_second: u32,
    tokens: &[String],
) -> Result<()> {
    let broker = pids_of("beam.smp")?;
    let before = e2e::process::cpu_seconds(&broker)?;
    let ours = fill(host, clients, tokens, per_second).await?;
    let broker = e2e::process::cpu_seconds(&broker)? - before;
    println!("  airwave: {ours}; broker {broker:.1} s, joins included");
    let (peer, _process) = peer::start(platform).await?;
    println!("  socket.io: {}", fill(&peer, clients, tokens, per_second).await?);
    let (bare, _process) = bare::start(clients, per_second).await?;
    let mut crowd = Crowd::gather(&bare, clients, &[]).await?;
    println!("  frames in a loop: {}", crowd.measure(&bare, None).await?);
    Ok(())
}

async fn fill(host: &Host, clients: usize, tokens: &[String], per_second: u32) -> Result<Figures> {
    let mut crowd = Crowd::gather(host, clients, tokens).await?;
    crowd.measure(host, Some(per_second)).await
}

/// Finds the maximum rate of a room of 200, and the latency at half of it.
async fn saturate(host: &Host, tokens: &[String]) -> Result<()> {
    let mut max = 800;
    for per_second in RATES {
        let figures = fill(host, 200, tokens, per_second).await?;
        println!("room of 200, {per_second} messages/s: {figures}");
        if figures.delivered < figures.sent * 200 * 95 / 100 || figures.p99() > MAX_LATENCY {
            break;
        }
        max = per_second;
    }
    sleep(COOL_DOWN).await;
    let half = fill(host, 200, tokens, max / 2).await?;
    println!("room of 200, half of the maximum rate ({max} messages/s): {half}");
    Ok(())
}

/// Measures the memory of idle sockets.
async fn idle(host: &Host) -> Result<()> {
    let gateway = *host.pids.first().context("no gateway")?;
    let before = resident_mib(gateway)?;
    let connect = |_| Socket::connect(&host.address, None);
    let sockets: Vec<Socket> = stream::iter(0..IDLE)
        .map(connect)
        .buffer_unordered(50)
        .try_collect()
        .await?;
    let each = (resident_mib(gateway)? - before) * 1024.0 / sockets.len() as f64;
    println!(
        "{} idle sockets: {each:.1} KiB resident each, from {before:.0} MiB",
        sockets.len()
    );
    Ok(())
}
