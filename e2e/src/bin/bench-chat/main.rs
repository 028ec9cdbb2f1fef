//! Measures chat: deliveries for the processor time that they cost, how long they take, what a socket that
//! does nothing takes, and how soon a crowd is back after its gateway died. Prints figures; judges none.
//!
//! Run it by `make bench-chat`, which gives it release builds and a stack of its own. Everything, the load
//! included, is on this machine; the load goes to the gateway itself, not through the edge.

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

/// People who speak.
const SPEAKERS: usize = 200;
/// Sockets in a room, and messages a second.
const ROOMS: [(usize, u32); 3] = [(1000, 40), (200, 400), (200, 800)];
/// Messages a second in a room of 200, until it is too much.
const MORE: [u32; 4] = [1200, 1600, 2400, 3200];
/// What takes longer is too much.
const MOST_LATE: Duration = Duration::from_millis(250);
/// What was too much has been written to disk by then.
const CALM: Duration = Duration::from_secs(20);
/// Sockets that do nothing.
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
    let tokens = speakers(&guest).await?;
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

/// Everybody comes from one address here, and speaks faster than anybody may.
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

async fn speakers(guest: &Api) -> Result<Vec<String>> {
    let register = |n: usize| async move {
        let user: User = guest.register(&format!("bench_speaker_{n}")).await?;
        anyhow::Ok(user.token)
    };
    stream::iter(0..SPEAKERS)
        .map(register)
        .buffer_unordered(4)
        .try_collect()
        .await
}

/// The platform as a host: the gateway's and chat's processor time count.
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
    println!("  airwave: {ours}; the broker {broker:.1} s, its coming in included");
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

/// Finds what a room of 200 can take, and how long a delivery takes at half of that.
async fn saturate(host: &Host, tokens: &[String]) -> Result<()> {
    let mut most = 800;
    for per_second in MORE {
        let figures = fill(host, 200, tokens, per_second).await?;
        println!("room of 200, {per_second} messages/s: {figures}");
        if figures.heard < figures.said * 200 * 95 / 100 || figures.p99() > MOST_LATE {
            break;
        }
        most = per_second;
    }
    sleep(CALM).await;
    let half = fill(host, 200, tokens, most / 2).await?;
    println!("room of 200, half of the most that it took ({most} messages/s): {half}");
    Ok(())
}

/// What sockets take that are connected and do nothing.
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
