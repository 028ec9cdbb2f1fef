//! The queue: jobs added by other programs, and workers that died.

use bullmq_rs::{JobState, Queue, QueueBuilder, RedisConnection};
use serde_json::{Value, json};
use storage::deadpool_redis::redis::{AsyncCommands, cmd};

use crate::world::{TIMEOUT, World, live};

async fn queue(world: &World) -> Queue<Value> {
    let builder =
        QueueBuilder::new("notifications").connection(RedisConnection::new(&world.kit.stack.redis_url));
    builder
        .prefix(&world.kit.redis.redis_prefix)
        .build()
        .await
        .unwrap()
}

fn key(world: &World, name: &str) -> String {
    format!("{}:notifications:{name}", world.kit.redis.redis_prefix)
}

async fn failed(queue: &Queue<Value>, id: &str) -> String {
    let state = async || queue.get_job(id).await.unwrap()?.get_state().await.ok();
    let wait = stack::eventually(TIMEOUT, "the job to fail", async || {
        state().await == Some(JobState::Failed)
    });
    wait.await.unwrap();
    queue
        .get_job(id)
        .await
        .unwrap()
        .unwrap()
        .failed_reason
        .unwrap_or_default()
}

#[tokio::test]
async fn invalid_jobs_fail_with_a_reason() {
    let world = World::new().await;
    world.auth.add_followers(1, [101]);
    let _replica = world.replica(|_| {}).await;
    let queue = queue(&world).await;
    let good = json!({
        "v": 1, "fanoutId": 4711, "eventId": "0190a5b4-0000-7000-8000-000000000001", "afterFollowerId": 0,
        "streamId": 7, "userId": 1,
    });
    let mut without = good.clone();
    without.as_object_mut().unwrap().remove("userId");
    let mut newer = good.clone();
    newer["v"] = json!(2);
    for (name, data, reason) in [
        ("send_mail", good.clone(), "unknown job name \"send_mail\""),
        ("stream_started", json!({}), "invalid job data: missing field `v`"),
        (
            "stream_started",
            without,
            "invalid job data: missing field `userId`",
        ),
        (
            "stream_started",
            json!("text"),
            "invalid job data: invalid type: string \"text\", expected struct JobData",
        ),
        (
            "stream_started",
            newer,
            "job data has version 2, this worker reads version 1",
        ),
        ("stream_started", good, "unknown fan-out 4711"),
    ] {
        let job = queue.add(name, data, None).await.unwrap();
        assert_eq!(failed(&queue, &job.id).await, reason);
    }
    world.emit(live(9), 7, 1).await;
    world.counted("SELECT count(*) FROM notifications", 1).await;
}

#[tokio::test]
async fn job_that_contradicts_its_fanout_fails() {
    let world = World::new().await;
    world.auth.add_followers(1, [101]);
    let _replica = world.replica(|_| {}).await;
    world.emit(live(9), 7, 1).await;
    world
        .counted("SELECT count(*) FROM fanouts WHERE state = 'done'", 1)
        .await;
    let id = world.count("SELECT id AS count FROM fanouts").await;
    let data = json!({
        "v": 1, "fanoutId": id, "eventId": "0190a5b4-0000-7000-8000-000000000001", "afterFollowerId": 0,
        "userId": 1,
    });
    let queue = queue(&world).await;
    let job = queue.add("stream_started", data, None).await.unwrap();
    assert_eq!(
        failed(&queue, &job.id).await,
        format!("the job does not belong to fan-out {id}")
    );
}

#[tokio::test]
async fn incomplete_hashes_fail_as_unreadable() {
    let world = World::new().await;
    world.auth.add_followers(1, [101]);
    let _replica = world.replica(|_| {}).await;
    let mut redis = world.redis.connection();
    let hashes: [(&str, &[(&str, &str)]); 3] = [
        ("no-data", &[("name", "stream_started"), ("timestamp", "1")]),
        (
            "no-json",
            &[("name", "stream_started"), ("timestamp", "1"), ("data", "{")],
        ),
        ("empty", &[]),
    ];
    for (id, fields) in hashes {
        for (name, value) in fields {
            redis
                .hset::<_, _, _, ()>(key(&world, id), name, value)
                .await
                .unwrap();
        }
        redis.lpush::<_, _, ()>(key(&world, "wait"), id).await.unwrap();
        redis
            .zadd::<_, _, _, ()>(key(&world, "marker"), "0", 0)
            .await
            .unwrap();
    }
    for (id, _) in hashes {
        let failed = async || {
            let score: Option<f64> = world
                .redis
                .connection()
                .zscore(key(&world, "failed"), id)
                .await
                .unwrap();
            score.is_some()
        };
        stack::eventually(TIMEOUT, "the job to fail", failed)
            .await
            .unwrap();
        let reason: String = redis.hget(key(&world, id), "failedReason").await.unwrap();
        assert!(reason.starts_with("unreadable job: "), "{reason}");
    }
    let active: i64 = redis.llen(key(&world, "active")).await.unwrap();
    assert_eq!(active, 0);
    world.emit(live(9), 7, 1).await;
    world.counted("SELECT count(*) FROM notifications", 1).await;
}

#[tokio::test]
async fn job_of_a_dead_worker_is_retried() {
    let world = World::new().await;
    world.auth.add_followers(1, [101]);
    world.auth.fail_after_follower(0);
    let replica = world.replica(|_| {}).await;
    world.emit(live(9), 7, 1).await;
    world
        .counted("SELECT count(*) FROM fanouts WHERE attempts > 0", 1)
        .await;
    replica.stop().await.unwrap();
    // As after a worker took the job and died, and its lock expired.
    let queue = queue(&world).await;
    let id = world.count("SELECT id AS count FROM fanouts").await;
    let mut redis = world.redis.connection();
    let job = format!("fanout-{id}-after-0");
    cmd("DEL")
        .arg(key(&world, "failed"))
        .arg(key(&world, "wait"))
        .query_async::<()>(&mut redis)
        .await
        .unwrap();
    redis
        .lpush::<_, _, ()>(key(&world, "active"), &job)
        .await
        .unwrap();
    assert_eq!(
        queue
            .get_job(&job)
            .await
            .unwrap()
            .unwrap()
            .get_state()
            .await
            .unwrap(),
        JobState::Active
    );

    world.auth.fail_after_follower(i64::MAX);
    let _replica = world.replica(|_| {}).await;
    world.counted("SELECT count(*) FROM notifications", 1).await;
}

/// A delayed job far in the future makes the library's own worker sleep; it must not block this one.
#[tokio::test]
async fn delayed_job_blocks_no_other() {
    let world = World::new().await;
    world.auth.add_followers(1, [101]);
    let _replica = world.replica(|_| {}).await;
    let queue = queue(&world).await;
    let delay = |seconds| {
        Some(bullmq_rs::JobOptions {
            delay: Some(std::time::Duration::from_secs(seconds)),
            ..Default::default()
        })
    };
    queue.add("later", json!({}), delay(3600)).await.unwrap();
    let soon = queue.add("soon", json!({}), delay(1)).await.unwrap();
    let before = std::time::Instant::now();
    world.emit(live(9), 7, 1).await;
    world.counted("SELECT count(*) FROM notifications", 1).await;
    println!("with delayed jobs: event to row {:?}", before.elapsed());
    assert_eq!(failed(&queue, &soon.id).await, "unknown job name \"soon\"");
    assert_eq!(queue.get_delayed_count().await.unwrap(), 1);
}
