use std::time::Duration;

use stack::eventually;

#[tokio::test]
async fn redis_is_durable_and_never_evicts() {
    let stack = stack::shared().await.unwrap();
    let (_, config) = (
        stack.redis_prefix(),
        std::fs::read_to_string(stack.folder.join("redis/redis.conf")).unwrap(),
    );
    assert!(config.contains("maxmemory-policy noeviction"));
    assert!(config.contains("appendonly yes"));
}

#[tokio::test]
async fn virtual_hosts_are_unique() {
    let stack = stack::shared().await.unwrap();
    let (one, two) = (stack.vhost().await.unwrap(), stack.vhost().await.unwrap());
    assert_ne!(one, two);
    let (_, name) = one.rsplit_once('/').unwrap();
    let client = stack::http_client().unwrap();
    let vhost = client.get(format!("{}/api/vhosts/{name}", stack.rabbitmq_url));
    let answer = vhost
        .basic_auth("airwave", Some(&stack.rabbitmq_password))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    // Creating it again is no error: `make run` does so at every start.
    stack.named_vhost(name).await.unwrap();
}

#[tokio::test]
async fn bucket_requires_signature_and_allows_any_origin() {
    let stack = stack::shared().await.unwrap();
    let client = stack::http_client().unwrap();
    let object = format!("{}/{}/object", stack.bucket.endpoint, stack.bucket.name);
    let get = client.get(&object).send().await.unwrap();
    assert_eq!(get.status(), 403);
    assert_eq!(get.headers()["access-control-allow-origin"], "*");
    let put = client.put(&object).body("content").send().await.unwrap();
    assert_eq!(put.status(), 403);
    let preflight = client
        .request(reqwest::Method::OPTIONS, &object)
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-headers"], "Range");
}

#[tokio::test]
async fn timeout_error_names_condition_and_last_result() {
    let never = eventually(Duration::from_millis(30), "a miracle", async || {
        Err::<(), _>("only facts")
    });
    let error = never.await.unwrap_err().to_string();
    assert_eq!(error, "waited 30ms for a miracle: only facts");
    let hangs = eventually(
        Duration::from_millis(30),
        "an answer",
        std::future::pending::<bool>,
    );
    assert_eq!(
        hangs.await.unwrap_err().to_string(),
        "waited 30ms for an answer: no answer"
    );
    let mut asked = 0;
    let third = eventually(Duration::from_secs(5), "the third time", async || {
        asked += 1;
        (asked == 3).then_some(asked)
    });
    assert_eq!(third.await.unwrap(), 3);
}

#[test]
fn unknown_placeholders_and_unsafe_values_are_rejected() {
    let render = |text: &str, value: &str| stack::template::render(text, &[("NAME", value.to_owned())]);
    assert_eq!(render("a ${NAME} of $uri", "b-1").unwrap(), "a b-1 of $uri");
    render("a ${OTHER}", "b").unwrap_err();
    for value in ["a;b", "a b", "a\nb", "a}b", "a\"b", "$uri"] {
        render("a ${NAME}", value).unwrap_err();
    }
}

#[test]
fn reserved_ports_are_unique() {
    let ports: Vec<_> = (0..50).map(|_| stack::port::Port::free().unwrap()).collect();
    let mut numbers: Vec<_> = ports.iter().map(stack::port::Port::number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 50);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let number = taken.local_addr().unwrap().port();
    let error = stack::port::Port::fixed(number, "SETTING")
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        format!("port {number} is in use: choose another with SETTING")
    );
}
