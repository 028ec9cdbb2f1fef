//! Whatever is killed and cut, everybody sees what MongoDB holds: all of it, once, in order; and what was
//! acknowledged is there once.
//!
//! Gateways and chat services are killed and started again, the broker closes its connections with all that
//! is on its way, clients are cut off; meanwhile twelve official clients of three kinds talk over two
//! gateways. A seed says what happens when, though never with the same races: `AIRWAVE_CHAOS_SEED` tries
//! another one.

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

/// The official client as it comes (polling, then a websocket), the same on polling alone, and
/// python-socketio.
const KINDS: [&str; 3] = ["browser", "polling", "python"];
const POLLING: &[&str] = &["polling"];
/// As many of each kind on each gateway.
const CLIENTS: usize = 4 * KINDS.len();
/// Longest wait for all to come in, and for all to have seen the last message when nothing happens any more.
const PATIENCE: Duration = Duration::from_secs(30);

/// They say much more than people may, above all when they repeat what got no answer.
const UNLIMITED: [(&str, &str); 4] = [
    ("AIRWAVE_CHAT_RATE_BURST", "1000"),
    ("AIRWAVE_CHAT_RATE_SECONDS", "1"),
    ("AIRWAVE_GATEWAY_SOCKET_EVENTS_PER_SECOND", "1000"),
    ("AIRWAVE_GATEWAY_SOCKET_EVENT_BURST", "1000"),
];

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_what_mongodb_holds_whatever_is_killed() -> Result<()> {
    let plan = Plan::draw(CLIENTS)?;
    let mut replicas = Replicas::start(&UNLIMITED).await?;
    let mut crowd = Crowd::gather(&replicas).await?;
    crowd.goes_through(&plan, &mut replicas).await?;
    replicas.ready().await?;
    crowd.has_seen_the_last_message().await?;
    crowd.has_seen(&stored(&replicas).await?).await?;
    replicas.stop().await
}

struct Crowd {
    javascript: Clients,
    python: Clients,
    /// The clients' own ids of all that was said.
    said: BTreeSet<String>,
}

/// A message as MongoDB has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    #[serde(rename = "_id")]
    id: String,
    seq: i64,
    client_message_id: String,
}

impl Crowd {
    /// Everybody comes in before anything is said.
    async fn gather(replicas: &Replicas) -> Result<Self> {
        let mut crowd = Self {
            javascript: Clients::javascript()?,
            python: Clients::python()?,
            said: BTreeSet::new(),
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
            crowd.program(client).come(&visitor).await?;
        }
        let everybody = async || all(&crowd.status().await?, |client| client.last.is_some());
        eventually(PATIENCE, "everybody to come in", everybody).await?;
        Ok(crowd)
    }

    fn program(&mut self, client: usize) -> &mut Clients {
        match kind(client) {
            "python" => &mut self.python,
            _ => &mut self.javascript,
        }
    }

    async fn goes_through(&mut self, plan: &Plan, replicas: &mut Replicas) -> Result<()> {
        let began = Instant::now();
        for (at, act) in &plan.acts {
            sleep_until(began + *at).await;
            if !matches!(act, Act::Say(_)) {
                println!("{:5.2} s {act:?}", at.as_secs_f64());
            }
            self.happens(*act, replicas).await?;
        }
        Ok(())
    }

    async fn happens(&mut self, act: Act, replicas: &mut Replicas) -> Result<()> {
        match act {
            Act::Say(client) => self.say(client).await,
            Act::Cut(client) => self.program(client).cut(&name(client)).await,
            Act::CloseBroker => {
                let url = &replicas.platform.wiring().amqp_url;
                let closed = stack::shared().await?.close_connections(url, "").await;
                closed.map(drop)
            }
            Act::Kill(instance) => replicas.process(instance)?.kill().await,
            Act::Start(instance) => replicas.process(instance)?.again(),
        }
    }

    async fn say(&mut self, client: usize) -> Result<()> {
        let (name, id) = (name(client), format!("{} {}", name(client), self.said.len()));
        self.program(client).say(&name, &id).await?;
        self.said.insert(id);
        Ok(())
    }

    async fn status(&mut self) -> Result<BTreeMap<String, Status>> {
        let mut status = self.javascript.status().await?;
        status.append(&mut self.python.status().await?);
        Ok(status)
    }

    /// Waits until everything is acknowledged and everybody has seen as much as was said.
    async fn has_seen_the_last_message(&mut self) -> Result<()> {
        let last = i64::try_from(self.said.len())?;
        let began = Instant::now();
        eventually(PATIENCE, "everybody to see the last message", async || {
            all(&self.status().await?, |client| {
                client.waiting == 0 && client.last >= Some(last)
            })
        })
        .await?;
        println!("{last} messages; all were seen after {:?}", began.elapsed());
        Ok(())
    }

    async fn has_seen(&mut self, stored: &[Stored]) -> Result<()> {
        let ids = said_once(stored, &self.said)?;
        let expected: Vec<(i64, String)> = stored
            .iter()
            .map(|message| (message.seq, message.id.clone()))
            .collect();
        let mut reports = self.javascript.report().await?;
        reports.append(&mut self.python.report().await?);
        ensure!(reports.len() == CLIENTS, "{} clients", reports.len());
        for (name, Report { shown, acknowledged }) in &reports {
            let differs = shown.iter().zip(&expected).find(|(seen, there)| seen != there);
            ensure!(
                differs.is_none() && shown.len() == expected.len(),
                "{name} saw {} of {} messages; they differ from {differs:?}",
                shown.len(),
                expected.len()
            );
            for (own, id) in acknowledged {
                let there = ids.get(own.as_str());
                ensure!(
                    there == Some(&id.as_str()),
                    "{own} was acknowledged as {id}: {there:?}"
                );
            }
        }
        let acknowledged = reports.values().map(|report| report.acknowledged.len());
        let acknowledged: usize = acknowledged.sum();
        ensure!(acknowledged == stored.len(), "{acknowledged} are acknowledged");
        Ok(())
    }
}

/// Numbers begin at one and have no holes, and everything that was said is there once; answers ids by those
/// of the clients.
fn said_once<'a>(stored: &'a [Stored], said: &BTreeSet<String>) -> Result<BTreeMap<&'a str, &'a str>> {
    let hole = (1..).zip(stored).find(|(seq, message)| message.seq != *seq);
    ensure!(hole.is_none(), "the numbers have a hole: {hole:?}");
    let by_own = |message: &'a Stored| (message.client_message_id.as_str(), message.id.as_str());
    let ids: BTreeMap<_, _> = stored.iter().map(by_own).collect();
    ensure!(ids.len() == stored.len(), "something is stored twice");
    let there: BTreeSet<&str> = ids.keys().copied().collect();
    let said: BTreeSet<&str> = said.iter().map(String::as_str).collect();
    ensure!(
        there == said,
        "what is stored and what was said differ: {:?}",
        there.symmetric_difference(&said)
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

fn all(status: &BTreeMap<String, Status>, fits: impl Fn(&Status) -> bool) -> Result<()> {
    let missing: Vec<_> = status.iter().filter(|(_, client)| !fits(client)).collect();
    ensure!(missing.is_empty(), "not yet {missing:?}");
    Ok(())
}

fn kind(client: usize) -> &'static str {
    KINDS[client % KINDS.len()]
}

fn name(client: usize) -> String {
    format!("{}_{client}", kind(client))
}
