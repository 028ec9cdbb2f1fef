//! The requests: a thousand distinct ones of each kind, drawn by Zipf's law.

use rand::RngExt;

/// Number of distinct requests of a kind.
const DISTINCT: usize = 1000;

/// Requests of one kind, the most frequent first.
pub(crate) struct Queries {
    /// The kind.
    pub(crate) name: &'static str,
    /// The goal in requests per second.
    pub(crate) goal: f64,
    paths: Vec<String>,
    requests: Vec<Vec<u8>>,
    /// Running sums of 1/rank.
    weights: Vec<f64>,
}

/// Returns all kinds of requests.
pub(crate) fn all() -> Vec<Queries> {
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
        Queries::new("GET /streams", 4000.0, streams),
        Queries::new("GET /vod/{id}", 4000.0, |n| format!("/api/vod/{}", 1 + n * 37)),
        Queries::new("GET /vod/search", 600.0, |n| {
            format!("/api/vod/search?searchQuery={}", word(n))
        }),
    ]
}

/// Returns a thousand words of three syllables.
pub(crate) fn words() -> Vec<String> {
    let letter = |letters: &str, n: usize| letters.chars().nth(n % letters.len());
    let syllable = |n: usize| {
        letter("bcdfghjklmnpqrstvwxyz", n)
            .into_iter()
            .chain(letter("aeiou", n))
    };
    (0..DISTINCT)
        .map(|n| {
            syllable(n)
                .chain(syllable(n / 21))
                .chain(syllable(n / 441 + n))
                .collect()
        })
        .collect()
}

impl Queries {
    fn new(name: &'static str, goal: f64, path: impl Fn(usize) -> String) -> Self {
        let paths: Vec<String> = (0..DISTINCT).map(path).collect();
        let request = |path| format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes();
        let weights = (1..=DISTINCT).scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f64;
            Some(*sum)
        });
        Self {
            name,
            goal,
            requests: paths.iter().map(request).collect(),
            paths,
            weights: weights.collect(),
        }
    }

    /// Returns the paths.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// Returns the serialised requests.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &[u8]> {
        self.requests.iter().map(Vec::as_slice)
    }

    /// Draws a request.
    pub(crate) fn draw(&self) -> &[u8] {
        let total = self.weights.last().copied().unwrap_or_default();
        let point = rand::rng().random_range(0.0..total);
        let rank = self.weights.partition_point(|sum| *sum <= point);
        self.requests.get(rank).map(Vec::as_slice).unwrap_or_default()
    }
}
