//! Consumers: retries, dead letters, concurrency and shutdown.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::{Consumer, HandlerError};
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, QueueDeleteOptions};
use lapin::types::AMQPValue;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::world::{TIMEOUT, World, next, quick, stream_started};

fn header(message: &lapin::message::BasicGetMessage, name: &str) -> String {
    match message
        .properties
        .headers()
        .as_ref()
        .and_then(|headers| headers.inner().get(name))
    {
        Some(AMQPValue::LongString(text)) => text.to_string(),
        other => panic!("{name}: {other:?}"),
    }
}

#[tokio::test]
async fn poison_message_becomes_dead_letter_without_blocking_queue() {
    let world = World::new().await;
    world.relay();
    let (attempts, mut tried) = mpsc::unbounded_channel();
    let (done, mut handled) = mpsc::unbounded_channel();
    let handler = move |delivery: bus::Delivery| {
        let (attempts, done) = (attempts.clone(), done.clone());
        async move {
            if delivery.event.version == 13 {
                attempts.send(delivery.attempt).unwrap();
                panic!("unlucky");
            }
            done.send(delivery).map_err(HandlerError::fail)
        }
    };
    let consumer = Consumer::new("test.poison", &["stream.*"]).retry(quick(3));
    world.consume(consumer, "test.poison", handler).await;
    let poison = world.emit(stream_started(), 13).await;
    for version in 0..5 {
        world.emit(stream_started(), version).await;
        next(&mut handled).await;
    }
    let letter = world.take("test.dead").await;
    assert_eq!(
        letter.properties.message_id().as_ref().unwrap().as_str(),
        poison.to_string()
    );
    assert_eq!(header(&letter, "airwave-queue"), "test.poison");
    assert_eq!(header(&letter, "airwave-attempts"), "3");
    assert!(header(&letter, "airwave-reason").contains("unlucky"));
    let attempts: Vec<u32> = std::iter::from_fn(|| tried.try_recv().ok()).collect();
    assert_eq!(attempts, [1, 2, 3]);
}

#[tokio::test]
async fn retry_is_redelivered_and_failure_becomes_dead_letter_at_once() {
    let world = World::new().await;
    world.relay();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let handler = move |delivery: bus::Delivery| {
        let seen = Arc::clone(&seen);
        async move {
            let version = delivery.event.version;
            seen.lock().unwrap().push((version, delivery.attempt));
            match (version, delivery.attempt) {
                (1, 1) => Err(HandlerError::retry("not yet")),
                (1, _) => Ok(()),
                (3, 1) => std::future::pending().await,
                (3, _) => Ok(()),
                _ => Err(HandlerError::fail("never")),
            }
        }
    };
    let consumer = Consumer::new("test.answers", &["stream.*"]).retry(quick(5));
    let consumer = consumer.handler_timeout(Duration::from_millis(200));
    world.consume(consumer, "test.answers", handler).await;
    for version in [1, 2, 3] {
        world.emit(stream_started(), version).await;
    }
    let letter = world.take("test.dead").await;
    assert!(header(&letter, "airwave-reason").contains("never"));
    let wait = stack::eventually(TIMEOUT, "the retries", async || calls.lock().unwrap().len() == 5);
    wait.await.unwrap();
    let mut calls = calls.lock().unwrap().clone();
    calls.sort_unstable();
    assert_eq!(calls, [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2)]);
}

#[tokio::test]
async fn undecodable_message_becomes_dead_letter_at_once() {
    let world = World::new().await;
    let deliveries = world.collect("test.garbage", &["stream.*"]).await;
    let channel = world.channel().await;
    for body in [&b"\xff\xff not protobuf"[..], b""] {
        let (exchange, key) = ("airwave.events".into(), "stream.started".into());
        let options = BasicPublishOptions::default();
        let published = channel
            .basic_publish(exchange, key, options, body, BasicProperties::default())
            .await;
        published.unwrap();
        let letter = world.take("test.dead").await;
        assert_eq!(letter.data, body);
        assert_eq!(header(&letter, "airwave-attempts"), "1");
    }
    assert!(deliveries.is_empty());
}

#[tokio::test]
async fn shutdown_waits_for_running_handlers() {
    let world = World::new().await;
    world.relay();
    let (started, mut running) = mpsc::unbounded_channel();
    let finished = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&finished);
    let handler = move |delivery: bus::Delivery| {
        let (started, counted) = (started.clone(), Arc::clone(&counted));
        async move {
            started.send(delivery).map_err(HandlerError::fail)?;
            tokio::time::sleep(Duration::from_millis(300)).await;
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    };
    let stop = CancellationToken::new();
    let consumer = Consumer::new("test.slow", &["stream.*"])
        .concurrency(2)
        .retry(quick(3));
    let consumer = tokio::spawn(consumer.run(world.bus.clone(), stop.clone(), handler));
    world.consuming("test.slow").await;
    for version in 0..6 {
        world.emit(stream_started(), version).await;
    }
    next(&mut running).await;
    next(&mut running).await;
    stop.cancel();
    tokio::time::timeout(TIMEOUT, consumer).await.unwrap().unwrap();
    assert_eq!(
        finished.load(Ordering::SeqCst),
        2,
        "handlers were aborted, or more were started"
    );
    // Finished events are not redelivered; the rest are.
    let mut rest = world.collect("test.slow", &["stream.*"]).await;
    for _ in 0..4 {
        next(&mut rest).await;
    }
    assert_eq!(world.queue("test.slow").await.unwrap().0, 0);
    assert!(rest.try_recv().is_err());
}

#[tokio::test]
async fn concurrency_is_bounded() {
    let world = World::new().await;
    world.relay();
    let (max, now) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (peak, running) = (Arc::clone(&max), Arc::clone(&now));
    let (done, mut handled) = mpsc::unbounded_channel();
    let handler = move |delivery: bus::Delivery| {
        let (peak, running, done) = (Arc::clone(&peak), Arc::clone(&running), done.clone());
        async move {
            peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            done.send(delivery).map_err(HandlerError::fail)
        }
    };
    let consumer = Consumer::new("test.narrow", &["stream.*"])
        .concurrency(3)
        .retry(quick(3));
    world.consume(consumer, "test.narrow", handler).await;
    for version in 0..30 {
        world.emit(stream_started(), version).await;
    }
    for _ in 0..30 {
        next(&mut handled).await;
    }
    assert!((2..=3).contains(&max.load(Ordering::SeqCst)), "{max:?}");
}

#[tokio::test]
async fn deleted_queue_is_declared_again() {
    let world = World::new().await;
    world.relay();
    let mut deliveries = world.collect("test.fragile", &["stream.*"]).await;
    let deleted = world
        .channel()
        .await
        .queue_delete("test.fragile".into(), QueueDeleteOptions::default())
        .await;
    deleted.unwrap();
    world.consuming("test.fragile").await;
    let id = world.emit(stream_started(), 1).await;
    assert_eq!(next(&mut deliveries).await.id, id);
}
