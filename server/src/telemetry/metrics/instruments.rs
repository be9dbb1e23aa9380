//! Counters, gauges and histograms, and the Prometheus text that shows them.
//!
//! Invariants: recording takes no lock. Gauges fall by dropping what `enter` returned, so that they return to zero however
//! a query ends.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds in seconds of the buckets of durations.
const SECONDS_BUCKETS: [f64; 15] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 600.0];

/// A number that only grows.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number of things that exist now.
#[derive(Default)]
pub(crate) struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// Counts one more until the answer is dropped.
    #[must_use]
    pub(crate) fn enter(&self) -> Entered {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(Arc::clone(&self.0))
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One thing counted by a [`Gauge`].
pub(crate) struct Entered(Arc<AtomicU64>);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Durations in buckets.
#[derive(Default)]
pub(crate) struct Histogram {
    buckets: [Counter; SECONDS_BUCKETS.len()],
    count: Counter,
    microseconds: Counter,
}

impl Histogram {
    pub(crate) fn record(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = SECONDS_BUCKETS.iter().zip(&self.buckets).find(|(bound, _)| seconds <= **bound);
        if let Some((_, counter)) = bucket {
            counter.add(1);
        }
        self.count.add(1);
        self.microseconds.add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }
}

/// Text under construction. Writing to a `String` cannot fail, so the results are not looked at.
#[derive(Default)]
pub(super) struct Page(pub(super) String);

impl Page {
    pub(super) fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub(super) fn sample(&mut self, name: &str, labels: &str, value: u64) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    pub(super) fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        self.sample(name, "", value);
    }

    /// A number that need not be whole.
    pub(super) fn real(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.head(name, kind, help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        // Read first: a duration recorded meanwhile may be missing from the total, never the other way round.
        let count = histogram.count.get();
        let mut so_far = 0;
        for (bound, counter) in SECONDS_BUCKETS.iter().zip(&histogram.buckets) {
            so_far += counter.get();
            self.sample(&format!("{name}_bucket"), &format!("{{le=\"{bound}\"}}"), so_far);
        }
        self.sample(&format!("{name}_bucket"), "{le=\"+Inf\"}", count.max(so_far));
        let seconds = Duration::from_micros(histogram.microseconds.get()).as_secs_f64();
        let _ = writeln!(self.0, "{name}_sum {seconds}");
        self.sample(&format!("{name}_count"), "", count.max(so_far));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_the_last_one_holds_everything() {
        let histogram = Histogram::default();
        for milliseconds in [1, 200, 900_000] {
            histogram.record(Duration::from_millis(milliseconds));
        }
        let mut page = Page::default();
        page.histogram("seconds", "help", &histogram);
        for line in [
            "seconds_bucket{le=\"0.005\"} 1",
            "seconds_bucket{le=\"0.25\"} 2",
            "seconds_bucket{le=\"600\"} 2",
            "seconds_bucket{le=\"+Inf\"} 3",
            "seconds_sum 900.201",
            "seconds_count 3",
        ] {
            assert!(page.0.lines().any(|found| found == line), "{line} not in {}", page.0);
        }
    }
}
