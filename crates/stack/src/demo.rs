//! `make demo`: a demo user who goes live with a test pattern through the API and RTMP.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::signal::ctrl_c;

use crate::publisher::Publisher;
use crate::run::RunConfig;
use crate::secrets_file::SecretsFile;
use crate::wait::eventually;

const USERNAME: &str = "demo_streamer";

/// Publishes until Ctrl-C.
pub async fn run(config: &RunConfig) -> Result<()> {
    let origin = config.origin();
    let mut secrets = SecretsFile::open(&config.data_dir().join("demo.env"))?;
    let password = secrets.get("DEMO_PASSWORD", || Ok(crate::secret::random()))?;
    let mut api = Api {
        client: crate::http_client()?,
        origin: origin.clone(),
        token: None,
    };
    let user = api.sign_in(&password).await?;
    eprintln!("Signed in as {USERNAME}");
    let stream = api.stream(&user).await?;
    let (server, key) = (config.rtmp_url(), text(&stream, "/streamKey")?);
    eprintln!("Publishing a test pattern with a tone to {server}");
    let mut publisher = Publisher::start(&format!("{server}/{key}")).await?;
    let id = at(&stream, "/id")?;
    let live = eventually(Duration::from_secs(20), "the stream to be live", async || {
        ensure!(
            !publisher.ended()?,
            "the publish was rejected:\n{}",
            publisher.log()
        );
        let answer = api.call(Method::GET, &format!("/streams/{id}"), None).await?;
        let status = text(&answer, "/stream/status")?;
        ensure!(status == "live", "status is {status}");
        anyhow::Ok((
            text(&answer, "/stream/playbackUrls/hls")?,
            text(&answer, "/stream/playbackUrls/dash")?,
        ))
    });
    let (hls, dash) = live.await?;
    eprintln!(
        "\n  Live. Watch at  {origin}/watch/{id}\n  HLS             {hls}\n  DASH            {dash}\n  Stop            Ctrl-C\n"
    );
    tokio::select! {
        interrupted = ctrl_c() => interrupted?,
        ended = publisher.wait(Duration::MAX) => bail!("the encoder ended ({}):\n{}", ended?, publisher.log()),
    }
    publisher.stop().await
}

struct Api {
    client: Client,
    origin: String,
    token: Option<String>,
}

impl Api {
    /// Signs in, or registers on the first run.
    async fn sign_in(&mut self, password: &str) -> Result<Value> {
        let credentials = json!({"username": USERNAME, "password": password});
        let answer = match self
            .call(Method::POST, "/users/login", Some(credentials.clone()))
            .await
        {
            Ok(answer) => answer,
            Err(_) => {
                self.call(Method::POST, "/users/register", Some(credentials))
                    .await?
            }
        };
        self.token = Some(text(&answer, "/token")?);
        Ok(at(&answer, "/user")?.clone())
    }

    /// Returns the user's stream with its key, and creates it on the first run.
    async fn stream(&self, user: &Value) -> Result<Value> {
        let mine = self
            .call(
                Method::GET,
                &format!("/streams?userId={}&limit=1", at(user, "/id")?),
                None,
            )
            .await?;
        if let Some(id) = mine.pointer("/streams/0/id") {
            let answer = self.call(Method::GET, &format!("/streams/{id}"), None).await?;
            return Ok(at(&answer, "/stream")?.clone());
        }
        let new = json!({"title": "Test pattern", "description": "Published by `make demo`."});
        let answer = self.call(Method::POST, "/streams", Some(new)).await?;
        Ok(at(&answer, "/data")?.clone())
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let mut request = self.client.request(method, format!("{}/api{path}", self.origin));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request
            .send()
            .await
            .context("cannot reach the API: is `make run` running?")?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).with_context(|| format!("{path} did not return JSON: {text}"))
    }
}

fn at<'a>(answer: &'a Value, pointer: &str) -> Result<&'a Value> {
    answer
        .pointer(pointer)
        .with_context(|| format!("no {pointer} in the API's response"))
}

fn text(answer: &Value, pointer: &str) -> Result<String> {
    at(answer, pointer)?
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("{pointer} in the API's response is not a string"))
}
