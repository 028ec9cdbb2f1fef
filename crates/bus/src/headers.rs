//! Trace contexts in AMQP headers, and the few headers of our own.

use std::collections::HashMap;

use lapin::types::{AMQPValue, FieldTable, LongString};
use opentelemetry::propagation::Extractor;

/// How often the message was handed to a handler that asked for a retry.
pub(crate) const ATTEMPTS: &str = "airwave-attempts";
/// In a dead letter: the queue that it died in.
pub(crate) const DIED_IN: &str = "airwave-queue";
/// In a dead letter: why it died.
pub(crate) const REASON: &str = "airwave-reason";
/// Counted by the broker when a delivery came back unanswered, as after a crash.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// Puts the pairs into a table of headers.
pub(crate) fn table(pairs: impl IntoIterator<Item = (String, String)>) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in pairs {
        insert(&mut table, &key, value);
    }
    table
}

/// Puts one text into a table of headers.
pub(crate) fn insert(table: &mut FieldTable, key: &str, value: String) {
    table.insert(key.into(), AMQPValue::LongString(LongString::from(value)));
}

/// Reads the trace context out of AMQP headers.
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

/// How many attempts the headers record, counting those that ended with the process as well.
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
    fn attempts_add_up_ours_and_the_brokers() {
        let mut headers = table([(ATTEMPTS.to_owned(), "3".to_owned())]);
        assert_eq!(attempts(Some(&headers)), 3);
        headers.insert(DELIVERY_COUNT.into(), AMQPValue::LongLongInt(2));
        assert_eq!(attempts(Some(&headers)), 5);
        assert_eq!(attempts(None), 0);
    }

    #[test]
    fn what_is_no_number_counts_nothing() {
        assert_eq!(
            attempts(Some(&table([(ATTEMPTS.to_owned(), "many".to_owned())]))),
            0
        );
    }
}
