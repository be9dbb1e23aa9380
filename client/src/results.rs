//! From a stream of rows to the place that a plan names, and the line that counts them.

use std::future::Future;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use futures::TryStreamExt;
use lakegate_client::{ClientError, RowStream};

use crate::failure::Failure;
use crate::output::{Appetite, Format, OutputPlan, ResultWriter, Written};
use crate::progress::{Progress, grouped};

/// What became of a result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copied {
    rows: usize,
    pub(crate) has_columns: bool,
    more_exist: bool,
    hidden_columns: usize,
    elapsed: Duration,
}

/// Runs a query and writes all its rows. An error leaves before anything is committed or counted.
pub(crate) async fn copy(
    query: impl Future<Output = Result<RowStream, ClientError>>,
    plan: &OutputPlan,
) -> Result<Copied, Failure> {
    let start = Instant::now();
    let mut progress = Progress::start();
    let mut rows = progress.wait(query).await?;
    let schema = rows.schema();
    let mut writer = ResultWriter::open(plan, &schema)?;
    let mut more_exist = false;
    while let Some(batch) = progress.wait(rows.try_next()).await? {
        progress.count(&batch);
        if plan.file.is_none() {
            progress.erase();
        }
        if writer.write(&batch)? == Appetite::Full {
            more_exist = true;
            break;
        }
        if writer.is_shown() {
            progress.stop();
        }
        // A result that is always ready would keep Ctrl-C waiting.
        tokio::task::yield_now().await;
    }
    // The rows are complete or not wanted any more; the query need not wait until the pager is left.
    drop(rows);
    progress.stop();
    let elapsed = start.elapsed();
    Ok(Copied::of(writer.finish()?, &schema, more_exist, elapsed))
}

/// Writes rows that this program made itself.
pub(crate) fn copy_batch(batch: &RecordBatch, plan: &OutputPlan) -> Result<Copied, Failure> {
    let start = Instant::now();
    let mut writer = ResultWriter::open(plan, &batch.schema())?;
    let more_exist = writer.write(batch)? == Appetite::Full;
    let elapsed = start.elapsed();
    Ok(Copied::of(writer.finish()?, &batch.schema(), more_exist, elapsed))
}

impl Copied {
    fn of(written: Written, schema: &Schema, more_exist: bool, elapsed: Duration) -> Self {
        let Written { rows, hidden_columns } = written;
        Self { rows, has_columns: !schema.fields().is_empty(), more_exist, hidden_columns, elapsed }
    }

    /// The line for the person who asked; `None` where only programs read.
    pub(crate) fn note(&self, plan: &OutputPlan, timing: bool) -> Option<String> {
        let unit = if self.rows == 1 { "row" } else { "rows" };
        let shown = if self.more_exist { " shown, more exist" } else { "" };
        let mut note = format!("{} {unit}{shown}", grouped(self.rows));
        if !self.has_columns && plan.file.is_none() {
            // A statement that has no result, such as USE.
            note = "done".to_owned();
        }
        match &plan.file {
            Some(file) => note.push_str(&format!(" written to {}", file.display())),
            None if plan.format == Format::Table => {}
            // Programs read the other formats, often with standard error in the same pipe.
            None if !timing => return None,
            None => {}
        }
        if timing {
            note.push_str(&format!(" in {}", time(self.elapsed)));
        }
        if self.hidden_columns > 0 {
            let unit = if self.hidden_columns == 1 { "column" } else { "columns" };
            let hidden = self.hidden_columns;
            note.push_str(&format!("; {hidden} {unit} do not fit: -x, in the shell \\x, shows all"));
        }
        Some(note)
    }
}

/// A time with as many digits as a person wants.
fn time(elapsed: Duration) -> String {
    let millis = elapsed.as_secs_f64() * 1000.0;
    if millis < 1000.0 { format!("{millis:.1} ms") } else { format!("{:.3} s", millis / 1000.0) }
}
