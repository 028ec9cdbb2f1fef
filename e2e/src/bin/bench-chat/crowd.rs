//! A room full of sockets, some of which speak.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use e2e::process::cpu_seconds;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::socket::{Socket, Speaker, age, answered_after};

/// Sockets that come in at once.
const AT_ONCE: usize = 50;
/// Before anything is counted, and while it is.
const WARM_UP: Duration = Duration::from_secs(2);
const SPAN: Duration = Duration::from_secs(10);

/// Where rooms are, and whose processor time counts.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) address: String,
    pub(crate) rooms: Vec<i64>,
    /// Whether those who speak listen, too.
    pub(crate) watched: bool,
    pub(crate) pids: Vec<u32>,
}

/// What was measured.
pub(crate) struct Figures {
    pub(crate) said: u64,
    pub(crate) heard: u64,
    pub(crate) refused: u64,
    pub(crate) cpu: f64,
    late: Late,
}

/// From the sending of messages, sorted.
#[derive(Default)]
struct Late {
    /// To each delivery.
    deliveries: Vec<Duration>,
    /// To each acknowledgement.
    answers: Vec<Duration>,
}

#[derive(Default)]
struct Tally {
    counts: AtomicBool,
    heard: AtomicU64,
    refused: AtomicU64,
}

/// The sockets of some rooms.
pub(crate) struct Crowd {
    speakers: Vec<(i64, Speaker)>,
    tally: Arc<Tally>,
    late: Vec<Arc<Mutex<Late>>>,
    hearing: JoinSet<()>,
}

impl Crowd {
    /// Fills rooms, each with as many; those with a token speak.
    pub(crate) async fn gather(host: &Host, clients: usize, tokens: &[String]) -> Result<Self> {
        let tally = Arc::new(Tally::default());
        let come = |(n, room): (usize, i64)| async move {
            let mut socket = Socket::connect(&host.address, tokens.get(n).map(String::as_str)).await?;
            if host.watched {
                socket.join(room, None).await?;
            }
            anyhow::Ok(((n < tokens.len()).then_some(room), socket))
        };
        let sockets: Vec<(Option<i64>, Socket)> =
            stream::iter((0..clients).zip(host.rooms.iter().copied().cycle()))
                .map(come)
                .buffer_unordered(AT_ONCE)
                .try_collect()
                .await?;
        let mut crowd = Self {
            speakers: Vec::new(),
            tally: tally.clone(),
            late: Vec::new(),
            hearing: JoinSet::new(),
        };
        for (speaks, socket) in sockets {
            if let Some(room) = speaks {
                crowd.speakers.push((room, socket.speaker.clone()));
            }
            let late = Arc::<Mutex<Late>>::default();
            crowd.late.push(late.clone());
            crowd.hearing.spawn(hear(socket, tally.clone(), late));
        }
        Ok(crowd)
    }

    /// Speaks for some seconds and counts what is heard.
    pub(crate) async fn measure(&mut self, host: &Host, per_second: Option<u32>) -> Result<Figures> {
        self.speak(per_second, WARM_UP).await;
        let before = cpu_seconds(&host.pids)?;
        self.tally.counts.store(true, Ordering::SeqCst);
        self.tally.refused.store(0, Ordering::SeqCst);
        let said = self.speak(per_second, SPAN).await;
        self.tally.counts.store(false, Ordering::SeqCst);
        let cpu = cpu_seconds(&host.pids)? - before;
        Ok(Figures {
            said,
            heard: self.tally.heard.swap(0, Ordering::SeqCst),
            refused: self.tally.refused.swap(0, Ordering::SeqCst),
            cpu,
            late: self.take_late(),
        })
    }

    fn take_late(&self) -> Late {
        let mut all = Late::default();
        for own in &self.late {
            let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
            all.deliveries.append(&mut own.deliveries);
            all.answers.append(&mut own.answers);
        }
        all.deliveries.sort_unstable();
        all.answers.sort_unstable();
        all
    }

    /// How many messages were sent.
    async fn speak(&self, per_second: Option<u32>, span: Duration) -> u64 {
        let Some(per_second) = per_second else {
            sleep(span).await;
            return 0;
        };
        let (started, mut said) = (Instant::now(), 0_u32);
        for (room, speaker) in self.speakers.iter().cycle() {
            let due = started + Duration::from_secs_f64(f64::from(said) / f64::from(per_second));
            if due >= started + span {
                break;
            }
            sleep_until(due.into()).await;
            // One whose socket was cut speaks no more; its message is lost like one that is refused.
            if speaker.chat(*room).await.is_err() {
                self.tally.refused.fetch_add(1, Ordering::Relaxed);
            }
            said += 1;
        }
        u64::from(said)
    }
}

async fn hear(mut socket: Socket, tally: Arc<Tally>, late: Arc<Mutex<Late>>) {
    while let Ok(packet) = socket.next().await {
        if !tally.counts.load(Ordering::Relaxed) {
            continue;
        }
        let mut late = late.lock().unwrap_or_else(PoisonError::into_inner);
        if packet.starts_with("42[\"new_message\"") {
            tally.heard.fetch_add(1, Ordering::Relaxed);
            late.deliveries.extend(age(&packet));
        } else if packet.starts_with("43") {
            late.answers.extend(answered_after(&packet));
            if !packet.contains("\"ok\":true") {
                tally.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// What so many of a hundred do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted
        .get(sorted.len() * percent / 100)
        .copied()
        .unwrap_or_default()
}

impl Figures {
    /// Deliveries per second of the servers' processor time.
    pub(crate) fn per_cpu_second(&self) -> f64 {
        self.heard as f64 / self.cpu.max(0.01)
    }

    pub(crate) fn p99(&self) -> Duration {
        percentile(&self.late.deliveries, 99)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} deliveries per CPU second ({} delivered of {} messages, {} refused, {:.1} s of CPU), median {:.1} ms, p99 {:.1} ms \
             (acknowledgements {:.1} and {:.1} ms)",
            self.per_cpu_second(),
            self.heard,
            self.said,
            self.refused,
            self.cpu,
            millis(percentile(&self.late.deliveries, 50)),
            millis(self.p99()),
            millis(percentile(&self.late.answers, 50)),
            millis(percentile(&self.late.answers, 99)),
        )
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
