//! Answers that hold for a second, of which no busy key waits for the next.
//!
//! An answer that is nearly too old is asked for again by whoever needs it then, who goes on with the one
//! that still holds. Only who comes when there is none waits.

use std::future::ready;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use moka::Entry;
use moka::future::Cache;
use moka::ops::compute::Op;

use crate::error::Result;

/// How long an answer holds.
pub(crate) const HOLDS: Duration = Duration::from_secs(1);
/// At this age it is asked for again.
const AGES: Duration = Duration::from_millis(800);

/// Remembers answers.
pub(crate) struct Fresh<K, V> {
    answers: Cache<K, Answer<V>>,
}

#[derive(Clone)]
struct Answer<V> {
    value: V,
    asked: Instant,
    /// Somebody asks again; an answer is known by it.
    renewing: Arc<AtomicBool>,
}

impl<V> Answer<V> {
    async fn of(question: impl Future<Output = Result<V>>) -> Result<Self> {
        let asked = Instant::now();
        Ok(Self {
            value: question.await?,
            asked,
            renewing: Arc::default(),
        })
    }

    /// True once, to the first who sees it aged.
    fn is_to_be_renewed(&self) -> bool {
        self.asked.elapsed() >= AGES && !self.renewing.swap(true, Ordering::Relaxed)
    }
}

impl<K, V> Fresh<K, V>
where
    K: Hash + Eq + Copy + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Remembers the answers of so many keys at once.
    pub(crate) fn new(most: u64) -> Self {
        Self {
            answers: Cache::builder().max_capacity(most).time_to_live(HOLDS).build(),
        }
    }

    /// What was answered within the last second, or is answered now.
    ///
    /// # Errors
    /// The question's; they are not remembered.
    pub(crate) async fn get<Q>(&self, key: K, ask: impl Fn() -> Q) -> Result<V>
    where
        Q: Future<Output = Result<V>> + Send + 'static,
    {
        let answer = match self.answers.get(&key).await {
            Some(answer) => answer,
            None => self.answers.try_get_with(key, Answer::of(ask())).await?,
        };
        if answer.is_to_be_renewed() {
            tokio::spawn(renew(self.answers.clone(), key, answer.renewing, ask()));
        }
        Ok(answer.value)
    }

    /// Forgets an answer, because it changed.
    pub(crate) async fn forget(&self, key: &K) {
        self.answers.invalidate(key).await;
    }
}

/// Asks again. What was forgotten meanwhile stays forgotten: the answer may be older than the change.
async fn renew<K, V>(
    answers: Cache<K, Answer<V>>,
    key: K,
    aged: Arc<AtomicBool>,
    question: impl Future<Output = Result<V>>,
) where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    // Who comes when there is no answer any more asks, and is told why that fails.
    let Ok(answer) = Answer::of(question).await else {
        return;
    };
    let put = |there: Option<Entry<K, Answer<V>>>| {
        let still = there.is_some_and(|there| Arc::ptr_eq(&there.value().renewing, &aged));
        ready(if still { Op::Put(answer) } else { Op::Nop })
    };
    answers.entry(key).and_compute_with(put).await;
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::error::Error;

    const KEY: u8 = 1;

    async fn answers(value: u8) -> Result<u8> {
        Ok(value)
    }

    /// A key whose answer, 1, has aged.
    async fn aged() -> (Fresh<u8, u8>, Arc<AtomicBool>) {
        let fresh = Fresh::new(10);
        fresh.get(KEY, || answers(1)).await.unwrap();
        let mut answer = fresh.answers.get(&KEY).await.unwrap();
        answer.asked -= AGES;
        fresh.answers.insert(KEY, answer.clone()).await;
        (fresh, answer.renewing)
    }

    #[tokio::test]
    async fn an_aged_answer_is_asked_for_again_and_nobody_waits() {
        let (fresh, renewing) = aged().await;
        assert_eq!(fresh.get(KEY, pending).await.unwrap(), 1);
        assert!(renewing.load(Ordering::Relaxed));
        // One question is enough.
        let unasked = || -> std::future::Ready<Result<u8>> { panic!("asked twice") };
        assert_eq!(fresh.get(KEY, unasked).await.unwrap(), 1);

        renew(fresh.answers.clone(), KEY, renewing, answers(2)).await;
        assert_eq!(fresh.get(KEY, unasked).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn what_was_forgotten_does_not_come_back() {
        let (fresh, renewing) = aged().await;
        fresh.forget(&KEY).await;
        renew(fresh.answers.clone(), KEY, renewing.clone(), answers(2)).await;
        assert_eq!(fresh.get(KEY, || answers(3)).await.unwrap(), 3);
        // Nor over a later answer.
        renew(fresh.answers.clone(), KEY, renewing, answers(2)).await;
        assert_eq!(fresh.get(KEY, || answers(4)).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn errors_are_not_remembered() {
        let (fresh, renewing) = aged().await;
        let fails = || async { Err(Error::Busy) };
        renew(fresh.answers.clone(), KEY, renewing, fails()).await;
        assert_eq!(fresh.get(KEY, pending).await.unwrap(), 1);
        assert!(fresh.get(2, fails).await.is_err());
        assert_eq!(fresh.get(2, || answers(5)).await.unwrap(), 5);
    }
}
