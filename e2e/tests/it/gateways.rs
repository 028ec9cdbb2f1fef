//! What several gateways have in common: what is decided on one holds on all, and a viewer is counted once,
//! whichever dies.

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

/// Decisions reach every gateway within a second; a busy machine may take longer, and the test says how long
/// it took.
const A_SECOND: Duration = Duration::from_secs(5);
/// The viewers of a gateway that died are gone within this time.
const GONE: Duration = Duration::from_secs(20);
/// Longest wait for anything else; leases are renewed every 5 s.
const SOON: Duration = Duration::from_secs(15);

/// The gateway that dies.
const SECOND: Instance = Instance::Second(Service::Gateway);
/// One user with a tab on each gateway, and a guest on each: three viewers.
const EVERYBODY: [&str; 4] = ["tab_first", "tab_second", "guest_first", "guest_second"];
const ON_THE_FIRST: [&str; 2] = ["tab_first", "guest_first"];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_on_one_gateway_holds_on_the_other() -> Result<()> {
    let replicas = Replicas::start(&[]).await?;
    let guest = Api::guest(replicas.platform.origin())?;
    a_ban_from_the_room(&replicas, &guest.register("banned_from_room").await?).await?;
    a_ban_from_the_platform(&replicas, &guest).await?;
    a_logout(&replicas, &guest.register("logs_out").await?).await?;
    replicas.stop().await
}

/// Both gateways tell their sockets, and the other one lets the banned say nothing more.
async fn a_ban_from_the_room(replicas: &Replicas, user: &User) -> Result<()> {
    let [first, second] = replicas.origins()?;
    let mut watcher = Socket::connect(&first, None).await?;
    let mut speaker = Socket::connect(&second, Some(&user.token)).await?;
    watcher.join(replicas.stream).await?;
    speaker.join(replicas.stream).await?;
    let said = json!({"streamId": replicas.stream, "message": "hello"});
    let answered = speaker.emit("chat_message", said.clone()).await?;
    ensure!(answered["ok"] == true, "{answered}");

    let bans = format!("/chat/{}/bans", replicas.stream);
    let ban = json!({"userId": user.id});
    replicas.streamer.api.post(&bans, ban).await?.expect(201)?;
    let banned = Instant::now();
    for socket in [&mut watcher, &mut speaker] {
        let told = socket.event("user_banned", A_SECOND).await?;
        ensure!(told["userId"] == user.id, "{told}");
    }
    println!("both gateways told of the ban within {:?}", banned.elapsed());
    eventually(A_SECOND, "the other gateway to refuse", async || {
        let answered = speaker.emit("chat_message", said.clone()).await?;
        ensure!(answered["code"] == "chat.banned", "{answered}");
        anyhow::Ok(())
    })
    .await?;
    println!("the other gateway refused within {:?}", banned.elapsed());
    Ok(())
}

async fn a_ban_from_the_platform(replicas: &Replicas, guest: &Api) -> Result<()> {
    let user = guest.register("banned_for_good").await?;
    guest.register("an_admin").await?;
    grant(&replicas.platform, "an_admin", "admin").await?;
    let admin = guest.login("an_admin").await?;
    let ban = format!("/admin/users/{}/ban", user.id);
    let banned = async || admin.api.post(&ban, json!({})).await?.expect(200);
    ends_the_socket("a ban", replicas, &user, banned).await
}

async fn a_logout(replicas: &Replicas, user: &User) -> Result<()> {
    let logged_out = async || user.api.post("/users/logout", Value::Null).await?.expect(204);
    ends_the_socket("a logout", replicas, user, logged_out).await
}

/// What is asked of the first gateway closes the user's socket on the second, and its token opens no other.
async fn ends_the_socket(
    what: &str,
    replicas: &Replicas,
    user: &User,
    ask: impl AsyncFnOnce() -> Result<Value>,
) -> Result<()> {
    let [_, second] = replicas.origins()?;
    let mut socket = Socket::connect(&second, Some(&user.token)).await?;
    ask().await?;
    let asked = Instant::now();
    socket.event("disconnect", A_SECOND).await?;
    println!(
        "{what} closed the socket on the other gateway within {:?}",
        asked.elapsed()
    );
    let again = Socket::connect(&second, Some(&user.token)).await;
    ensure!(again.is_err(), "{what} leaves the token good");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_are_counted_over_all_gateways_whatever_dies() -> Result<()> {
    let mut replicas = Replicas::start(&[]).await?;
    let mut room = Room::enter(&replicas).await?;
    room.counts(&EVERYBODY, 3, SOON).await?;

    replicas.process(SECOND)?.kill().await?;
    room.counts(&ON_THE_FIRST, 2, GONE).await?;

    replicas.process(SECOND)?.again()?;
    replicas.ready().await?;
    room.counts(&EVERYBODY, 3, SOON).await?;

    forget_everything_in_redis(&replicas).await?;
    // One more, so that the count is another than before: it is right when all others are there again.
    let [first, _] = replicas.origins()?;
    room.come("guest_late", &first, None, replicas.stream).await?;
    room.counts(&EVERYBODY, 4, SOON).await?;
    replicas.stop().await
}

/// Viewers who come back by themselves.
struct Room(Clients);

impl Room {
    async fn enter(replicas: &Replicas) -> Result<Self> {
        let [first, second] = replicas.origins()?;
        let user = Api::guest(replicas.platform.origin())?
            .register("two_tabs")
            .await?;
        let token = Some(user.token.as_str());
        let mut room = Self(Clients::javascript()?);
        let places = [(&first, token), (&second, token), (&first, None), (&second, None)];
        for (name, (origin, token)) in EVERYBODY.into_iter().zip(places) {
            room.come(name, origin, token, replicas.stream).await?;
        }
        Ok(room)
    }

    async fn come(&mut self, name: &str, origin: &str, token: Option<&str>, stream_id: i64) -> Result<()> {
        let visitor = Visitor {
            name,
            origin,
            token,
            transports: None,
            stream_id,
        };
        self.0.come(&visitor).await
    }

    /// Waits until these clients are told of so many viewers.
    async fn counts(&mut self, names: &[&str], viewers: i64, within: Duration) -> Result<()> {
        let began = Instant::now();
        eventually(within, &format!("{viewers} viewers"), async || {
            let status: BTreeMap<String, Status> = self.0.status().await?;
            let told = |name: &&str| {
                status
                    .get(*name)
                    .is_some_and(|one| one.connected && one.viewers == Some(viewers))
            };
            ensure!(names.iter().all(told), "{status:?}");
            anyhow::Ok(())
        })
        .await?;
        println!("{viewers} viewers after {:?}", began.elapsed());
        Ok(())
    }
}

/// All that the platform has in Redis; the server has other tests' as well.
async fn forget_everything_in_redis(replicas: &Replicas) -> Result<()> {
    let (url, prefix) = &replicas.platform.wiring().redis;
    let mut connection = redis::Client::open(url.as_str())?
        .get_multiplexed_async_connection()
        .await?;
    let ours = redis::cmd("KEYS")
        .arg(format!("{prefix}*"))
        .query_async::<Vec<String>>(&mut connection)
        .await?;
    ensure!(!ours.is_empty(), "nothing is in Redis");
    redis::cmd("DEL")
        .arg(ours)
        .query_async::<i64>(&mut connection)
        .await?;
    Ok(())
}
