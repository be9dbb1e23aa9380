//! The sample lake: what a fresh sandbox account holds, made through the public AWS API only.
//!
//! Invariants
//! - Every call is a signed request that boto3 could send as well. Nothing reaches into the sandbox's
//!   own state, so a lake that seeds without error is also a test of the sandbox.
//! - Every step creates and none overwrites. An account that already holds a part of the lake stops
//!   the run at that part ([`SeedError::AlreadyExists`]) instead of mixing two lakes.
//! - Grants come last and the default permissions are emptied first: there is no moment at which a
//!   demo user may read a table that is not meant for them.
//!
//! Who may see what stands in one table, `grants.rs`.

mod account;
mod delta;
mod error;
mod glue;
mod governance;
mod grants;
mod hr;
mod iam;
mod signed_request;
mod tpch;

use std::time::{Duration, Instant};

pub use error::SeedError;

use account::Account;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// Where the sample lake is made and how large it becomes.
#[derive(Debug, Clone)]
pub struct SeedOptions {
    /// The endpoint that serves every AWS service, such as `http://127.0.0.1:4577`. Plain HTTP only.
    pub endpoint: String,
    /// The TPC-H scale factor of database `sales`: 1.0 is about 8.7 million rows. From 0.001 to 1000.
    pub scale_factor: f64,
}

/// What a finished run made.
#[derive(Debug, Clone)]
pub struct SeedReport {
    /// The tables in the order of their making.
    pub tables: Vec<SeededTable>,
    /// The time of the whole run, grants included.
    pub elapsed: Duration,
}

/// One table of a [`SeedReport`].
#[derive(Debug, Clone)]
pub struct SeededTable {
    /// The Glue database.
    pub database: &'static str,
    /// The Glue table.
    pub table: &'static str,
    /// Rows over all files.
    pub rows: u64,
    /// Parquet files in the Delta log.
    pub files: usize,
    /// Bytes of all Parquet files.
    pub bytes: u64,
    /// The time of generating, writing and registering the table.
    pub elapsed: Duration,
}

/// A table before it is written: its public description and one row source per future Parquet file
/// (per partition value).
struct SampleTable {
    database: &'static str,
    name: &'static str,
    comment: &'static str,
    column_comments: &'static [(&'static str, &'static str)],
    partition_columns: &'static [&'static str],
    schema: SchemaRef,
    parts: Vec<Part>,
}

/// Starts a row source on the thread that will consume it: generators set up lazily and cost CPU time.
type Part = Box<dyn FnOnce() -> Rows + Send>;

type Rows = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Fills an empty account with the sample lake: bucket, roles, Lake Formation settings, the databases
/// `sales` and `hr`, and the demo users' grants.
///
/// Signs as the sandbox administrator. Rows are streamed: memory does not grow with the scale factor,
/// apart from the 300 MiB text pool which the TPC-H generator keeps for the life of the process.
///
/// # Errors
/// [`SeedError::ScaleFactor`] and [`SeedError::Endpoint`] before anything is sent;
/// [`SeedError::AlreadyExists`] when the account is not empty; otherwise the first failing call. What
/// was made until then stays.
pub async fn seed(options: SeedOptions) -> Result<SeedReport, SeedError> {
    let started = Instant::now();
    let scale_factor = checked_scale_factor(options.scale_factor)?;
    let account = Account::connect(&options.endpoint)?;

    iam::create_bucket(&account).await?;
    iam::create_roles(&account).await?;
    governance::switch_on_external_filtering(&account).await?;
    governance::register_bucket(&account).await?;
    glue::create_databases(&account).await?;

    // The first generator fills the text pool, about a second of CPU time that must not stop the
    // runtime, which may be serving the sandbox itself.
    let sales = tokio::task::spawn_blocking(move || tpch::tables(scale_factor)).await?;
    let mut tables = Vec::new();
    for table in sales.into_iter().chain(hr::tables()) {
        tables.push(make_table(&account, table).await?);
    }

    grants::grant_all(&account).await?;
    Ok(SeedReport { tables, elapsed: started.elapsed() })
}

async fn make_table(account: &Account, table: SampleTable) -> Result<SeededTable, SeedError> {
    let started = Instant::now();
    let (database, name) = (table.database, table.name);
    let entry = glue::CatalogEntry::of(&table)?;
    let location = account::table_location(database, name);
    let log_store = delta::log_store(account.bucket_store(), &location)?;

    let written = delta::write(log_store, table).await?;
    glue::create_table(account, entry, &written).await?;
    Ok(SeededTable {
        database,
        table: name,
        rows: written.rows,
        files: written.files,
        bytes: written.bytes,
        elapsed: started.elapsed(),
    })
}

fn checked_scale_factor(scale_factor: f64) -> Result<f64, SeedError> {
    // Below 0.001 the generator yields empty tables; above 1000 the line item key range of its
    // partitioning was never tried. NaN is in no range.
    if (0.001..=1000.0).contains(&scale_factor) {
        return Ok(scale_factor);
    }
    Err(SeedError::ScaleFactor { given: scale_factor })
}

#[cfg(test)]
mod tests;
