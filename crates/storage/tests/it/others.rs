//! Redis and MongoDB.

use std::time::{Duration, Instant};

use storage::deadpool_redis::redis::AsyncCommands;
use storage::mongodb::IndexModel;
use storage::mongodb::bson::{Document, doc};
use storage::mongodb::options::IndexOptions;
use storage::{Error, Mongo, MongoConfig, Redis, RedisConfig};
use tokio::net::{TcpListener, TcpStream};

use crate::{TIMEOUT, silent_server};

async fn redis() -> Redis {
    let stack = stack::shared().await.unwrap();
    Redis::connect(&RedisConfig::new(&stack.redis_url, stack.redis_prefix())).unwrap()
}

#[tokio::test]
async fn redis_shares_a_connection_and_prefixes_keys() {
    let redis = redis().await;
    redis.ping().await.unwrap();
    let key = redis.key("viewers:12");
    assert_eq!(key, format!("{}:viewers:12", redis.prefix()));
    let _: () = redis.connection().set(&key, 3).await.unwrap();
    let mut pooled = redis
        .pool(1, Duration::from_secs(2))
        .unwrap()
        .get()
        .await
        .unwrap();
    let three: i64 = pooled.get(&key).await.unwrap();
    assert_eq!(three, 3);
}

#[tokio::test]
async fn unreachable_or_silent_redis_fails_within_its_timeout() {
    let (_listener, silent) = silent_server().await;
    for port in [1, silent] {
        let redis = Redis::connect(&RedisConfig::new(format!("redis://127.0.0.1:{port}"), "x")).unwrap();
        let started = Instant::now();
        let answer = redis.ping().await;
        assert!(answer.as_ref().is_err_and(Error::is_transient), "{answer:?}");
        assert!(
            started.elapsed() < Duration::from_millis(1500),
            "{:?}",
            started.elapsed()
        );
    }
}

#[tokio::test]
async fn redis_is_used_again_after_an_outage() {
    let real = stack::shared().await.unwrap().redis_url.clone();
    let address = real
        .rsplit(['/', '@'])
        .find(|part| part.contains(':'))
        .unwrap()
        .to_owned();
    let (listener, port) = silent_server().await;
    drop(listener);
    let url = real.replace(&address, &format!("127.0.0.1:{port}"));
    let redis = Redis::connect(&RedisConfig::new(url, "x")).unwrap();
    assert!(redis.ping().await.is_err());
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(&address).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    stack::eventually(TIMEOUT, "Redis to be used again", async || redis.ping().await)
        .await
        .unwrap();
}

#[tokio::test]
async fn mongo_duplicate_names_the_index() {
    let stack = stack::shared().await.unwrap();
    let mongo = Mongo::connect(
        &MongoConfig::new(&stack.mongodb_url, stack.mongo_database()),
        "test",
    )
    .await
    .unwrap();
    mongo.ping().await.unwrap();
    let messages = mongo.database().collection::<Document>("messages");
    let options = IndexOptions::builder()
        .unique(true)
        .name("stream_seq".to_owned())
        .build();
    let index = IndexModel::builder()
        .keys(doc! { "seq": 1 })
        .options(options)
        .build();
    messages.create_index(index).await.unwrap();
    messages.insert_one(doc! { "seq": 1 }).await.unwrap();
    let duplicate = Error::from(messages.insert_one(doc! { "seq": 1 }).await.unwrap_err());
    assert!(duplicate.is_unique_violation("stream_seq"), "{duplicate:?}");
    mongo.database().drop().await.unwrap();
}

#[tokio::test]
async fn unreachable_mongo_is_unavailable_within_seconds() {
    let mongo = Mongo::connect(&MongoConfig::new("mongodb://127.0.0.1:1", "x"), "test")
        .await
        .unwrap();
    let started = Instant::now();
    let answer = mongo.ping().await;
    assert!(answer.as_ref().is_err_and(Error::is_transient), "{answer:?}");
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
}
