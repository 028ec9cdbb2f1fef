//! Headers, client addresses, CORS, and what the listener serves next to the API.

use reqwest::Method;
use serde_json::json;

use crate::world::{World, answer};

#[tokio::test]
async fn request_id_and_client_address_reach_services() {
    let world = World::new().await;
    let request = world
        .request(Method::GET, "/api/streams/1")
        .header("x-request-id", "given-by-client-1");
    let problem = answer(
        request
            .header("x-forwarded-for", "9.9.9.9, 203.0.113.5")
            .header("x-user-id", "1"),
    )
    .await;
    assert_eq!(problem.headers["x-request-id"], "given-by-client-1");
    assert_eq!(problem.body["requestId"], "given-by-client-1");
    let came = world.peers.state().metadata.last().unwrap().clone();
    assert_eq!(
        came,
        ("203.0.113.5".to_owned(), "given-by-client-1".to_owned()),
        "the rightmost hop is the client"
    );
    let odd = answer(
        world
            .request(Method::GET, "/api/streams/1")
            .header("x-request-id", "a b"),
    )
    .await;
    assert_ne!(odd.headers["x-request-id"], "a b");
    assert_eq!(odd.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn unavailable_service_is_503_without_its_address() {
    let world = World::new().await;
    world.peers.state().stream_away = true;
    let away = world.get("/api/streams/1").await;
    assert_eq!(
        (away.status.as_u16(), &away.body["code"]),
        (503, &json!("service.unavailable"))
    );
    assert!(
        away.headers.contains_key("retry-after") && !away.body.to_string().contains("10.1.2.3"),
        "{}",
        away.body
    );
}

#[tokio::test]
async fn web_client_and_description_are_served() {
    let folder = std::env::temp_dir().join(format!("airwave-page-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(folder.join("views")).unwrap();
    for (name, content) in [
        ("index.html", "<p>page"),
        ("docs.html", "<p>docs"),
        ("views/home.js", "1"),
    ] {
        std::fs::write(folder.join(name), content).unwrap();
    }
    let world = World::with(|config| config.public.gateway_web_dir = Some(folder.clone())).await;
    for (path, kind) in [
        ("/", "text/html"),
        ("/watch/3", "text/html"),
        ("/docs", "text/html"),
        ("/views/home.js", "text/javascript"),
    ] {
        let page = world.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(
            page.headers["content-type"].to_str().unwrap().starts_with(kind),
            "{path}"
        );
        let tag = page.headers["etag"].clone();
        assert_eq!(
            answer(world.request(Method::GET, path).header("if-none-match", tag))
                .await
                .status,
            304
        );
    }
    for path in [
        "/nothing.js",
        "/metrics",
        "/internal/rtmp",
        "/socket.io/",
        "/hls/x/index.m3u8",
    ] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
    assert_eq!(world.get("/../Cargo.toml").await.status, 404);
    assert_eq!(world.get("/openapi.json").await.body["openapi"], "3.1.0");
    assert_eq!(world.get("/healthz").await.body, json!({"status": "alive"}));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn cors_allows_configured_origins_only() {
    let world =
        World::with(|config| config.public.gateway_allowed_origins = vec!["https://app.example".to_owned()])
            .await;
    let ask = |origin: &'static str| {
        world
            .request(Method::OPTIONS, "/api/streams")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
    };
    let known = answer(ask("https://app.example")).await;
    assert_eq!(
        known.headers["access-control-allow-origin"],
        "https://app.example"
    );
    let foreign = answer(ask("https://evil.example")).await;
    assert!(
        !foreign.headers.contains_key("access-control-allow-origin"),
        "{:?}",
        foreign.headers
    );
}
