/// Sets a gauge to a count.
pub(super) fn set(gauge: &'static str, count: usize) {
    let value = u32::try_from(count).unwrap_or(u32::MAX);
    metrics::gauge!(gauge).set(f64::from(value));
}
