use std::time::Duration;

/// A user's last message in a room in slow mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastMessage {
    /// When it was sent, in Unix milliseconds.
    pub at: i64,
    /// Its client message id, if it had one.
    pub client_id: Option<String>,
}

/// Checks whether a user may send again in a room with this pause between messages. Returns the message to
/// remember as the user's last one.
///
/// A repeat of the last message is exempt: its sender did not learn that it was stored.
///
/// # Errors
/// How long to wait.
pub fn check_slow_mode(
    last: Option<LastMessage>,
    client_id: Option<&str>,
    now: i64,
    pause: Duration,
) -> Result<LastMessage, Duration> {
    let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
    if let Some(last) = last {
        let wait = last.at.saturating_add(pause) - now;
        if wait > 0 {
            return if client_id.is_some() && last.client_id.as_deref() == client_id {
                Ok(last)
            } else {
                Err(Duration::from_millis(wait.unsigned_abs()))
            };
        }
    }
    Ok(LastMessage {
        at: now,
        client_id: client_id.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);

    #[test]
    fn one_message_per_pause() {
        let first = check_slow_mode(None, None, 1000, PAUSE).unwrap();
        assert_eq!(
            check_slow_mode(Some(first.clone()), None, 4000, PAUSE),
            Err(Duration::from_secs(7))
        );
        assert_eq!(
            check_slow_mode(Some(first.clone()), None, 11_000, PAUSE)
                .unwrap()
                .at,
            11_000
        );
        // A shorter pause applies at once.
        assert!(check_slow_mode(Some(first), None, 4000, Duration::from_secs(3)).is_ok());
    }

    #[test]
    fn repeat_needs_no_pause_and_starts_none() {
        let first = check_slow_mode(None, Some("c-1"), 1000, PAUSE).unwrap();
        assert_eq!(
            check_slow_mode(Some(first.clone()), Some("c-1"), 4000, PAUSE),
            Ok(first.clone())
        );
        assert!(check_slow_mode(Some(first), Some("c-2"), 4000, PAUSE).is_err());
    }

    proptest! {
        /// Accepted messages are a pause apart, and waiting for the returned time is enough.
        #[test]
        fn accepted_messages_keep_the_pause(
            gaps in prop::collection::vec(0_i64..5000, 1..100),
            pause in 1_u64..20_000,
        ) {
            let pause = Duration::from_millis(pause);
            let (mut now, mut last, mut accepted) = (0, None, Vec::new());
            for gap in gaps {
                now += gap;
                match check_slow_mode(last.clone(), None, now, pause) {
                    Ok(message) => {
                        last = Some(message);
                        accepted.push(now);
                    }
                    Err(wait) => {
                        let later = now + i64::try_from(wait.as_millis()).unwrap();
                        prop_assert!(check_slow_mode(last.clone(), None, later, pause).is_ok());
                    }
                }
            }
            let pause = i64::try_from(pause.as_millis()).unwrap();
            prop_assert!(accepted.windows(2).all(|two| two[1] - two[0] >= pause));
        }
    }
}
