//! Visitor cookies, and the limits of sockets per user and address and of events per socket.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Client, Options};
use crate::sockets::leases;
use crate::world::{SOON, World};

/// Returns the cookie that is set by the response to a session's first request.
async fn set_cookie(world: &World, cookie: &str) -> Option<String> {
    let url = format!("{}/socket.io/?EIO=4&transport=polling", world.app.socket);
    let response = world.http.get(url).header("cookie", cookie).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let set = response.headers().get("set-cookie")?;
    Some(set.to_str().unwrap().to_owned())
}

/// Returns a visitor cookie as a browser sends it, and the viewer of its lease.
async fn browser(world: &World) -> (String, String) {
    let set = set_cookie(world, "").await.unwrap();
    let pair = set.split(';').next().unwrap();
    let id = pair.split(['=', '.']).nth(1).unwrap();
    (pair.to_owned(), format!("g:{id}"))
}

fn with_headers(headers: Value, transport: &'static str) -> Options {
    Options {
        headers,
        transport,
        ..Options::default()
    }
}

fn from_address(world: &World, address: &str) -> Client {
    let headers = json!({ "x-forwarded-for": address });
    Client::start(&world.app.socket, &with_headers(headers, "websocket"))
}

#[tokio::test]
async fn tabs_of_a_guest_count_as_one_viewer() {
    let world = World::new().await;
    world.stream(1, true);
    let (cookie, viewer) = browser(&world).await;
    assert_eq!(set_cookie(&world, &format!("theme=dark; {cookie}")).await, None);
    let mut tabs = Vec::new();
    for transport in ["websocket", "polling", "polling,websocket"] {
        let headers = json!({ "cookie": cookie });
        let mut tab = Client::start(&world.app.socket, &with_headers(headers, transport));
        tab.event("connect").await;
        tab.join(1).await;
        tabs.push(tab);
    }
    stack::eventually(SOON, "one viewer with three sockets", async || {
        let leases = world.peers.state().leases.clone();
        let expected = (1, viewer.clone());
        (leases.len() == 1 && leases.get(&expected) == Some(&3))
            .then_some(())
            .ok_or_else(|| format!("{leases:?}"))
    })
    .await
    .unwrap();
    // A guest without cookies is another viewer.
    let mut other = world.guest().await;
    other.join(1).await;
    stack::eventually(SOON, "two viewers", async || {
        world.peers.state().leases.len() == 2
    })
    .await
    .unwrap();
    other.kill().await;
    for mut tab in tabs {
        leases(&world, &[viewer.as_str()]).await;
        tab.ask("leave_stream_room", json!({"streamId": 1})).await;
    }
    leases(&world, &[]).await;
}

#[tokio::test]
async fn unsigned_cookie_is_ignored() {
    let world = World::new().await;
    world.stream(1, true);
    let (cookie, viewer) = browser(&world).await;
    let invented = "00000000000000000000000000000005";
    let forged = cookie.replace(&viewer[2..], invented);
    for bad in [
        forged.as_str(),
        "airwave_visitor=u:5",
        "airwave_visitor=",
        "airwave_visitor=.",
        ";;=",
    ] {
        assert!(set_cookie(&world, bad).await.is_some(), "{bad}");
    }
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let headers = json!({ "cookie": forged });
        let mut socket = Client::start(&world.app.socket, &with_headers(headers, "websocket"));
        socket.event("connect").await;
        socket.join(1).await;
        sockets.push(socket);
    }
    stack::eventually(SOON, "two viewers", async || {
        let leases = world.peers.state().leases.clone();
        leases.len() == 2 && leases.keys().all(|(_, viewer)| !viewer.contains(invented))
    })
    .await
    .unwrap();
}

/// Returns the head of the response to a websocket handshake.
async fn handshake(world: &World, headers: &str) -> String {
    let address = world.app.socket.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut bytes = [0; 1024];
        let read = tokio::time::timeout(SOON, stream.read(&mut bytes))
            .await
            .unwrap()
            .unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&head));
        head.extend_from_slice(&bytes[..read]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

#[tokio::test]
async fn websocket_handshake_sets_the_cookie() {
    let world = World::new().await;
    let (cookie, _) = browser(&world).await;
    let attributes = "; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax\r\n";
    let plain = handshake(&world, "").await;
    assert!(plain.starts_with("HTTP/1.1 101"), "{plain}");
    assert!(
        plain.contains("set-cookie: airwave_visitor=") && plain.contains(attributes),
        "{plain}"
    );
    let secure = handshake(&world, "X-Forwarded-Proto: https\r\n").await;
    assert!(secure.contains("; SameSite=Lax; Secure\r\n"), "{secure}");
    let known = handshake(&world, &format!("Cookie: {cookie}\r\n")).await;
    assert!(
        known.starts_with("HTTP/1.1 101") && !known.contains("set-cookie"),
        "{known}"
    );
}

#[tokio::test]
async fn sockets_per_user_are_limited() {
    let world = World::with(|config| config.socket.gateway_sockets_per_user = 2).await;
    let one = world.socket(5, "ann").await;
    let _two = world.socket(5, "ann").await;
    let token = world.token(5, "ann");
    let ann = Options {
        auth: json!({ "token": token }),
        ..Options::default()
    };
    let three = Client::start(&world.app.socket, &ann).admitted().await;
    assert_eq!(three, Err("socket.too_many_for_user".to_owned()));
    let _bob = world.socket(6, "bob").await;

    let mut guest = world.guest().await;
    let rejected = guest.ask("authenticate", json!({ "token": token })).await;
    assert_eq!(
        (&rejected["ok"], &rejected["code"]),
        (&json!(false), &json!("socket.too_many_for_user"))
    );
    let joined = guest.ask("join_notification_room", Value::Null).await;
    assert_eq!(joined["code"], "auth.token_missing", "still a guest");

    one.kill().await;
    stack::eventually(SOON, "a free slot for ann", async || {
        guest.ask("authenticate", json!({ "token": token })).await["ok"] == true
    })
    .await
    .unwrap();
    // Signing in again on the same socket takes no further slot.
    assert_eq!(
        guest.ask("authenticate", json!({ "token": token })).await["ok"],
        true
    );
    let three = Client::start(&world.app.socket, &ann).admitted().await;
    assert_eq!(three, Err("socket.too_many_for_user".to_owned()));
}

#[tokio::test]
async fn sockets_per_address_are_limited() {
    let world = World::with(|config| config.socket.gateway_sockets_per_address = 2).await;
    let refused = Err("socket.too_many_for_address".to_owned());
    for [first, second, third, other] in [
        ["203.0.113.1", "203.0.113.1", "::ffff:203.0.113.1", "203.0.113.2"],
        [
            "2001:db8::1",
            "2001:db8::2",
            "2001:db8::3:4:5:6",
            "2001:db8:0:1::1",
        ],
    ] {
        let mut one = from_address(&world, first);
        let mut two = from_address(&world, second);
        assert_eq!((one.admitted().await, two.admitted().await), (Ok(()), Ok(())));
        assert_eq!(from_address(&world, third).admitted().await, refused, "{third}");
        assert_eq!(from_address(&world, other).admitted().await, Ok(()), "{other}");
        one.kill().await;
        stack::eventually(SOON, "a free slot", async || {
            from_address(&world, third).admitted().await
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn oversized_events_count_and_a_flood_is_disconnected() {
    let world = World::new().await;
    let mut socket = world.socket(5, "ann").await;
    let large = json!({"message": "x".repeat(17_000)});
    let answers = socket.burst("chat_message", vec![large.clone(); 60]).await;
    let read = answers
        .iter()
        .filter(|answer| answer["code"] == "event.too_large")
        .count();
    let unread = answers
        .iter()
        .filter(|answer| answer["code"] == "event.too_many")
        .count();
    assert!(
        read >= 40 && unread > 0 && read + unread == 60,
        "{read} and {unread}"
    );

    let mut flood = world.socket(6, "bob").await;
    for _ in 0..400 {
        flood.emit("chat_message", large.clone()).await;
    }
    flood.event("disconnect").await;
    let other = socket.ask("join_notification_room", Value::Null).await;
    assert!(other["ok"].is_boolean(), "other sockets are served");
    let mut again = world.socket(6, "bob").await;
    assert_eq!(again.ask("join_notification_room", Value::Null).await["ok"], true);
}
