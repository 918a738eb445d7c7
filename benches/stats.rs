//! From repetitions to one figure: medians and percentiles.

use serde::Serialize;

/// One repetition of one subject.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figure {
    pub(crate) value: f64,
    /// 99th percentile of a round trip in microseconds.
    pub(crate) p99: Option<f64>,
}

/// What one subject of a row reached.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Reached {
    pub(crate) median: f64,
    /// Median of the repetitions' 99th percentiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p99: Option<f64>,
    /// Half of the range of the repetitions, as a share of the median.
    pub(crate) spread: f64,
    pub(crate) repetitions: Vec<f64>,
}

impl Reached {
    /// Sums repetitions up; `None` where there are none.
    pub(crate) fn of(figures: &[Figure]) -> Option<Self> {
        if figures.is_empty() {
            return None;
        }
        let repetitions: Vec<f64> = figures.iter().map(|figure| figure.value).collect();
        let tails: Option<Vec<f64>> = figures.iter().map(|figure| figure.p99).collect();
        let p99 = tails.map(|tails| median(&tails));
        Some(Self { median: median(&repetitions), p99, spread: spread(&repetitions), repetitions })
    }
}

/// The middle value, or the mean of the two in the middle; 0 without values.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        len if len % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

/// How far the repetitions lie apart.
fn spread(values: &[f64]) -> f64 {
    let middle = median(values);
    if middle == 0.0 {
        return 0.0;
    }
    let largest = values.iter().copied().fold(f64::MIN, f64::max);
    let smallest = values.iter().copied().fold(f64::MAX, f64::min);
    (largest - smallest) / 2.0 / middle
}

/// The value below which a `share` (0 to 1) of the samples lies; 0 without samples.
pub(crate) fn percentile(samples: &mut [u32], share: f64) -> u32 {
    if samples.is_empty() {
        return 0;
    }
    let rank = ((samples.len() - 1) as f64 * share).round() as usize;
    *samples.select_nth_unstable(rank).1
}

/// A number with three significant digits and the suffix that keeps it short.
pub(crate) fn short(value: f64) -> String {
    let (value, suffix) = match value.abs() {
        v if v >= 1e9 => (value / 1e9, " G"),
        v if v >= 1e6 => (value / 1e6, " M"),
        v if v >= 1e4 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let digits = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}{suffix}")
}
