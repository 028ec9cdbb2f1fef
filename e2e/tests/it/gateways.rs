//! Several gateways: a decision on one applies on all, and viewers are counted once even if a gateway dies.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use deadpool_redis::redis;
use e2e::api::{Api, User};
use e2e::clients::{Clients, Status, Visitor};
use e2e::socket::Socket;
use serde_json::{Value, json};
use stack::{Service, eventually};
use tokio::time::Instant;

use crate::permissions::grant;
use crate::replicas::{Instance, Replicas};

/// Decisions reach every gateway within a second, on a busy machine somewhat later; the test prints how long
/// it took.
const DECISION_TIMEOUT: Duration = Duration::from_secs(5);
/// Viewers of a dead gateway expire within this time.
const EXPIRY_TIMEOUT: Duration = Duration::from_secs(20);
/// Viewer leases are renewed every 5 s.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The gateway that dies.
const SECOND: Instance = Instance::Second(Service::Gateway);
/// One user with a tab on each gateway, and a guest on each: three viewers.
const ALL_CLIENTS: [&str; 4] = ["tab_first", "tab_second", "guest_first", "guest_second"];
const ON_FIRST_GATEWAY: [&str; 2] = ["tab_first", "guest_first"];

#[tokio::test(flavor = "multi_thread")]
async fn decisions_on_one_gateway_apply_on_the_other() -> Result<()> {
    let replicas = Replicas::start(&[]).await?;
    let guest = Api::guest(replicas.platform.origin())?;
    chat_ban_applies(&replicas, &guest.register("banned_from_room").await?).await?;
    account_ban_applies(&replicas, &guest).await?;
    logout_applies(&replicas, &guest.register("logs_out").await?).await?;
    replicas.stop().await
}

/// Both gateways send the ban to their sockets, and the other one rejects the user's messages.
async fn chat_ban_applies(replicas: &Replicas, user: &User) -> Result<()> {
    let [first, second] = replicas.origins()?;
    let mut watcher = Socket::connect(&first, None).await?;
    let mut speaker = Socket::connect(&second, Some(&user.token)).await?;
    watcher.join(replicas.stream).await?;
    speaker.join(replicas.stream).await?;
    let message = json!({"streamId": replicas.stream, "message": "hello"});
    let ack = speaker.emit("chat_message", message.clone()).await?;
    ensure!(ack["ok"] == true, "{ack}");

    let bans = format!("/chat/{}/bans", replicas.stream);
    let ban = json!({"userId": user.id});
    replicas.streamer.api.post(&bans, ban).await?.expect(201)?;
    let banned = Instant::now();
    for socket in [&mut watcher, &mut speaker] {
        let event = socket.event("user_banned", DECISION_TIMEOUT).await?;
        ensure!(event["userId"] == user.id, "{event}");
    }
    println!("both gateways sent the ban within {:?}", banned.elapsed());
    eventually(
        DECISION_TIMEOUT,
        "the other gateway to reject messages",
        async || {
            let ack = speaker.emit("chat_message", message.clone()).await?;
            ensure!(ack["code"] == "chat.banned", "{ack}");
            anyhow::Ok(())
        },
    )
    .await?;
    println!(
        "the other gateway rejected messages within {:?}",
        banned.elapsed()
    );
    Ok(())
}

async fn account_ban_applies(replicas: &Replicas, guest: &Api) -> Result<()> {
    let user = guest.register("banned_user").await?;
    guest.register("an_admin").await?;
    grant(&replicas.platform, "an_admin", "admin").await?;
    let admin = guest.login("an_admin").await?;
    let ban = format!("/admin/users/{}/ban", user.id);
    let banned = async || admin.api.post(&ban, json!({})).await?.expect(200);
    ends_socket("a ban", replicas, &user, banned).await
}

async fn logout_applies(replicas: &Replicas, user: &User) -> Result<()> {
    let logged_out = async || user.api.post("/users/logout", Value::Null).await?.expect(204);
    ends_socket("a logout", replicas, user, logged_out).await
}

/// A request to the first gateway closes the user's socket on the second, which then rejects the token.
async fn ends_socket(
    what: &str,
    replicas: &Replicas,
    user: &User,
    request: impl AsyncFnOnce() -> Result<Value>,
) -> Result<()> {
    let [_, second] = replicas.origins()?;
    let mut socket = Socket::connect(&second, Some(&user.token)).await?;
    request().await?;
    let requested = Instant::now();
    socket.event("disconnect", DECISION_TIMEOUT).await?;
    println!(
        "{what} closed the socket on the other gateway within {:?}",
        requested.elapsed()
    );
    let again = Socket::connect(&second, Some(&user.token)).await;
    ensure!(again.is_err(), "{what} leaves the token valid");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn viewer_count_covers_all_gateways_and_survives_faults() -> Result<()> {
    let mut replicas = Replicas::start(&[]).await?;
    let mut room = Room::enter(&replicas).await?;
    room.counts(&ALL_CLIENTS, 3, TIMEOUT).await?;

    replicas.process(SECOND)?.kill().await?;
    room.counts(&ON_FIRST_GATEWAY, 2, EXPIRY_TIMEOUT).await?;

    replicas.process(SECOND)?.again()?;
    replicas.ready().await?;
    room.counts(&ALL_CLIENTS, 3, TIMEOUT).await?;

    empty_redis(&replicas).await?;
    // One more viewer changes the count, which is then right only if all others are counted again.
    let [first, _] = replicas.origins()?;
    room.open("guest_late", &first, None, replicas.stream).await?;
    room.counts(&ALL_CLIENTS, 4, TIMEOUT).await?;
    replicas.stop().await
}

/// Viewers that reconnect by themselves.
struct Room(Clients);

impl Room {
    async fn enter(replicas: &Replicas) -> Result<Self> {
        let [first, second] = replicas.origins()?;
        let user = Api::guest(replicas.platform.origin())?
            .register("two_tabs")
            .await?;
        let token = Some(user.token.as_str());
        let mut room = Self(Clients::javascript()?);
        let targets = [(&first, token), (&second, token), (&first, None), (&second, None)];
        for (name, (origin, token)) in ALL_CLIENTS.into_iter().zip(targets) {
            room.open(name, origin, token, replicas.stream).await?;
        }
        Ok(room)
    }

    async fn open(&mut self, name: &str, origin: &str, token: Option<&str>, stream_id: i64) -> Result<()> {
        let visitor = Visitor {
            name,
            origin,
            token,
            transports: None,
            stream_id,
        };
        self.0.open(&visitor).await
    }

    /// Waits until these clients have received this viewer count.
    async fn counts(&mut self, names: &[&str], viewers: i64, within: Duration) -> Result<()> {
        let began = Instant::now();
        eventually(within, &format!("{viewers} viewers"), async || {
            let status: BTreeMap<String, Status> = self.0.status().await?;
            let counted = |name: &&str| {
                status
                    .get(*name)
                    .is_some_and(|one| one.connected && one.viewers == Some(viewers))
            };
            ensure!(names.iter().all(counted), "{status:?}");
            anyhow::Ok(())
        })
        .await?;
        println!("{viewers} viewers after {:?}", began.elapsed());
        Ok(())
    }
}

/// Deletes the platform's keys in Redis, which other tests share.
async fn empty_redis(replicas: &Replicas) -> Result<()> {
    let (url, prefix) = &replicas.platform.wiring().redis;
    let mut connection = redis::Client::open(url.as_str())?
        .get_multiplexed_async_connection()
        .await?;
    let keys = redis::cmd("KEYS")
        .arg(format!("{prefix}*"))
        .query_async::<Vec<String>>(&mut connection)
        .await?;
    ensure!(!keys.is_empty(), "Redis is empty");
    redis::cmd("DEL")
        .arg(keys)
        .query_async::<i64>(&mut connection)
        .await?;
    Ok(())
}
