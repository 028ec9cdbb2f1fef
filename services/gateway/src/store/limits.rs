//! Request limits that hold across all gateways.
//!
//! Asking Redis at each request would cost more than most answers. A gateway therefore takes a slice of a
//! party's allowance at once and spends it by itself: what it holds is paid for, so all gateways together
//! never let through more than the rate. A party that has used up its allowance is refused from memory until
//! there is some again.

use std::time::{Duration, Instant};

use moka::future::Cache;
use moka::ops::compute::Op;
use primitives::Rate;
use storage::RateLimiter;

use crate::domain::limits::Group;

/// A slice is this part of the burst.
const SLICES: u32 = 50;
/// Parties that are remembered.
const PARTIES: u64 = 100_000;
/// A slice that is not used is given up.
const MEMORY: Duration = Duration::from_secs(60);

/// The counts of all parties.
#[derive(Debug, Clone)]
pub(crate) struct RouteLimits {
    limiter: RateLimiter,
    slices: Cache<(Group, String), Slice>,
}

/// What a party may still do here.
#[derive(Debug, Clone, Copy)]
enum Slice {
    /// So many, and so many more could be asked for.
    Left { here: u32, elsewhere: u32 },
    /// Nothing before then.
    Nothing { until: Instant },
}

/// Whether a request may pass, in the words of the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) passes: bool,
    pub(crate) remaining: u32,
    /// When one more may pass, or when all is as at first.
    pub(crate) reset: Duration,
}

impl RouteLimits {
    pub(crate) fn new(limiter: RateLimiter) -> Self {
        let slices = Cache::builder()
            .max_capacity(PARTIES)
            .time_to_idle(MEMORY)
            .build();
        Self { limiter, slices }
    }

    /// Counts one request of a party.
    pub(crate) async fn take(&self, group: Group, party: &str, rate: Rate) -> Verdict {
        let entry = self.slices.entry((group, party.to_owned()));
        let mut verdict = None;
        let spent = entry.and_compute_with(async |slice| {
            let slice = match slice.map(moka::Entry::into_value) {
                Some(slice) if !slice.is_over() => slice,
                _ => self.fetch(group, party, rate).await,
            };
            let (slice, judged) = slice.spend(rate);
            verdict = Some(judged);
            Op::Put(slice)
        });
        spent.await;
        verdict.unwrap_or(Verdict {
            passes: true,
            remaining: 0,
            reset: Duration::ZERO,
        })
    }

    async fn fetch(&self, group: Group, party: &str, rate: Rate) -> Slice {
        let key = format!("gateway:rate:{}:{party}", group.name());
        match self.limiter.take(&key, rate, (rate.burst / SLICES).max(1)).await {
            Ok(allowance) => Slice::Left {
                here: allowance.granted,
                elsewhere: allowance.remaining,
            },
            Err(wait) => Slice::Nothing {
                until: Instant::now() + wait,
            },
        }
    }
}

impl Slice {
    /// Whether Redis has to be asked.
    fn is_over(self) -> bool {
        match self {
            Self::Left { here, .. } => here == 0,
            Self::Nothing { until } => until <= Instant::now(),
        }
    }

    fn spend(self, rate: Rate) -> (Self, Verdict) {
        match self {
            Self::Left { here, elsewhere } => {
                let here = here.saturating_sub(1);
                let remaining = here + elsewhere;
                let used = rate.burst.saturating_sub(remaining);
                let reset = rate
                    .window
                    .mul_f64(f64::from(used) / f64::from(rate.burst.max(1)));
                (
                    Self::Left { here, elsewhere },
                    Verdict {
                        passes: true,
                        remaining,
                        reset,
                    },
                )
            }
            Self::Nothing { until } => {
                let reset = until.saturating_duration_since(Instant::now());
                (
                    self,
                    Verdict {
                        passes: false,
                        remaining: 0,
                        reset,
                    },
                )
            }
        }
    }
}
