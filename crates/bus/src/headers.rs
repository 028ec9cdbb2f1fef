//! AMQP headers: trace contexts and Airwave's own headers.

use std::collections::HashMap;

use lapin::types::{AMQPValue, FieldTable, LongString};
use opentelemetry::propagation::Extractor;

/// How many attempts at handling the message have failed.
pub(crate) const ATTEMPTS: &str = "airwave-attempts";
/// On a dead letter: the queue that it comes from.
pub(crate) const DEAD_LETTER_QUEUE: &str = "airwave-queue";
/// On a dead letter: why handling failed.
pub(crate) const DEAD_LETTER_REASON: &str = "airwave-reason";
/// Counted by the broker when a delivery returns without an acknowledgement, as after a crash.
const DELIVERY_COUNT: &str = "x-delivery-count";

pub(crate) fn table(pairs: impl IntoIterator<Item = (String, String)>) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in pairs {
        insert(&mut table, &key, value);
    }
    table
}

pub(crate) fn insert(table: &mut FieldTable, key: &str, value: String) {
    table.insert(key.into(), AMQPValue::LongString(LongString::from(value)));
}

/// Extracts the trace context from AMQP headers.
pub(crate) struct Carrier(HashMap<String, String>);

impl Carrier {
    pub(crate) fn new(headers: Option<&FieldTable>) -> Self {
        let pairs = headers.into_iter().flat_map(FieldTable::inner);
        Self(
            pairs
                .filter_map(|(key, value)| Some((key.to_string(), text(value)?)))
                .collect(),
        )
    }
}

impl From<HashMap<String, String>> for Carrier {
    fn from(pairs: HashMap<String, String>) -> Self {
        Self(pairs)
    }
}

impl Extractor for Carrier {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// Returns the number of recorded attempts, including those that ended with a crash of the process.
pub(crate) fn attempts(headers: Option<&FieldTable>) -> u32 {
    let number = |key: &str| {
        headers
            .and_then(|table| table.inner().get(key))
            .and_then(integer)
            .unwrap_or(0)
    };
    number(ATTEMPTS).saturating_add(number(DELIVERY_COUNT))
}

fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

fn integer(value: &AMQPValue) -> Option<u32> {
    match value {
        AMQPValue::ShortShortInt(n) => u32::try_from(*n).ok(),
        AMQPValue::ShortShortUInt(n) => Some(u32::from(*n)),
        AMQPValue::ShortInt(n) => u32::try_from(*n).ok(),
        AMQPValue::ShortUInt(n) => Some(u32::from(*n)),
        AMQPValue::LongInt(n) => u32::try_from(*n).ok(),
        AMQPValue::LongUInt(n) => Some(*n),
        AMQPValue::LongLongInt(n) => u32::try_from(*n).ok(),
        other => text(other)?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_include_broker_redeliveries() {
        let mut headers = table([(ATTEMPTS.to_owned(), "3".to_owned())]);
        assert_eq!(attempts(Some(&headers)), 3);
        headers.insert(DELIVERY_COUNT.into(), AMQPValue::LongLongInt(2));
        assert_eq!(attempts(Some(&headers)), 5);
        assert_eq!(attempts(None), 0);
    }

    #[test]
    fn malformed_attempts_count_as_zero() {
        assert_eq!(
            attempts(Some(&table([(ATTEMPTS.to_owned(), "many".to_owned())]))),
            0
        );
    }
}
