//! What is asked for: a thousand distinct requests of each kind, drawn by Zipf's law.

use rand::RngExt;

/// Distinct requests of a kind.
const DISTINCT: usize = 1000;

/// Requests of one kind, the most frequent first.
pub(crate) struct Queries {
    /// What they are.
    pub(crate) name: &'static str,
    /// How many of them a second are to be answered at least.
    pub(crate) goal: f64,
    paths: Vec<String>,
    requests: Vec<Vec<u8>>,
    /// Sums of 1/rank.
    weights: Vec<f64>,
}

/// All kinds.
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

/// A thousand words of three syllables.
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

    /// What is asked for.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// All requests.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &[u8]> {
        self.requests.iter().map(Vec::as_slice)
    }

    /// The next request.
    pub(crate) fn draw(&self) -> &[u8] {
        let total = self.weights.last().copied().unwrap_or_default();
        let point = rand::rng().random_range(0.0..total);
        let rank = self.weights.partition_point(|sum| *sum <= point);
        self.requests.get(rank).map(Vec::as_slice).unwrap_or_default()
    }
}
