//! Media nodes: their statistics (`/stat`), and dropping encoders (`/control`).

mod stat;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::future::join_all;
use primitives::{Clock, NodeName};
use url::Url;

use crate::config::NodeAddress;
use crate::domain::Publisher;

/// The RTMP application that encoders publish to.
const APPLICATION: &str = "live";
/// Nodes are close, and their answers are small.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const READ_TIMEOUT: Duration = Duration::from_millis(1500);
/// The statistics of a thousand streams take about 1.5 MB.
const MAX_ANSWER_BYTES: usize = 8 << 20;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("media node {0} is not configured")]
    NotConfigured(String),
    #[error("media node: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("media node: invalid answer: {0}")]
    InvalidAnswer(String),
}

/// The configured media nodes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MediaNodes {
    client: reqwest::Client,
    nodes: BTreeMap<NodeName, NodeAddress>,
    clock: Clock,
}

/// Absolute URLs of a live stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaybackUrls {
    pub hls: String,
    pub dash: String,
}

impl MediaNodes {
    /// Sends no request yet.
    pub fn new(nodes: &[NodeAddress], clock: Clock) -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(READ_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            nodes: nodes
                .iter()
                .map(|node| (node.name.clone(), node.clone()))
                .collect(),
            clock,
        })
    }

    pub fn names(&self) -> impl Iterator<Item = &NodeName> {
        self.nodes.keys()
    }

    #[must_use]
    pub fn is_configured(&self, node: &NodeName) -> bool {
        self.nodes.contains_key(node)
    }

    /// Returns the URLs of a stream, if its node is configured.
    #[must_use]
    pub fn playback_urls(&self, node: &str, name: &str) -> Option<PlaybackUrls> {
        let base = self.nodes.get(node)?.public.as_str().trim_end_matches('/');
        Some(PlaybackUrls {
            hls: format!("{base}/hls/{name}/index.m3u8"),
            dash: format!("{base}/dash/{name}/index.mpd"),
        })
    }

    /// Returns the encoders in a node's statistics, and the time of the request.
    pub async fn publishers(&self, node: &NodeName) -> Result<(Vec<Publisher>, DateTime<Utc>), Error> {
        let requested_at = self.clock.now();
        let answer = self
            .client
            .get(self.url(node, "stat")?)
            .send()
            .await?
            .error_for_status()?;
        let text = read_limited(answer).await?;
        let publishers = stat::publishers(&text, APPLICATION, requested_at).map_err(Error::InvalidAnswer)?;
        Ok((publishers, requested_at))
    }

    /// Disconnects an encoder. Returns false if it was not connected.
    pub async fn drop_client(
        &self,
        node: &NodeName,
        playback_name: &str,
        client: i64,
    ) -> Result<bool, Error> {
        let mut url = self.url(node, "control/drop/client")?;
        url.query_pairs_mut()
            .append_pair("app", APPLICATION)
            .append_pair("name", playback_name)
            .append_pair("clientid", &client.to_string());
        let answer = self.client.get(url).send().await?.error_for_status()?;
        Ok(read_limited(answer).await?.trim() != "0")
    }

    /// Fails with the names of the nodes that do not answer.
    pub async fn check(&self) -> Result<(), String> {
        let polls = self
            .names()
            .map(|node| async move { (node, self.publishers(node).await.is_err()) });
        let unreachable: Vec<_> = join_all(polls)
            .await
            .into_iter()
            .filter(|(_, failed)| *failed)
            .map(|(node, _)| node.as_str())
            .collect();
        if unreachable.is_empty() {
            Ok(())
        } else {
            Err(format!("unreachable: {}", unreachable.join(", ")))
        }
    }

    fn url(&self, node: &NodeName, path: &str) -> Result<Url, Error> {
        let node = self
            .nodes
            .get(node)
            .ok_or_else(|| Error::NotConfigured(node.to_string()))?;
        let base = node.control.as_str().trim_end_matches('/');
        format!("{base}/{path}")
            .parse()
            .map_err(|_| Error::InvalidAnswer(format!("{base} is not a base URL")))
    }
}

async fn read_limited(answer: reqwest::Response) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk?);
        if bytes.len() > MAX_ANSWER_BYTES {
            return Err(Error::InvalidAnswer("the answer is too large".to_owned()));
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::InvalidAnswer("the answer is not UTF-8".to_owned()))
}
