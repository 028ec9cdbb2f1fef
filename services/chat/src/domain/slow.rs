use std::time::Duration;

/// The last message of a user in a room in slow mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When, in milliseconds.
    pub at: i64,
    /// The id that the client gave it; empty when it gave none.
    pub client_id: String,
}

/// Whether a user may speak again under a pause that holds now. Answers what is to be remembered.
///
/// A repeat of the last message needs no pause: its sender did not hear that it was stored.
///
/// # Errors
/// How long to wait.
pub fn slow_mode(last: Option<Said>, client_id: &str, now: i64, pause: Duration) -> Result<Said, Duration> {
    let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
    if let Some(last) = last {
        let wait = last.at.saturating_add(pause) - now;
        if wait > 0 {
            return if !client_id.is_empty() && last.client_id == client_id {
                Ok(last)
            } else {
                Err(Duration::from_millis(wait.unsigned_abs()))
            };
        }
    }
    Ok(Said {
        at: now,
        client_id: client_id.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);

    #[test]
    fn one_message_for_each_pause() {
        let first = slow_mode(None, "", 1000, PAUSE).unwrap();
        assert_eq!(
            slow_mode(Some(first.clone()), "", 4000, PAUSE),
            Err(Duration::from_secs(7))
        );
        assert_eq!(
            slow_mode(Some(first.clone()), "", 11_000, PAUSE).unwrap().at,
            11_000
        );
        // A shorter pause holds at once.
        assert!(slow_mode(Some(first), "", 4000, Duration::from_secs(3)).is_ok());
    }

    #[test]
    fn a_repeat_does_not_wait_and_does_not_renew() {
        let first = slow_mode(None, "c-1", 1000, PAUSE).unwrap();
        assert_eq!(
            slow_mode(Some(first.clone()), "c-1", 4000, PAUSE),
            Ok(first.clone())
        );
        assert!(slow_mode(Some(first), "c-2", 4000, PAUSE).is_err());
    }

    proptest! {
        /// Between two messages there is the pause, and who waits as told is heard.
        #[test]
        fn messages_keep_the_pause(gaps in prop::collection::vec(0_i64..5000, 1..100), pause in 1_u64..20_000) {
            let pause = Duration::from_millis(pause);
            let (mut now, mut last, mut heard) = (0, None, Vec::new());
            for gap in gaps {
                now += gap;
                match slow_mode(last.clone(), "", now, pause) {
                    Ok(said) => {
                        last = Some(said);
                        heard.push(now);
                    }
                    Err(wait) => {
                        let later = now + i64::try_from(wait.as_millis()).unwrap();
                        prop_assert!(slow_mode(last.clone(), "", later, pause).is_ok());
                    }
                }
            }
            let least = i64::try_from(pause.as_millis()).unwrap();
            prop_assert!(heard.windows(2).all(|two| two[1] - two[0] >= least));
        }
    }
}
