use std::time::Duration;

use stack::port::Port;
use stack::{Edge, EdgeConfig, MediaNode, eventually};
use tempfile::TempDir;

use crate::fake::Fake;

struct Origin {
    edge: Edge,
    rest: Fake,
    sockets: Fake,
    client: reqwest::Client,
    _folder: TempDir,
}

impl Origin {
    async fn start(media: String) -> Self {
        let (rest, sockets) = (Fake::start(|_| 200).await, Fake::start(|_| 200).await);
        let folder = tempfile::tempdir().unwrap();
        let config = EdgeConfig {
            folder: folder.path().to_path_buf(),
            listen: std::net::Ipv4Addr::LOCALHOST.into(),
            port: Port::free().unwrap(),
            rest: rest.address.clone(),
            sockets: sockets.address.clone(),
            media,
        };
        let edge = Edge::start(config).await.unwrap();
        Self {
            edge,
            rest,
            sockets,
            client: stack::http_client().unwrap(),
            _folder: folder,
        }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.client
            .get(format!("{}{path}", self.edge.url()))
            .send()
            .await
            .unwrap()
    }
}

async fn node() -> MediaNode {
    let stack = stack::shared().await.unwrap();
    let mut node = stack.media_node("node-a", "secret").unwrap();
    node.start("127.0.0.1:9").await.unwrap();
    node
}

#[tokio::test]
async fn paths_are_routed_to_their_servers() {
    let node = node().await;
    let origin = Origin::start(node.media_address()).await;
    for path in [
        "/",
        "/api/streams?page=2",
        "/openapi.json",
        "/asyncapi.json",
        "/docs",
        "/healthz",
        "/readyz",
    ] {
        assert_eq!(origin.get(path).await.status(), 200, "{path}");
        assert!(
            origin.rest.find(&format!("GET {path} HTTP/1.1")).is_some(),
            "{path}"
        );
    }
    for path in [
        "/socket.io/?EIO=4&transport=polling",
        "/app/socket.io/?EIO=4&transport=polling",
    ] {
        assert_eq!(origin.get(path).await.status(), 200, "{path}");
        assert!(
            origin.sockets.find(&format!("GET {path} HTTP/1.1")).is_some(),
            "{path}"
        );
    }
    assert_eq!(origin.get("/hls/unknown/index.m3u8").await.status(), 404);
    assert_eq!(origin.get("/dash/unknown/index.mpd").await.status(), 404);
    assert_eq!(origin.rest.count("/hls") + origin.rest.count("/dash"), 0);
}

#[tokio::test]
async fn internal_paths_are_not_reachable() {
    let node = node().await;
    let origin = Origin::start(node.media_address()).await;
    let internal = [
        "/stat",
        "/stat/",
        "/%73tat",
        "//stat",
        "/control/drop/publisher?app=live",
        "/_hook/publish",
        "/_hook/update",
        "/internal/rtmp/node-a/boot/publish",
        "/metrics",
        "/hls/../stat",
        "/hls/../control/drop/publisher?app=live",
        "/hls/alice/../../stat",
        "/hls/",
        "/hls/alice/",
        "/dash/alice/raw.m4v",
    ];
    let address = origin.edge.url().trim_start_matches("http://").to_owned();
    for path in internal {
        // Written by hand, because a client library would normalise the path.
        let response = raw_get(&address, path).await;
        assert!(response.starts_with("HTTP/1.1 404 "), "{path}: {response}");
    }
    assert!(origin.rest.requests().is_empty(), "{:?}", origin.rest.requests());
    // Nor does the port from which the edge fetches media serve internal paths.
    for path in ["/stat", "/control/drop/publisher?app=live", "/_hook/publish"] {
        assert!(
            raw_get(&node.media_address(), path)
                .await
                .starts_with("HTTP/1.1 404 "),
            "{path}"
        );
    }
}

async fn raw_get(address: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn gateway_sees_client_address_but_no_internal_headers() {
    let origin = Origin::start("127.0.0.1:9".to_owned()).await;
    let request = origin.client.get(format!("{}/api/streams", origin.edge.url()));
    let request = request
        .header("X-Forwarded-For", "6.6.6.6")
        .header("X-Airwave-Service", "auth")
        .header("X-Real-IP", "6.6.6.6");
    request.header("Forwarded", "for=6.6.6.6").send().await.unwrap();
    let seen = origin.rest.find("/api/streams").unwrap();
    assert_eq!(seen.header("x-forwarded-for"), Some("6.6.6.6, 127.0.0.1"));
    assert_eq!(
        seen.header("host"),
        Some(origin.edge.url().trim_start_matches("http://"))
    );
    for header in ["x-airwave-service", "x-real-ip", "forwarded"] {
        assert_eq!(seen.header(header), None, "{header}");
    }
    let upgrade = origin.client.get(format!(
        "{}/socket.io/?EIO=4&transport=websocket",
        origin.edge.url()
    ));
    upgrade
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .send()
        .await
        .unwrap();
    let seen = origin.sockets.find("transport=websocket").unwrap();
    assert_eq!(seen.header("upgrade"), Some("websocket"));
    assert_eq!(seen.header("connection"), Some("upgrade"));
}

#[tokio::test]
async fn query_strings_are_not_logged() {
    let origin = Origin::start("127.0.0.1:9".to_owned()).await;
    origin.get("/api/streams?token=very-secret").await;
    origin.get("/hls/alice/index.m3u8?token=very-secret").await;
    origin
        .get(&format!("/api/streams?token=very-secret{}", "x".repeat(40_000)))
        .await;
    drop(origin.rest);
    let url = format!("{}/api/last?token=very-secret", origin.edge.url());
    let unavailable = eventually(Duration::from_secs(5), "the gateway to be down", async || {
        let answer = origin.client.get(&url).send().await.unwrap();
        (answer.status() == 503).then_some(answer)
    });
    let unavailable = unavailable.await.unwrap();
    assert_eq!(unavailable.headers()["content-type"], "application/problem+json");
    assert_eq!(unavailable.headers()["retry-after"], "2");
    let folder = origin.edge.folder().to_path_buf();
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let logged = eventually(Duration::from_secs(10), "the log", async || {
        read("access.log").contains("/api/last")
    });
    logged.await.unwrap();
    for log in ["access.log", "error.log", "nginx.log"] {
        assert!(!read(log).contains("very-secret"), "{log}: {}", read(log));
    }
}

#[tokio::test]
async fn edge_rejections_are_problem_details() {
    let origin = Origin::start("127.0.0.1:9".to_owned()).await;
    let url = format!("{}/api/streams", origin.edge.url());
    let large = origin
        .client
        .get(&url)
        .header("x-large", "x".repeat(64_000))
        .send()
        .await
        .unwrap();
    let long = origin
        .client
        .get(format!("{url}?{}", "x".repeat(40_000)))
        .send()
        .await
        .unwrap();
    let trace = origin
        .client
        .request(reqwest::Method::TRACE, &url)
        .send()
        .await
        .unwrap();
    let heavy = origin
        .client
        .post(&url)
        .header("content-length", "9000000000")
        .body(reqwest::Body::wrap_stream(futures::stream::pending::<
            Result<Vec<u8>, std::io::Error>,
        >()));
    let heavy = heavy.send().await.unwrap();
    for (answer, status) in [(large, 431), (long, 414), (trace, 405), (heavy, 413)] {
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["message"], problem["detail"]);
    }
    assert!(origin.rest.requests().is_empty());
}
