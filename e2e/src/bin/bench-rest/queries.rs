//! What is asked for: a thousand distinct requests of each kind, drawn by Zipf's law.

use rand::RngExt;

/// Distinct requests of a kind.
const DISTINCT: usize = 1000;

/// Requests of one kind, the most frequent first.
pub(crate) struct Queries {
    requests: Vec<Vec<u8>>,
    /// Sums of 1/rank.
    weights: Vec<f64>,
}

/// All kinds with their names.
pub(crate) fn all() -> Vec<(&'static str, Queries)> {
    let streams = |n: usize| {
        let sort = if (n / 10).is_multiple_of(2) {
            "newest"
        } else {
            "viewers"
        };
        format!(
            "/api/streams?sort={sort}&limit={}&page={}",
            10 + n % 10,
            1 + n / 20
        )
    };
    let words = words();
    let word = |n: usize| words.get(n).cloned().unwrap_or_default();
    vec![
        ("GET /streams", Queries::new(streams)),
        (
            "GET /vod/{id}",
            Queries::new(|n| format!("/api/vod/{}", 1 + n * 37)),
        ),
        (
            "GET /vod/search",
            Queries::new(|n| format!("/api/vod/search?searchQuery={}", word(n))),
        ),
    ]
}

/// A thousand words of two syllables and a third.
pub(crate) fn words() -> Vec<String> {
    let syllable = |n: usize, vowel: &str| {
        "bdgklmnrst"
            .chars()
            .nth(n % 10)
            .map_or_else(String::new, |c| format!("{c}{vowel}"))
    };
    (0..DISTINCT)
        .map(|n| syllable(n, "a") + &syllable(n / 10, "o") + &syllable(n / 100, "i"))
        .collect()
}

impl Queries {
    fn new(path: impl Fn(usize) -> String) -> Self {
        let request = |n| format!("GET {} HTTP/1.1\r\nHost: bench\r\n\r\n", path(n)).into_bytes();
        let weights = (1..=DISTINCT).scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f64;
            Some(*sum)
        });
        Self {
            requests: (0..DISTINCT).map(request).collect(),
            weights: weights.collect(),
        }
    }

    /// The next request.
    pub(crate) fn draw(&self) -> &[u8] {
        let total = self.weights.last().copied().unwrap_or_default();
        let point = rand::rng().random_range(0.0..total);
        let rank = self.weights.partition_point(|sum| *sum <= point);
        self.requests.get(rank).map(Vec::as_slice).unwrap_or_default()
    }
}
