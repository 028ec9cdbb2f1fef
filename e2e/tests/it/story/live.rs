//! The live part: publishing, watching, chatting, dropping and ending.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::api::{number, text};
use e2e::browser::{Player, play};
use e2e::socket::Socket;
use reqwest::StatusCode;
use serde_json::json;
use stack::{Publisher, eventually};

use super::{LONG_TIMEOUT, Story, TIMEOUT};
use crate::collector::Collector;

impl Story {
    pub(super) async fn wrong_key_is_rejected(&self) -> Result<()> {
        let wrong = self
            .stream
            .key
            .replace(&self.stream.secret, &self.stream.secret.to_uppercase());
        let status = self.publish(&wrong).await?.wait(TIMEOUT).await?;
        ensure!(!status.success(), "a wrong key was accepted");
        ensure!(self.get_stream().await?["status"] == "ended");
        Ok(())
    }

    pub(super) async fn goes_live(&mut self) -> Result<Publisher> {
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
    pub(super) async fn plays_in_browsers(&self) -> Result<()> {
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
    pub(super) async fn users_chat_and_are_counted(&mut self) -> Result<()> {
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
    pub(super) async fn drops_and_returns(&mut self, mut publisher: Publisher) -> Result<Publisher> {
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
    pub(super) async fn ends(&mut self, mut publisher: Publisher) -> Result<Vec<f64>> {
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
}

async fn viewers(socket: &mut Socket, count: u64) -> Result<()> {
    socket
        .event_where("viewer_count_updated", TIMEOUT, |update| update["count"] == count)
        .await?;
    Ok(())
}

/// Hook, event, fan-out and push are spans of one trace across services.
pub(super) async fn one_trace_covers_going_live(collector: &Collector) -> Result<()> {
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
