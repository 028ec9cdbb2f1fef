//! A broadcast from encoder to replay, on real servers and with the official clients.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::api::{Api, User, number, text};
use e2e::browser::{Player, play};
use e2e::socket::Socket;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use stack::{Platform, PlatformOptions, Publisher, eventually};

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

    async fn wrong_key_is_rejected(&self) -> Result<()> {
        let wrong = self
            .stream
            .key
            .replace(&self.stream.secret, &self.stream.secret.to_uppercase());
        let status = self.publish(&wrong).await?.wait(TIMEOUT).await?;
        ensure!(!status.success(), "a wrong key was accepted");
        ensure!(self.get_stream().await?["status"] == "ended");
        Ok(())
    }

    async fn goes_live(&mut self) -> Result<Publisher> {
        let publisher = self.publish(&self.stream.key).await?;
        let notification = self.notification("stream_started").await?;
        ensure!(
            notification["relatedEntityId"] == self.stream.id,
            "{notification}"
        );
        let stream = self.get_stream().await?;
        ensure!(stream["status"] == "live", "{stream}");
        // Responses to guests may be a second old.
        eventually(TIMEOUT, "the list for guests", async || {
            let live = self.guest.get("/streams?status=live").await?.expect(200)?;
            ensure!(live["streams"][0]["id"] == self.stream.id, "{live}");
            anyhow::Ok(())
        })
        .await?;
        Ok(publisher)
    }

    /// Both players play video and audio, and no request or response contains the secret.
    async fn plays_in_browsers(&self) -> Result<()> {
        let stream = self.get_stream().await?;
        for (player, pointer) in [
            (Player::Hls, "/playbackUrls/hls"),
            (Player::Dash, "/playbackUrls/dash"),
        ] {
            let url = text(&stream, pointer)?;
            let seen = play(player, self.platform.origin(), &url, 2).await?;
            ensure!(seen["width"] == 640 && seen["height"] == 360, "{seen}");
            ensure!(number(&seen, "/audioBytes")? > 0, "no audio: {seen}");
            let manifest = reqwest::get(&url).await?.text().await?;
            let shown = format!("{stream}{seen}{manifest}");
            ensure!(
                !shown.contains(&self.stream.secret),
                "the secret is exposed: {shown}"
            );
        }
        Ok(())
    }

    /// Viewers are counted per user, not per tab; a message reaches the room and is stored in MongoDB.
    async fn users_chat_and_are_counted(&mut self) -> Result<()> {
        let id = self.stream.id;
        self.viewer_socket.join(id).await?;
        viewers(&mut self.viewer_socket, 1).await?;
        self.streamer_socket.join(id).await?;
        viewers(&mut self.viewer_socket, 2).await?;
        let mut second_tab = Socket::connect(self.platform.origin(), Some(&self.viewer.token)).await?;
        second_tab.join(id).await?;

        let message = json!({"streamId": id, "message": "xin chào <b>&", "clientMessageId": "a-1"});
        let sent = self.viewer_socket.emit("chat_message", message).await?;
        ensure!(sent["ok"] == true && sent["seq"] == 1, "{sent}");
        let received = self.streamer_socket.event("new_message", TIMEOUT).await?;
        ensure!(
            received["message"] == "xin chào <b>&" && received["username"] == "viewer_minh",
            "{received}"
        );
        self.viewer_socket.event("new_message", TIMEOUT).await?;
        self.is_stored(&text(&sent, "/id")?).await?;

        let history = self
            .viewer
            .api
            .get(&format!("/chat/{id}/messages"))
            .await?
            .expect(200)?;
        ensure!(
            history["data"][0]["id"] == sent["id"] && history["totalMessages"] == 1,
            "{history}"
        );
        let again = second_tab
            .event_where("viewer_count_updated", Duration::from_secs(3), |c| {
                c["count"] != 2
            })
            .await;
        ensure!(again.is_err(), "a second tab changed the count: {again:?}");
        Ok(())
    }

    async fn is_stored(&self, id: &str) -> Result<()> {
        let client = mongodb::Client::with_uri_str(self.platform.mongodb_url()).await?;
        let messages = client
            .database(self.platform.mongodb_database())
            .collection::<mongodb::bson::Document>("messages");
        let found = messages
            .find_one(mongodb::bson::doc! {"_id": id})
            .await?
            .context("not in MongoDB")?;
        ensure!(found.get_str("userId")? == self.viewer.id.to_string(), "{found}");
        Ok(())
    }

    /// The encoder is killed and returns within the reconnect grace: the broadcast continues.
    async fn drops_and_returns(&mut self, mut publisher: Publisher) -> Result<Publisher> {
        publisher.kill().await?;
        let publisher = self.publish(&self.stream.key).await?;
        eventually(TIMEOUT, "a growing second recording", async || {
            let recordings = self.recordings()?;
            ensure!(recordings.len() == 2, "{recordings:?}");
            let sizes = recordings
                .iter()
                .map(|file| Ok(std::fs::metadata(file)?.len()))
                .collect::<Result<Vec<_>>>()?;
            ensure!(sizes.iter().all(|size| *size > 200_000), "{sizes:?}");
            Ok(())
        })
        .await?;
        Ok(publisher)
    }

    /// The encoder stops: the room is notified, the playlist is removed, and there was one broadcast with one
    /// notification.
    async fn ends(&mut self, mut publisher: Publisher) -> Result<Vec<f64>> {
        let hls = text(&self.get_stream().await?, "/playbackUrls/hls")?;
        publisher.stop().await?;
        // Within the reconnect grace, the files are complete and not taken yet.
        let mut lengths = Vec::new();
        for file in self.recordings()? {
            lengths.push(duration(&file).await?);
        }
        let ended = self
            .viewer_socket
            .event("stream_ended_notification", TIMEOUT)
            .await?;
        ensure!(ended["streamId"] == self.stream.id, "{ended}");
        let again = self
            .viewer_socket
            .event_where("new_notification", Duration::ZERO, |n| {
                n["type"] == "stream_started"
            });
        ensure!(again.await.is_err(), "a second notification of one broadcast");

        let stream = self.get_stream().await?;
        ensure!(
            stream["status"] == "ended" && stream["playbackUrls"].is_null(),
            "{stream}"
        );
        let broadcasts = self
            .viewer
            .api
            .get(&format!("/streams/{}/broadcasts", self.stream.id))
            .await?
            .expect(200)?;
        ensure!(broadcasts["totalItems"] == 1, "{broadcasts}");
        ensure!(
            number(&broadcasts, "/broadcasts/0/peakViewers")? == 2,
            "{broadcasts}"
        );
        eventually(LONG_TIMEOUT, "the playlist to be removed", async || {
            let status = reqwest::get(&hls).await?.status();
            ensure!(status == StatusCode::NOT_FOUND, "{status}");
            Ok(())
        })
        .await?;
        Ok(lengths)
    }

    /// Both publishes of the broadcast were recorded, and each recording is announced as a VOD.
    async fn recordings_become_vods(&mut self) -> Result<Vec<i64>> {
        let mut vods = Vec::new();
        for _ in 0..2 {
            vods.push(number(
                &self.notification_within("new_vod", LONG_TIMEOUT).await?,
                "/relatedEntityId",
            )?);
        }
        eventually(TIMEOUT, "the local recordings to be removed", async || {
            let left = self.recordings()?;
            ensure!(left.is_empty(), "{left:?}");
            Ok(())
        })
        .await?;
        let list = self
            .viewer
            .api
            .get(&format!("/vod?streamId={}", self.stream.id))
            .await?
            .expect(200)?;
        ensure!(list["totalItems"] == 2, "{list}");
        vods.sort_unstable();
        Ok(vods)
    }

    async fn vods_play(&self, vods: &[i64], mut recorded: Vec<f64>) -> Result<()> {
        let mut lengths = Vec::new();
        for id in vods {
            let vod = self.viewer.api.get(&format!("/vod/{id}")).await?.expect(200)?;
            let vod = &vod["vod"];
            ensure!(vod["status"] == "ready" && vod["viewCount"] == 1, "{vod}");
            lengths.push(vod["durationSeconds"].as_f64().context("no duration")?);
            let url = text(vod, "/videoUrl")?;
            ensure!(is_fast_start(&url).await?, "the index comes after the media");
            let seen = play(Player::File, self.platform.origin(), &url, 1).await?;
            ensure!(
                seen["width"] == 640 && number(&seen, "/audioBytes")? > 0,
                "{seen}"
            );
            let picture = reqwest::get(text(vod, "/thumbnailUrl")?)
                .await?
                .error_for_status()?
                .bytes()
                .await?;
            ensure!(picture.starts_with(&[0xFF, 0xD8]), "the thumbnail is not a JPEG");
            let again = self.viewer.api.get(&format!("/vod/{id}")).await?.expect(200)?;
            ensure!(
                again["vod"]["viewCount"] == 1,
                "a second view was counted: {again}"
            );
        }
        lengths.sort_unstable_by(f64::total_cmp);
        recorded.sort_unstable_by(f64::total_cmp);
        let near = lengths
            .iter()
            .zip(&recorded)
            .all(|(vod, recording)| (vod - recording).abs() < 1.0);
        ensure!(
            near && lengths.len() == recorded.len(),
            "{lengths:?} against {recorded:?}"
        );
        let latest = self
            .viewer
            .api
            .get(&format!("/streams/{}/vod", self.stream.id))
            .await?
            .expect(200)?;
        ensure!(vods.contains(&number(&latest, "/vod/id")?), "{latest}");
        Ok(())
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

async fn viewers(socket: &mut Socket, count: u64) -> Result<()> {
    socket
        .event_where("viewer_count_updated", TIMEOUT, |update| update["count"] == count)
        .await?;
    Ok(())
}

/// Tells whether playback can start before the download ends: the index (`moov`) precedes the media (ISO/IEC
/// 14496-12). Uses a range request, as players do.
async fn is_fast_start(url: &str) -> Result<bool> {
    let response = reqwest::Client::new()
        .get(url)
        .header("range", "bytes=0-65535")
        .send()
        .await?;
    ensure!(
        response.status() == StatusCode::PARTIAL_CONTENT,
        "ranges are not supported: {}",
        response.status()
    );
    let head = response.bytes().await?;
    let position = |name: &[u8]| head.windows(4).position(|window| window == name);
    let (moov, mdat) = (position(b"moov"), position(b"mdat"));
    Ok(moov.is_some_and(|moov| mdat.is_none_or(|mdat| moov < mdat)))
}

/// Returns the duration of a recording in seconds.
async fn duration(file: &Path) -> Result<f64> {
    let arguments = [
        "-v",
        "error",
        "-show_entries",
        "format=duration",
        "-of",
        "csv=p=0",
    ];
    let output = tokio::process::Command::new("ffprobe")
        .args(arguments)
        .arg(file)
        .output()
        .await?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Hook, event, fan-out and push are spans of one trace across services.
async fn one_trace_covers_going_live(collector: &Collector) -> Result<()> {
    eventually(
        Duration::from_secs(30),
        "one trace from hook to push",
        async || {
            let traces = collector.traces_with("socket.new_notification");
            let whole = traces.iter().any(|trace| {
                ["airwave-stream", "airwave-notification", "airwave-gateway"]
                    .iter()
                    .all(|service| trace.iter().any(|s| s.service == *service))
                    && trace.iter().any(|span| span.name.starts_with("hook"))
            });
            ensure!(whole, "{traces:#?}");
            Ok(())
        },
    )
    .await
}
