//! Invalid requests over HTTP: each is answered with a problem.

use identity::TestIssuer;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Answer, World, answer};

pub(crate) fn is_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        answer.headers["content-type"], "application/problem+json",
        "{}",
        answer.body
    );
    let body = &answer.body;
    assert_eq!(
        (answer.status.as_u16(), &body["status"]),
        (status, &json!(status)),
        "{body}"
    );
    assert_eq!(body["code"], code, "{body}");
    assert!(
        body["type"].is_string() && body["title"].is_string() && body["errors"].is_array(),
        "{body}"
    );
    assert_eq!(
        (&body["message"], &body["error"]),
        (&body["detail"], &body["detail"])
    );
    assert_eq!(
        body["requestId"],
        answer.headers["x-request-id"].to_str().unwrap()
    );
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused() {
    let world = World::new().await;
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/users",
        "/api/streams/1/nothing",
        "/api/internal/rtmp",
        "/nothing.txt",
    ] {
        is_problem(&world.get(path).await, 404, "request.path_not_found");
    }
    for (method, path) in [
        ("TRACE", "/api/streams"),
        ("INVENTED", "/api/streams/1"),
        ("DELETE", "/api/users/me/profile"),
        ("POST", "/"),
        // The path of a search is not an id.
        ("DELETE", "/api/vod/search"),
        ("GET", "/api/vod/upload"),
    ] {
        let refused = answer(world.request(Method::from_bytes(method.as_bytes()).unwrap(), path)).await;
        is_problem(&refused, 405, "request.method_not_allowed");
        assert!(refused.headers.contains_key("allow"));
    }
}

#[tokio::test]
async fn invalid_ids_and_parameters_are_refused() {
    let world = World::new().await;
    let long = "9".repeat(4000);
    for id in [
        "0",
        "-1",
        "9223372036854775808",
        "1e3",
        "abc",
        "01",
        "%00",
        "1%20",
        &long,
    ] {
        is_problem(
            &world.get(&format!("/api/streams/{id}")).await,
            400,
            "request.invalid",
        );
        is_problem(
            &world.get(&format!("/api/vod/{id}")).await,
            400,
            "request.invalid",
        );
    }
    for query in [
        "limit=-1",
        "limit=0",
        "limit=1000000000",
        "limit=101",
        "limit=x",
        "page=0",
        "page=-1",
        "page=99999999",
        "cursor=x",
        "cursor=",
        "sort=password",
        "sort=id;drop",
        "status=dead",
        "categoryId=0",
        "userId=abc",
        "page=1&page=2",
        "following=yes",
    ] {
        let refused = world.get(&format!("/api/streams?{query}")).await;
        is_problem(&refused, 400, "request.invalid");
        let path = query.split('=').next().unwrap();
        assert_eq!(refused.body["errors"][0]["path"], path, "{query}");
    }
    is_problem(&world.get("/api/chat/x/messages").await, 400, "request.invalid");
    assert_eq!(
        world.get_as("/api/notifications?isRead=maybe", 5).await.body["errors"][0]["path"],
        "isRead"
    );
}

#[tokio::test]
async fn field_errors_have_codes_and_params() {
    let world = World::new().await;
    let range = |min: i64, max: i64| json!({"min": min, "max": max});
    for (query, code, params) in [
        ("limit=x", "not_a_number", json!({})),
        ("limit=101", "out_of_range", range(1, 100)),
        ("page=0", "out_of_range", range(1, 1000)),
        ("cursor=x", "invalid_cursor", json!({})),
        ("status=dead", "not_one_of", json!({"allowed": "live, ended"})),
        ("userId=abc", "invalid_id", json!({})),
        ("page=1&page=2", "repeated", json!({})),
        ("following=yes", "not_one_of", json!({"allowed": "true, false"})),
    ] {
        let refused = world.get(&format!("/api/streams?{query}")).await.body;
        let error = &refused["errors"][0];
        assert_eq!(
            (&error["code"], &error["params"]),
            (&json!(code), &params),
            "{query}"
        );
    }
    for (fields, path, code) in [
        (json!({}), "title", "required"),
        (json!({"title": "ab"}), "title", "wrong_length"),
        (json!({"title": "a\u{0}bc"}), "title", "control_characters"),
        (json!({"title": 5}), "title", "wrong_type"),
        (
            json!({"title": "A title", "categoryId": "x"}),
            "categoryId",
            "invalid_id",
        ),
    ] {
        let refused = world.post_as("/api/streams", 7, fields.clone()).await;
        is_problem(&refused, 400, "request.invalid");
        let error = &refused.body["errors"][0];
        assert_eq!(
            (&error["path"], &error["code"]),
            (&json!(path), &json!(code)),
            "{fields}"
        );
    }
}

#[tokio::test]
async fn invalid_tokens_are_refused() {
    let world = World::new().await;
    let ask = async |authorization: &str| {
        answer(
            world
                .request(Method::GET, "/api/users/me")
                .header("authorization", authorization),
        )
        .await
    };
    let good = world.token(5, "ann");
    for header in [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        &format!("Bearer {good} {good}"),
        &format!("Bearer {good}, Bearer {good}"),
        &good,
    ] {
        let refused = ask(header).await;
        is_problem(&refused, 401, "auth.token_invalid");
        assert_eq!(refused.headers["www-authenticate"], "Bearer");
    }
    let twice = world
        .request(Method::GET, "/api/users/me")
        .bearer_auth(&good)
        .header("authorization", format!("Bearer {good}"));
    is_problem(&answer(twice).await, 401, "auth.token_invalid");
    is_problem(
        &answer(world.request(Method::GET, "/api/users/me")).await,
        401,
        "auth.token_missing",
    );

    let now = chrono::Utc::now().timestamp();
    let spoilt = |name: &str, value: Value| {
        let mut claims = serde_json::to_value(TestIssuer::claims(
            primitives::UserId(5),
            "ann",
            primitives::Role::User,
        ))
        .unwrap();
        claims[name] = value;
        world.issuer.sign(&claims)
    };
    for (name, value, code) in [
        ("exp", json!(now - 7), "auth.token_expired"),
        ("exp", json!("tomorrow"), "auth.token_invalid"),
        ("exp", Value::Null, "auth.token_invalid"),
        ("nbf", json!(now + 60), "auth.token_invalid"),
        ("aud", json!("airwave-internal"), "auth.token_invalid"),
        ("iss", json!("another issuer"), "auth.token_invalid"),
    ] {
        is_problem(&ask(&format!("Bearer {}", spoilt(name, value))).await, 401, code);
    }
    // Routes for guests refuse an invalid token too: otherwise they would answer as if the caller had not signed in.
    let guest = world.request(Method::GET, "/api/streams").bearer_auth("nonsense");
    is_problem(&answer(guest).await, 401, "auth.token_invalid");
    let forged = TestIssuer::new().token(primitives::UserId(5), "ann", primitives::Role::Admin);
    let refused = ask(&format!("Bearer {forged}")).await;
    assert!([401, 503].contains(&refused.status.as_u16()), "{}", refused.body);
}

#[tokio::test]
async fn large_headers_are_refused() {
    let world = World::new().await;
    let long = world
        .request(Method::GET, "/api/streams")
        .header("x-long", "x".repeat(20_000));
    is_problem(&answer(long).await, 431, "request.head_too_large");
    let many = (0..80).fold(world.request(Method::GET, "/api/streams"), |r, n| {
        r.header(format!("x-{n}"), "1")
    });
    is_problem(&answer(many).await, 431, "request.head_too_large");
    // Above the limit of the HTTP server itself.
    let more = (0..200).fold(world.request(Method::GET, "/api/streams"), |r, n| {
        r.header(format!("x-{n}"), "1")
    });
    assert_eq!(answer(more).await.status, 431);
}
