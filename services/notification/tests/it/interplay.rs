//! The official `bullmq` package for Node.js, versions 5 and 6, on the service's queue.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::world::{TIMEOUT, World, live};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/bullmq")
}

async fn node(world: &World, version: &str, command: &str, input: Option<Value>) -> Value {
    assert!(
        folder().join("node_modules/bullmq-6").exists(),
        "run `npm ci` in services/notification/tests/bullmq first; `make test` does"
    );
    let mut node = Command::new("node");
    node.current_dir(folder())
        .arg("queue.mjs")
        .arg(version)
        .arg(&world.kit.stack.redis_url);
    node.arg(&world.kit.redis.redis_prefix)
        .arg(command)
        .args(input.map(|value| value.to_string()));
    node.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(60), node.output())
        .await
        .unwrap()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {error}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{command}: no JSON: {error}"))
}

async fn share_the_queue(version: &str) {
    let world = World::new().await;
    world.auth.add_followers(1, 101..=104);
    world.auth.fail_after_follower(0);
    let replica = world.replica(|config| config.jobs.fanout_page_size = 2).await;
    let event = world.emit(live(9), 7, 1).await;
    world
        .counted("SELECT count(*) FROM fanouts WHERE attempts > 0", 1)
        .await;
    let fanout = world.count("SELECT id AS count FROM fanouts").await;

    // Node lists the service's job with the data of the contract.
    let jobs = node(&world, version, "list", None).await;
    let job = &jobs[0];
    let data = json!({
        "v": 1, "fanoutId": fanout, "eventId": event.to_string(), "afterFollowerId": 0, "streamId": 7,
        "userId": 1,
    });
    assert_eq!(
        (&job["name"], &job["data"]),
        (&json!("stream_started"), &data),
        "{jobs}"
    );
    assert_eq!(job["id"], json!(format!("fanout-{fanout}-after-0")));

    processes_jobs_from_node(&world, version, data).await;
    replica.stop().await.unwrap();
    node_processes_a_job(&world, version).await;
}

/// The service processes jobs that Node adds, and fails one again that Node retries.
async fn processes_jobs_from_node(world: &World, version: &str, data: Value) {
    // The service processes jobs that Node adds: a valid one and an invalid one.
    let bad = node(
        world,
        version,
        "add",
        Some(json!({ "name": "stream_started", "data": { "v": 1 } })),
    )
    .await;
    world.auth.fail_after_follower(i64::MAX);
    node(
        world,
        version,
        "add",
        Some(json!({ "name": "stream_started", "data": data })),
    )
    .await;
    world.counted("SELECT count(*) FROM notifications", 4).await;
    let listed = stack::eventually(TIMEOUT, "all jobs to end", async || {
        let jobs = node(world, version, "list", None).await;
        let ended = |job: &Value| job["state"] == "completed" || job["state"] == "failed";
        jobs.as_array().unwrap().iter().all(ended).then_some(jobs)
    });
    let jobs = listed.await.unwrap();
    let bad = jobs
        .as_array()
        .unwrap()
        .iter()
        .find(|job| job["id"] == bad["id"])
        .unwrap();
    assert_eq!(
        (&bad["state"], &bad["failedReason"]),
        (
            &json!("failed"),
            &json!("invalid job data: missing field `fanoutId`")
        )
    );

    // Node retries the job, and the service fails it again.
    node(world, version, "retry", Some(json!({ "id": bad["id"] }))).await;
    let again = stack::eventually(TIMEOUT, "the retried job to fail", async || {
        let jobs = node(world, version, "list", None).await;
        jobs.as_array()
            .unwrap()
            .iter()
            .any(|job| job["id"] == bad["id"] && job["state"] == "failed")
    });
    again.await.unwrap();
}

/// Node processes a job that the Rust library adds.
async fn node_processes_a_job(world: &World, version: &str) {
    let again = Box::pin(node(world, version, "work", None));
    let queue = bullmq_rs::QueueBuilder::new("notifications")
        .connection(bullmq_rs::RedisConnection::new(&world.kit.stack.redis_url))
        .prefix(&world.kit.redis.redis_prefix)
        .build::<Value>()
        .await
        .unwrap();
    queue
        .add("new_vod", json!({ "v": 1, "fanoutId": 5 }), None)
        .await
        .unwrap();
    let worked = again.await;
    assert_eq!(
        (&worked["name"], &worked["result"]["fanoutId"]),
        (&json!("new_vod"), &json!(5))
    );
    assert_eq!(worked["state"], "completed");
}

#[tokio::test]
async fn bullmq_5_shares_the_queue() {
    share_the_queue("5").await;
}

#[tokio::test]
async fn bullmq_6_shares_the_queue() {
    share_the_queue("6").await;
}
