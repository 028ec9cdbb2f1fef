//! Despite faults, every client sees all stored messages once and in order, and every acknowledged message is
//! stored once.
//!
//! Gateways and chat services are killed and restarted, the broker closes its connections with the messages
//! in flight, and clients are disconnected, while twelve official clients of three kinds chat over two
//! gateways. A seed determines the schedule, though not the races; `AIRWAVE_CHAOS_SEED` selects another one.

mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::api::Api;
use e2e::clients::{Clients, Report, Status, Visitor};
use futures::TryStreamExt;
use mongodb::bson::doc;
use plan::{Act, Plan};
use serde::Deserialize;
use stack::eventually;
use tokio::time::{Instant, sleep_until};

use crate::replicas::Replicas;

/// The official client with its default transports, the same with polling only, and python-socketio.
const KINDS: [&str; 3] = ["browser", "polling", "python"];
const POLLING: &[&str] = &["polling"];
/// Two of each kind on each gateway.
const CLIENTS: usize = 4 * KINDS.len();
/// Timeout until all clients have joined, and until all have seen the last message.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Clients send faster than the limits, above all when they repeat messages.
const UNLIMITED: [(&str, &str); 4] = [
    ("AIRWAVE_CHAT_RATE_BURST", "1000"),
    ("AIRWAVE_CHAT_RATE_SECONDS", "1"),
    ("AIRWAVE_GATEWAY_SOCKET_EVENTS_PER_SECOND", "1000"),
    ("AIRWAVE_GATEWAY_SOCKET_EVENT_BURST", "1000"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_client_sees_every_stored_message_once_despite_faults() -> Result<()> {
    let plan = Plan::draw(CLIENTS)?;
    let mut replicas = Replicas::start(&UNLIMITED).await?;
    let mut crowd = Crowd::gather(&replicas).await?;
    crowd.run(&plan, &mut replicas).await?;
    replicas.ready().await?;
    crowd.catches_up().await?;
    crowd.has_seen(&stored(&replicas).await?).await?;
    replicas.stop().await
}

struct Crowd {
    javascript: Clients,
    python: Clients,
    /// The client message ids of all messages sent.
    sent: BTreeSet<String>,
}

/// A message in MongoDB.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    #[serde(rename = "_id")]
    id: String,
    seq: i64,
    client_message_id: String,
}

impl Crowd {
    /// Opens all clients and waits until they have joined the room.
    async fn gather(replicas: &Replicas) -> Result<Self> {
        let mut crowd = Self {
            javascript: Clients::javascript()?,
            python: Clients::python()?,
            sent: BTreeSet::new(),
        };
        let (guest, origins) = (Api::guest(replicas.platform.origin())?, replicas.origins()?);
        for client in 0..CLIENTS {
            let name = name(client);
            let user = guest.register(&name).await?;
            let visitor = Visitor {
                name: &name,
                origin: &origins[client / KINDS.len() % origins.len()],
                token: Some(&user.token),
                transports: (kind(client) == "polling").then_some(POLLING),
                stream_id: replicas.stream,
            };
            crowd.program(client).open(&visitor).await?;
        }
        let joined = async || all(&crowd.status().await?, |client| client.last.is_some());
        eventually(TIMEOUT, "all clients to join", joined).await?;
        Ok(crowd)
    }

    fn program(&mut self, client: usize) -> &mut Clients {
        match kind(client) {
            "python" => &mut self.python,
            _ => &mut self.javascript,
        }
    }

    async fn run(&mut self, plan: &Plan, replicas: &mut Replicas) -> Result<()> {
        let began = Instant::now();
        for (at, act) in &plan.acts {
            sleep_until(began + *at).await;
            if !matches!(act, Act::Send(_)) {
                println!("{:5.2} s {act:?}", at.as_secs_f64());
            }
            self.apply(*act, replicas).await?;
        }
        Ok(())
    }

    async fn apply(&mut self, act: Act, replicas: &mut Replicas) -> Result<()> {
        match act {
            Act::Send(client) => self.send(client).await,
            Act::Cut(client) => self.program(client).disconnect(&name(client)).await,
            Act::CloseBroker => {
                let url = &replicas.platform.wiring().amqp_url;
                let closed = stack::shared().await?.close_connections(url, "").await;
                closed.map(drop)
            }
            Act::Kill(instance) => replicas.process(instance)?.kill().await,
            Act::Start(instance) => replicas.process(instance)?.again(),
        }
    }

    async fn send(&mut self, client: usize) -> Result<()> {
        let (name, id) = (name(client), format!("{} {}", name(client), self.sent.len()));
        self.program(client).send(&name, &id).await?;
        self.sent.insert(id);
        Ok(())
    }

    async fn status(&mut self) -> Result<BTreeMap<String, Status>> {
        let mut status = self.javascript.status().await?;
        status.append(&mut self.python.status().await?);
        Ok(status)
    }

    /// Waits until all messages are acknowledged and all clients have seen the last one.
    async fn catches_up(&mut self) -> Result<()> {
        let last = i64::try_from(self.sent.len())?;
        let began = Instant::now();
        eventually(TIMEOUT, "all clients to see the last message", async || {
            all(&self.status().await?, |client| {
                client.waiting == 0 && client.last >= Some(last)
            })
        })
        .await?;
        println!(
            "{last} messages; all clients had them after {:?}",
            began.elapsed()
        );
        Ok(())
    }

    /// Compares what each client has seen with what is stored.
    async fn has_seen(&mut self, stored: &[Stored]) -> Result<()> {
        let ids = stored_once(stored, &self.sent)?;
        let expected: Vec<(i64, String)> = stored
            .iter()
            .map(|message| (message.seq, message.id.clone()))
            .collect();
        let mut reports = self.javascript.report().await?;
        reports.append(&mut self.python.report().await?);
        ensure!(reports.len() == CLIENTS, "{} clients", reports.len());
        for (name, Report { shown, acknowledged }) in &reports {
            let differs = shown
                .iter()
                .zip(&expected)
                .find(|(seen, expected)| seen != expected);
            ensure!(
                differs.is_none() && shown.len() == expected.len(),
                "{name} saw {} of {} messages; they differ from {differs:?}",
                shown.len(),
                expected.len()
            );
            for (own, id) in acknowledged {
                let stored_id = ids.get(own.as_str());
                ensure!(
                    stored_id == Some(&id.as_str()),
                    "{own} was acknowledged as {id}, but stored as {stored_id:?}"
                );
            }
        }
        let acknowledged = reports.values().map(|report| report.acknowledged.len());
        let acknowledged: usize = acknowledged.sum();
        ensure!(
            acknowledged == stored.len(),
            "{acknowledged} messages are acknowledged"
        );
        Ok(())
    }
}

/// Checks that sequence numbers start at one without gaps and that every message sent is stored once. Returns
/// message ids by client message id.
fn stored_once<'a>(stored: &'a [Stored], sent: &BTreeSet<String>) -> Result<BTreeMap<&'a str, &'a str>> {
    let gap = (1..).zip(stored).find(|(seq, message)| message.seq != *seq);
    ensure!(gap.is_none(), "the sequence numbers have a gap: {gap:?}");
    let by_own = |message: &'a Stored| (message.client_message_id.as_str(), message.id.as_str());
    let ids: BTreeMap<_, _> = stored.iter().map(by_own).collect();
    ensure!(ids.len() == stored.len(), "a message is stored twice");
    let found: BTreeSet<&str> = ids.keys().copied().collect();
    let sent: BTreeSet<&str> = sent.iter().map(String::as_str).collect();
    ensure!(
        found == sent,
        "stored and sent messages differ: {:?}",
        found.symmetric_difference(&sent)
    );
    Ok(ids)
}

async fn stored(replicas: &Replicas) -> Result<Vec<Stored>> {
    let client = mongodb::Client::with_uri_str(replicas.platform.mongodb_url()).await?;
    let database = client.database(replicas.platform.mongodb_database());
    let messages = database.collection::<Stored>("messages");
    let of_room = doc! { "streamId": replicas.stream.to_string() };
    let found = messages.find(of_room).sort(doc! { "seq": 1 }).await?;
    let messages = found.try_collect::<Vec<_>>().await;
    messages.context("cannot read the messages")
}

fn all(status: &BTreeMap<String, Status>, condition: impl Fn(&Status) -> bool) -> Result<()> {
    let missing: Vec<_> = status.iter().filter(|(_, client)| !condition(client)).collect();
    ensure!(missing.is_empty(), "still missing: {missing:?}");
    Ok(())
}

fn kind(client: usize) -> &'static str {
    KINDS[client % KINDS.len()]
}

fn name(client: usize) -> String {
    format!("{}_{client}", kind(client))
}
