//! The media nodes: who publishes there (`/stat`), and sending an encoder away (`/control`).

mod stat;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::future::join_all;
use url::Url;

use crate::config::NodeAddress;
use crate::domain::Publisher;

/// The RTMP application that encoders publish to.
const APPLICATION: &str = "live";
/// How long a node may take to connect and to answer in full: it is near, and its pages are small.
const CONNECT: Duration = Duration::from_millis(500);
const ANSWER: Duration = Duration::from_millis(1500);
/// The statistics of a thousand streams have about 1.5 MB.
const LARGEST: usize = 8 << 20;

/// What went wrong with a media node.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such node is configured.
    #[error("media node {0} is not configured")]
    Unknown(String),
    /// It did not answer, or with an error.
    #[error("media node: {0}")]
    Unreachable(#[from] reqwest::Error),
    /// Its answer makes no sense.
    #[error("media node: {0}")]
    Nonsense(String),
}

/// All media nodes of the configuration. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MediaNodes {
    client: reqwest::Client,
    nodes: BTreeMap<String, NodeAddress>,
}

/// Where viewers find a live stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playback {
    /// The HLS playlist.
    pub hls: String,
    /// The DASH manifest.
    pub dash: String,
}

impl MediaNodes {
    /// Takes the addresses; nothing is asked yet.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(nodes: &[NodeAddress]) -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            nodes: nodes
                .iter()
                .map(|node| (node.name.clone(), node.clone()))
                .collect(),
        })
    }

    /// The names of the nodes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }

    /// Where viewers find a stream on a node, if the node is configured.
    #[must_use]
    pub fn playback(&self, node: &str, name: &str) -> Option<Playback> {
        let base = self.nodes.get(node)?.public.as_str().trim_end_matches('/');
        Some(Playback {
            hls: format!("{base}/hls/{name}/index.m3u8"),
            dash: format!("{base}/dash/{name}/index.mpd"),
        })
    }

    /// The encoders that publish on a node, and when that was asked.
    ///
    /// # Errors
    /// When the node does not answer with statistics.
    pub async fn publishers(&self, node: &str) -> Result<(Vec<Publisher>, DateTime<Utc>), Error> {
        let asked_at = primitives::Clock::system().now();
        let answer = self
            .client
            .get(self.url(node, "stat")?)
            .send()
            .await?
            .error_for_status()?;
        let text = bounded(answer).await?;
        let publishers = stat::publishers(&text, APPLICATION, asked_at).map_err(Error::Nonsense)?;
        Ok((publishers, asked_at))
    }

    /// Sends one encoder away; true when it was there.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn drop_client(&self, node: &str, name: &str, client: i64) -> Result<bool, Error> {
        let mut url = self.url(node, "control/drop/client")?;
        url.query_pairs_mut()
            .append_pair("app", APPLICATION)
            .append_pair("name", name)
            .append_pair("clientid", &client.to_string());
        let answer = self.client.get(url).send().await?.error_for_status()?;
        Ok(bounded(answer).await?.trim() != "0")
    }

    /// Whether every node answers.
    ///
    /// # Errors
    /// The names of those that do not.
    pub async fn check(&self) -> Result<(), String> {
        let asked = self
            .names()
            .map(|node| async move { (node, self.publishers(node).await.is_err()) });
        let silent: Vec<_> = join_all(asked)
            .await
            .into_iter()
            .filter(|(_, silent)| *silent)
            .map(|(node, _)| node)
            .collect();
        if silent.is_empty() {
            Ok(())
        } else {
            Err(format!("silent: {}", silent.join(", ")))
        }
    }

    fn url(&self, node: &str, path: &str) -> Result<Url, Error> {
        let node = self
            .nodes
            .get(node)
            .ok_or_else(|| Error::Unknown(node.to_owned()))?;
        let base = node.control.as_str().trim_end_matches('/');
        format!("{base}/{path}")
            .parse()
            .map_err(|_| Error::Nonsense(format!("{base} is no base URL")))
    }
}

async fn bounded(answer: reqwest::Response) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk?);
        if bytes.len() > LARGEST {
            return Err(Error::Nonsense("the answer is too large".to_owned()));
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::Nonsense("the answer is not UTF-8".to_owned()))
}
