//! Load over keep-alive connections, at the maximum or at a fixed rate.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::queries::Queries;

/// Number of concurrent connections.
const CONNECTIONS: u32 = 32;

/// The server under load.
pub(crate) struct Target {
    address: String,
}

/// Measured latencies.
pub(crate) struct Figures {
    milliseconds: Vec<f64>,
    span: Duration,
}

impl Target {
    pub(crate) fn new(address: String) -> Self {
        Self { address }
    }

    /// Sends every query once, one after another, and returns the response bodies.
    pub(crate) async fn bodies(&self, queries: &Queries) -> Result<Vec<Vec<u8>>> {
        let mut socket = self.connect().await?;
        let (mut bodies, mut buffer) = (Vec::new(), Vec::new());
        for request in queries.requests() {
            socket.write_all(request).await?;
            bodies.push(read_response(&mut socket, &mut buffer).await?.to_vec());
        }
        Ok(bodies)
    }

    async fn connect(&self) -> Result<TcpStream> {
        let socket = TcpStream::connect(&self.address).await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }
}

impl Figures {
    pub(crate) fn per_second(&self) -> f64 {
        self.milliseconds.len() as f64 / self.span.as_secs_f64()
    }

    fn at(&self, share: usize) -> f64 {
        let n = self.milliseconds.len() * share / 100;
        self.milliseconds.get(n).copied().unwrap_or_default()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (median, p99) = (self.at(50), self.at(99));
        write!(
            f,
            "{:.0} requests/s, median {median:.1} ms, p99 {p99:.1} ms",
            self.per_second()
        )
    }
}

/// Sends requests as fast as possible: each connection sends the next one when it has a response.
pub(crate) async fn saturate(target: &Target, queries: &Arc<Queries>, span: Duration) -> Result<Figures> {
    run(target, queries, None, span).await
}

/// Sends requests at a fixed rate. Latency is measured from when a request was due, even if its connection
/// was busy.
pub(crate) async fn steady(
    target: &Target,
    queries: &Arc<Queries>,
    per_second: f64,
    span: Duration,
) -> Result<Figures> {
    let pause = Duration::from_secs_f64(f64::from(CONNECTIONS) / per_second);
    run(target, queries, Some(pause), span).await
}

async fn run(
    target: &Target,
    queries: &Arc<Queries>,
    pause: Option<Duration>,
    span: Duration,
) -> Result<Figures> {
    let end = Instant::now() + span;
    let mut connections = JoinSet::new();
    for n in 0..CONNECTIONS {
        let socket = target.connect().await?;
        let first = Instant::now() + pause.unwrap_or_default() * n / CONNECTIONS;
        connections.spawn(ask(socket, queries.clone(), first, pause, end));
    }
    let mut milliseconds = Vec::new();
    while let Some(times) = connections.join_next().await {
        milliseconds.extend(times??);
    }
    milliseconds.sort_unstable_by(f64::total_cmp);
    Ok(Figures { milliseconds, span })
}

async fn ask(
    mut socket: TcpStream,
    queries: Arc<Queries>,
    mut due: Instant,
    pause: Option<Duration>,
    end: Instant,
) -> Result<Vec<f64>> {
    let (mut times, mut buffer) = (Vec::new(), Vec::new());
    while due < end {
        sleep_until(due.into()).await;
        socket.write_all(queries.draw()).await?;
        read_response(&mut socket, &mut buffer).await?;
        times.push(due.elapsed().as_secs_f64() * 1000.0);
        due = pause.map_or_else(Instant::now, |pause| due + pause);
    }
    Ok(times)
}

/// Reads a response with a content length and returns its body.
async fn read_response<'b>(socket: &mut TcpStream, buffer: &'b mut Vec<u8>) -> Result<&'b [u8]> {
    buffer.clear();
    let (head, length) = loop {
        ensure!(socket.read_buf(buffer).await? > 0, "the connection ended");
        if let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = std::str::from_utf8(buffer.get(..head).unwrap_or_default())?.to_ascii_lowercase();
            ensure!(text.starts_with("http/1.1 200"), "{text}");
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            break (head + 4, length.context("no length")?.parse::<usize>()?);
        }
    };
    while buffer.len() < head + length {
        ensure!(socket.read_buf(buffer).await? > 0, "the response was truncated");
    }
    buffer.get(head..head + length).context("too long")
}
