//! Rooms full of sockets, some of which send messages.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use e2e::process::cpu_seconds;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::socket::{Sender, Socket, ack_age, age};

/// Number of sockets that connect concurrently.
const CONCURRENCY: usize = 50;
/// Load before the measurement.
const WARM_UP: Duration = Duration::from_secs(2);
const SPAN: Duration = Duration::from_secs(10);

/// A server with rooms, and the processes whose processor time counts.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) address: String,
    pub(crate) rooms: Vec<i64>,
    /// Whether senders also join the room.
    pub(crate) watched: bool,
    pub(crate) pids: Vec<u32>,
}

/// The figures of a measurement.
pub(crate) struct Figures {
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    pub(crate) refused: u64,
    pub(crate) cpu: f64,
    latencies: Latencies,
}

/// Latenciesncies since messages were sent, sorted.
#[derive(Default)]
struct Latencies {
    /// Of each delivery.
    deliveries: Vec<Duration>,
    /// Of each acknowledgement.
    acks: Vec<Duration>,
}

#[derive(Default)]
struct Tally {
    counts: AtomicBool,
    delivered: AtomicU64,
    refused: AtomicU64,
}

/// The sockets of some rooms.
pub(crate) struct Crowd {
    senders: Vec<(i64, Sender)>,
    tally: Arc<Tally>,
    latencies: Vec<Arc<Mutex<Latencies>>>,
    receivers: JoinSet<()>,
}

impl Crowd {
    /// Fills the rooms evenly; sockets with a token send messages.
    pub(crate) async fn gather(host: &Host, clients: usize, tokens: &[String]) -> Result<Self> {
        let tally = Arc::new(Tally::default());
        let connect = |(n, room): (usize, i64)| async move {
            let mut socket = Socket::connect(&host.address, tokens.get(n).map(String::as_str)).await?;
            if host.watched {
                socket.join(room, None).await?;
            }
            anyhow::Ok(((n < tokens.len()).then_some(room), socket))
        };
        let sockets: Vec<(Option<i64>, Socket)> =
            stream::iter((0..clients).zip(host.rooms.iter().copied().cycle()))
                .map(connect)
                .buffer_unordered(CONCURRENCY)
                .try_collect()
                .await?;
        let mut crowd = Self {
            senders: Vec::new(),
            tally: tally.clone(),
            latencies: Vec::new(),
            receivers: JoinSet::new(),
        };
        for (sends, socket) in sockets {
            if let Some(room) = sends {
                crowd.senders.push((room, socket.sender.clone()));
            }
            let latencies = Arc::<Mutex<Latencies>>::default();
            crowd.latencies.push(latencies.clone());
            crowd.receivers.spawn(receive(socket, tally.clone(), latencies));
        }
        Ok(crowd)
    }

    /// Sends messages for some seconds and counts the deliveries.
    pub(crate) async fn measure(&mut self, host: &Host, per_second: Option<u32>) -> Result<Figures> {
        self.send(per_second, WARM_UP).await;
        let before = cpu_seconds(&host.pids)?;
        self.tally.counts.store(true, Ordering::SeqCst);
        self.tally.refused.store(0, Ordering::SeqCst);
        let sent = self.send(per_second, SPAN).await;
        self.tally.counts.store(false, Ordering::SeqCst);
        let cpu = cpu_seconds(&host.pids)? - before;
        Ok(Figures {
            sent,
            delivered: self.tally.delivered.swap(0, Ordering::SeqCst),
            refused: self.tally.refused.swap(0, Ordering::SeqCst),
            cpu,
            latencies: self.take_latencies(),
        })
    }

    fn take_latencies(&self) -> Latencies {
        let mut all = Latencies::default();
        for own in &self.latencies {
            let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
            all.deliveries.append(&mut own.deliveries);
            all.acks.append(&mut own.acks);
        }
        all.deliveries.sort_unstable();
        all.acks.sort_unstable();
        all
    }

    /// Sends messages and returns how many.
    async fn send(&self, per_second: Option<u32>, span: Duration) -> u64 {
        let Some(per_second) = per_second else {
            sleep(span).await;
            return 0;
        };
        let (started, mut sent) = (Instant::now(), 0_u32);
        for (room, sender) in self.senders.iter().cycle() {
            let due = started + Duration::from_secs_f64(f64::from(sent) / f64::from(per_second));
            if due >= started + span {
                break;
            }
            sleep_until(due.into()).await;
            // A message of a closed socket is lost, so it counts as refused.
            if sender.chat(*room).await.is_err() {
                self.tally.refused.fetch_add(1, Ordering::Relaxed);
            }
            sent += 1;
        }
        u64::from(sent)
    }
}

async fn receive(mut socket: Socket, tally: Arc<Tally>, latencies: Arc<Mutex<Latencies>>) {
    while let Ok(packet) = socket.next().await {
        if !tally.counts.load(Ordering::Relaxed) {
            continue;
        }
        let mut latencies = latencies.lock().unwrap_or_else(PoisonError::into_inner);
        if packet.starts_with("42[\"new_message\"") {
            tally.delivered.fetch_add(1, Ordering::Relaxed);
            latencies.deliveries.extend(age(&packet));
        } else if packet.starts_with("43") {
            latencies.acks.extend(ack_age(&packet));
            if !packet.contains("\"ok\":true") {
                tally.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Returns a percentile of sorted durations.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted
        .get(sorted.len() * percent / 100)
        .copied()
        .unwrap_or_default()
}

impl Figures {
    /// Returns the deliveries per second of the servers' processor time.
    pub(crate) fn per_cpu_second(&self) -> f64 {
        self.delivered as f64 / self.cpu.max(0.01)
    }

    pub(crate) fn p99(&self) -> Duration {
        percentile(&self.latencies.deliveries, 99)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} deliveries per CPU second ({} delivered of {} messages, {} refused, {:.1} s of CPU), \
             median {:.1} ms, p99 {:.1} ms (acknowledgements {:.1} and {:.1} ms)",
            self.per_cpu_second(),
            self.delivered,
            self.sent,
            self.refused,
            self.cpu,
            millis(percentile(&self.latencies.deliveries, 50)),
            millis(self.p99()),
            millis(percentile(&self.latencies.acks, 50)),
            millis(percentile(&self.latencies.acks, 99)),
        )
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
