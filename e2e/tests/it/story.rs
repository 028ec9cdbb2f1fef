//! A broadcast from encoder to replay, on real servers and with the official clients.

mod live;
mod replay;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::api::{Api, User, number, text};
use e2e::socket::Socket;
use reqwest::Method;
use serde_json::{Value, json};
use stack::{Platform, PlatformOptions, Publisher, eventually};

use self::live::one_trace_covers_going_live;
use crate::collector::Collector;

/// For events that usually take well under a second.
const TIMEOUT: Duration = Duration::from_secs(15);
/// For browsers, remuxing and clean-up by age.
const LONG_TIMEOUT: Duration = Duration::from_secs(60);

/// The state that the steps share.
struct Story {
    platform: Platform,
    guest: Api,
    streamer: User,
    viewer: User,
    streamer_socket: Socket,
    viewer_socket: Socket,
    stream: Stream,
}

struct Stream {
    id: i64,
    key: String,
    secret: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn broadcast_from_encoder_to_replay() -> Result<()> {
    let (collector, endpoint) = Collector::start().await?;
    let options = PlatformOptions {
        variables: vec![("AIRWAVE_OTLP_ENDPOINT".into(), endpoint)],
    };
    let mut story = Story::begin(Platform::start(options).await?).await?;

    story.wrong_key_is_rejected().await?;
    let publisher = story.goes_live().await?;
    one_trace_covers_going_live(&collector).await?;
    story.plays_in_browsers().await?;
    story.users_chat_and_are_counted().await?;
    let publisher = story.drops_and_returns(publisher).await?;
    let recorded = story.ends(publisher).await?;
    let vods = story.recordings_become_vods().await?;
    story.vods_play(&vods, recorded).await?;
    story.logs_out().await
}

impl Story {
    /// Registers a streamer and a viewer, who follows; the streamer reads the notification and creates a
    /// stream.
    async fn begin(platform: Platform) -> Result<Self> {
        let guest = Api::guest(platform.origin())?;
        let streamer = guest.register("streamer_lan").await?;
        let viewer = guest.register("viewer_minh").await?;
        let mut streamer_socket = Socket::connect(platform.origin(), Some(&streamer.token)).await?;
        let mut viewer_socket = Socket::connect(platform.origin(), Some(&viewer.token)).await?;
        for socket in [&mut streamer_socket, &mut viewer_socket] {
            socket.emit("join_notification_room", Value::Null).await?;
            socket.event("notification_room_joined", TIMEOUT).await?;
        }
        viewer
            .api
            .post(&format!("/users/{}/follow", streamer.id), Value::Null)
            .await?
            .expect(201)?;
        let notification = streamer_socket.event("new_notification", TIMEOUT).await?;
        ensure!(
            notification["type"] == "new_follower" && notification["relatedEntityId"] == viewer.id,
            "{notification}"
        );
        read_notification(&streamer, &mut streamer_socket, &notification["id"]).await?;
        let stream = create_stream(&streamer).await?;
        Ok(Self {
            platform,
            guest,
            streamer,
            viewer,
            streamer_socket,
            viewer_socket,
            stream,
        })
    }

    async fn logs_out(mut self) -> Result<()> {
        self.viewer
            .api
            .post("/users/logout", Value::Null)
            .await?
            .expect(204)?;
        self.viewer_socket.event("disconnect", TIMEOUT).await?;
        eventually(TIMEOUT, "the token to be rejected", async || {
            self.viewer.api.get("/users/me").await?.expect(401).map(drop)
        })
        .await?;
        self.streamer.api.get("/users/me").await?.expect(200)?;
        self.platform.stop().await
    }

    async fn publish(&self, key: &str) -> Result<Publisher> {
        Publisher::start(&self.platform.publish_url(key)).await
    }

    /// Returns the recordings that have not become VODs yet.
    fn recordings(&self) -> Result<Vec<PathBuf>> {
        let files = std::fs::read_dir(self.platform.recordings())?.map(|entry| Ok(entry?.path()));
        files
            .filter(|path| !matches!(path, Ok(path) if path.extension().is_none_or(|e| e != "flv")))
            .collect()
    }

    async fn get_stream(&self) -> Result<Value> {
        let mut answer = self
            .viewer
            .api
            .get(&format!("/streams/{}", self.stream.id))
            .await?
            .expect(200)?;
        Ok(answer["stream"].take())
    }

    async fn notification(&mut self, kind: &str) -> Result<Value> {
        self.notification_within(kind, TIMEOUT).await
    }

    async fn notification_within(&mut self, kind: &str, within: Duration) -> Result<Value> {
        self.viewer_socket
            .event_where("new_notification", within, |notification| {
                notification["type"] == kind
            })
            .await
    }
}

/// Marks the user's only notification as read, which all tabs receive.
async fn read_notification(user: &User, socket: &mut Socket, id: &Value) -> Result<()> {
    let path = format!("/notifications/{id}/read");
    user.api.post(&path, Value::Null).await?.expect(200)?;
    let read = socket.event("notification_read", TIMEOUT).await?;
    ensure!(
        read == json!({"ids": [id], "all": false, "unreadCount": 0}),
        "{read}"
    );
    Ok(())
}

async fn create_stream(streamer: &User) -> Result<Stream> {
    let categories = streamer.api.get("/categories").await?.expect(200)?;
    ensure!(categories["totalItems"] == 8, "{categories}");
    let body = json!({"title": "Phát sóng thử", "categoryId": categories["categories"][0]["id"]});
    let created = streamer
        .api
        .call(Method::POST, "/streams", Some(body))
        .await?
        .expect(201)?;
    ensure!(created["data"]["status"] == "ended", "{created}");
    let key = text(&created, "/data/streamKey")?;
    let secret = key
        .split_once("?key=")
        .context("no secret in the stream key")?
        .1
        .to_owned();
    Ok(Stream {
        id: number(&created, "/data/id")?,
        key,
        secret,
    })
}
