//! The line that tells how a long query gets on: rows, bytes, rate. It is for a person who waits at a terminal, so it
//! appears only after a moment, only where rows and messages both go to a terminal or the rows to a file, and it is
//! erased before anything else is printed.

use std::future::Future;
use std::io::{IsTerminal, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

use arrow::array::{Array, RecordBatch};

/// Most queries end before the line would appear.
const PATIENCE: Duration = Duration::from_millis(700);

const INTERVAL: Duration = Duration::from_millis(250);

/// Back to the start of the line, and erase it.
const ERASE: &str = "\r\u{1b}[K";

/// The progress of one query. Dropping it erases the line.
pub(crate) struct Progress {
    is_on: bool,
    is_drawn: bool,
    start: Instant,
    last: Instant,
    rows: usize,
    bytes: usize,
}

impl Progress {
    /// For a query that starts now.
    pub(crate) fn start() -> Self {
        let is_on = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let start = Instant::now();
        Self { is_on, is_drawn: false, start, last: start + PATIENCE - INTERVAL, rows: 0, bytes: 0 }
    }

    /// Waits, and keeps the line alive.
    pub(crate) async fn wait<T>(&mut self, step: impl Future<Output = T>) -> T {
        if !self.is_on {
            return step.await;
        }
        let mut step = pin!(step);
        loop {
            let next = tokio::time::Instant::from_std(self.last + INTERVAL);
            tokio::select! {
                biased;
                done = &mut step => return done,
                () = tokio::time::sleep_until(next) => self.draw(),
            }
        }
    }

    /// Counts what has arrived.
    pub(crate) fn count(&mut self, batch: &RecordBatch) {
        if !self.is_on {
            return;
        }
        self.rows += batch.num_rows();
        self.bytes += batch.columns().iter().map(|column| size(column)).sum::<usize>();
        if self.last.elapsed() >= INTERVAL && self.start.elapsed() >= PATIENCE {
            self.draw();
        }
    }

    /// Makes room for other output; the line comes back while there is more to wait for.
    pub(crate) fn erase(&mut self) {
        if self.is_drawn {
            print(ERASE);
            self.is_drawn = false;
        }
    }

    /// Nothing more is shown from here on.
    pub(crate) fn stop(&mut self) {
        self.erase();
        self.is_on = false;
    }

    fn draw(&mut self) {
        let line = line(self.rows, self.bytes, self.start.elapsed());
        print(&format!("{ERASE}{line}"));
        self.is_drawn = true;
        self.last = Instant::now();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.erase();
    }
}

/// Bytes of the values themselves: the buffers of a batch are shared between its columns.
fn size(column: &dyn Array) -> usize {
    column.to_data().get_slice_memory_size().unwrap_or_default()
}

fn line(rows: usize, bytes: usize, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    if rows == 0 {
        return format!("waiting for rows, {seconds} s; Ctrl-C cancels");
    }
    let rate = bytes as f64 / elapsed.as_secs_f64().max(0.001);
    format!("{} rows, {}, {}/s, {seconds} s", grouped(rows), scaled(bytes as f64), scaled(rate))
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size in the unit that gives it one to three digits before the point.
fn scaled(mut bytes: f64) -> String {
    let mut units = ["B", "kB", "MB", "GB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if bytes < 1000.0 {
            break;
        }
        bytes /= 1000.0;
        unit = larger;
    }
    let decimals = usize::from(unit != "B");
    format!("{bytes:.decimals$} {unit}")
}

/// If nobody can read it, nothing is lost.
fn print(text: &str) {
    let mut stderr = std::io::stderr();
    drop(stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_rows_bytes_and_rate() {
        let text = line(1_234_567, 85_300_000, Duration::from_millis(2_000));
        assert_eq!(text, "1,234,567 rows, 85.3 MB, 42.6 MB/s, 2 s");
        let waiting = line(0, 0, Duration::from_secs(3));
        assert_eq!(waiting, "waiting for rows, 3 s; Ctrl-C cancels");
    }

    #[test]
    fn numbers_and_sizes_are_readable() {
        assert_eq!([0, 999, 1000, 1_000_000].map(grouped), ["0", "999", "1,000", "1,000,000"]);
        assert_eq!([5.0, 1500.0, 2e9, 7e12].map(scaled), ["5 B", "1.5 kB", "2.0 GB", "7000.0 GB"]);
    }
}
