//! Rate limits of requests, shared by all gateways.
//!
//! A call to Redis per request would cost more than most answers. A gateway therefore takes a slice of a
//! party's allowance at once and spends it locally: a slice is subtracted before it is used, so all gateways
//! together never exceed the rate. A party without allowance is refused from memory until there is some
//! again.

use std::time::Duration;

use moka::future::Cache;
use moka::ops::compute::Op;
use primitives::Rate;
use storage::RateLimiter;
use tokio::time::Instant;

use crate::domain::limits::Group;

/// A slice is this part of the burst.
const SLICES: u32 = 50;
const MAX_PARTIES: u64 = 100_000;
/// How long an unused slice is kept.
const CACHE_TTL: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub(crate) struct RouteLimits {
    limiter: RateLimiter,
    slices: Cache<(Group, String), Slice>,
}

/// The allowance of a party.
#[derive(Debug, Clone, Copy)]
enum Slice {
    /// Requests left in this gateway, and in Redis.
    Left { here: u32, elsewhere: u32 },
    /// Refused until then.
    Spent { until: Instant },
}

/// Whether a request may pass, with the values of the `RateLimit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateDecision {
    pub(crate) passes: bool,
    pub(crate) remaining: u32,
    /// Until the next request may pass, or until the allowance is full again.
    pub(crate) reset: Duration,
}

impl RouteLimits {
    pub(crate) fn new(limiter: RateLimiter) -> Self {
        let slices = Cache::builder()
            .max_capacity(MAX_PARTIES)
            .time_to_idle(CACHE_TTL)
            .build();
        Self { limiter, slices }
    }

    /// Counts a request of a party.
    pub(crate) async fn take(&self, group: Group, party: &str, rate: Rate) -> RateDecision {
        let entry = self.slices.entry((group, party.to_owned()));
        let mut decision = None;
        let computed = entry.and_compute_with(async |slice| {
            let slice = match slice.map(moka::Entry::into_value) {
                Some(slice) if !slice.is_over() => slice,
                _ => self.fetch(group, party, rate).await,
            };
            let (slice, spent) = slice.spend(rate);
            decision = Some(spent);
            Op::Put(slice)
        });
        computed.await;
        decision.unwrap_or(RateDecision {
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
            Err(wait) => Slice::Spent {
                until: Instant::now() + wait,
            },
        }
    }
}

impl Slice {
    /// Whether a new slice is needed.
    fn is_over(self) -> bool {
        match self {
            Self::Left { here, .. } => here == 0,
            Self::Spent { until } => until <= Instant::now(),
        }
    }

    fn spend(self, rate: Rate) -> (Self, RateDecision) {
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
                    RateDecision {
                        passes: true,
                        remaining,
                        reset,
                    },
                )
            }
            Self::Spent { until } => {
                let reset = until.saturating_duration_since(Instant::now());
                (
                    self,
                    RateDecision {
                        passes: false,
                        remaining: 0,
                        reset,
                    },
                )
            }
        }
    }
}
