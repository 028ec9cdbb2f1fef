//! Parses the statistics of nginx-rtmp.

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;

use crate::domain::Publisher;

/// Returns the encoders of an application. The statistics tell how long ago each one connected, so its time
/// of connection is relative to `requested_at`.
pub(super) fn publishers(
    xml: &str,
    application: &str,
    requested_at: DateTime<Utc>,
) -> Result<Vec<Publisher>, String> {
    let page: StatPage =
        quick_xml::de::from_str(xml).map_err(|error| format!("invalid statistics: {error}"))?;
    let mut applications = page.servers.into_iter().flat_map(|server| server.applications);
    // Without this check, any other XML would pass for a node without encoders, and end all its broadcasts.
    let live = applications
        .find(|found| found.name == application)
        .and_then(|found| found.live);
    let live = live.ok_or_else(|| format!("the statistics lack the application {application}"))?;
    Ok(live
        .streams
        .into_iter()
        .flat_map(|stream| publishers_of_stream(stream, requested_at))
        .collect())
}

fn publishers_of_stream(stream: Stream, requested_at: DateTime<Utc>) -> impl Iterator<Item = Publisher> {
    let Stream {
        name,
        bytes_in,
        clients,
    } = stream;
    clients
        .into_iter()
        .filter(|client| client.publishing.is_some())
        .map(move |client| Publisher {
            playback_name: name.clone(),
            client: client.id,
            connected_at: requested_at - Duration::milliseconds(client.time.clamp(0, i64::from(u32::MAX))),
            bytes: bytes_in,
        })
}

#[derive(Deserialize)]
struct StatPage {
    #[serde(rename = "server", default)]
    servers: Vec<Server>,
}

#[derive(Deserialize)]
struct Server {
    #[serde(rename = "application", default)]
    applications: Vec<Application>,
}

#[derive(Deserialize)]
struct Application {
    name: String,
    live: Option<Live>,
}

#[derive(Deserialize)]
struct Live {
    #[serde(rename = "stream", default)]
    streams: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    #[serde(default)]
    name: String,
    bytes_in: u64,
    #[serde(rename = "client", default)]
    clients: Vec<Client>,
}

#[derive(Deserialize)]
struct Client {
    id: i64,
    time: i64,
    publishing: Option<Empty>,
}

#[derive(Deserialize)]
struct Empty {}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<?xml version="1.0" encoding="utf-8" ?>
<?xml-stylesheet type="text/xsl" href="stat.xsl" ?>
<rtmp>
<nginx_version>1.22.1</nginx_version><pid>4</pid><uptime>9</uptime><naccepted>2</naccepted>
<bytes_in>932396</bytes_in>
<server>
<application>
<name>live</name>
<live>
<stream><name>alice</name><time>4025</time><bw_in>1</bw_in><bytes_in>466196</bytes_in><bw_audio>0</bw_audio>
<client><id>2</id><address>127.0.0.1</address><time>4205</time>
<flashver>FMLE/3.0 &lt;x&gt;</flashver><dropped>0</dropped><avsync>-19</avsync>
<timestamp>4183</timestamp><publishing/><active/></client>
<client><id>9</id><address>127.0.0.1</address><time>205</time></client>
<meta><video><width>640</width><codec>H264</codec></video></meta>
<nclients>2</nclients><publishing/><active/></stream>
<stream><name></name><bytes_in>0</bytes_in></stream>
<nclients>2</nclients>
</live>
</application>
<application><name>other</name><live><stream><name>bob</name><bytes_in>5</bytes_in>
<client><id>3</id><time>1</time><publishing/></client></stream></live></application>
</server>
</rtmp>"#;

    #[test]
    fn only_publishers_are_returned() {
        let now = DateTime::UNIX_EPOCH + Duration::hours(1);
        let found = publishers(PAGE, "live", now).unwrap();
        let connected_at = now - Duration::milliseconds(4205);
        assert_eq!(
            found,
            [Publisher {
                playback_name: "alice".into(),
                client: 2,
                connected_at,
                bytes: 466_196
            }]
        );
    }

    #[test]
    fn idle_node_has_no_publishers() {
        let idle = "<rtmp><server><application><name>live</name><live><nclients>0</nclients></live>\
                    </application></server></rtmp>";
        assert_eq!(publishers(idle, "live", DateTime::UNIX_EPOCH), Ok(vec![]));
    }

    #[test]
    fn other_documents_are_errors() {
        for bad in [
            "",
            "<html><body>502</body></html>",
            "<rtmp></rtmp>",
            "<rtmp><server>",
            "{}",
        ] {
            assert!(publishers(bad, "live", DateTime::UNIX_EPOCH).is_err(), "{bad}");
        }
    }
}
