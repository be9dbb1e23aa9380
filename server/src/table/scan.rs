//! From a snapshot to a plan that reads it: which files, which rows of them, cut into equal parts.
//!
//! ```text
//!   index of files ─ prune ─▶ files ─ deletion vectors ─▶ rows of files ─ group ─▶ DataSourceExec (Parquet)
//! ```
//!
//! The plan is DataFusion's own scan of Parquet files without any node around it, so that it reads in parallel, prunes row
//! groups and pages, and takes dynamic filters. It works on the names that columns have in files; whoever runs it knows
//! the columns by their position.
//!
//! Nothing here knows a policy: what the plan returns is not for a user's eyes. Only `guard` asks for one.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{FieldRef, Fields, Schema, SchemaRef};
use chrono::DateTime;
use datafusion::catalog::Session;
use datafusion::common::config::{ParquetOptions, TableParquetOptions};
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::{ObjectMeta, ObjectStore};

use super::adapter::ColumnsOfFiles;
use super::deletion_vectors::{RowsToRead, kept_in_row_groups};
use super::files::{FileReaders, footer_of};
use super::footers::TableFooters;
use super::prune::Pruning;
use super::replace::replace_columns;
use super::schema::with_offsets;
use super::text::TextPolicy;
use super::{Snapshot, failure, nan, scan_statistics};
use crate::error::Error;
use crate::mutant::Mutant;

/// Fewest columns beside those of a predicate for which it pays to decode them later.
const LATE_COLUMNS: usize = 3;

/// Bytes of a small part of a scan, and the most of such parts.
const PART_BYTES: u64 = 2 * 1024 * 1024;
const MOST_PARTS: usize = 1024;

/// Deletion vectors read at the same time.
const VECTORS_AT_ONCE: usize = 16;

/// What to read.
pub(crate) struct ScanRequest<'a> {
    /// Positions of columns in the full schema, in the order of the plan's columns.
    pub(crate) columns: &'a [usize],
    /// A condition over the full schema; rows that do not meet it may be left out, and need not be.
    pub(crate) condition: Option<Arc<dyn PhysicalExpr>>,
    /// Rows wanted, if no more are; the first that come.
    pub(crate) limit: Option<usize>,
    /// Text and binary columns of files with offsets and not as views, as they are sent.
    pub(crate) with_offsets: bool,
    /// Cut into many parts, so that several can be read while they are handed on one after the other.
    pub(crate) in_small_parts: bool,
}

/// A plan that reads rows and columns without any policy.
pub(crate) struct UnguardedScan {
    /// Its columns have the names that they have in files.
    pub(crate) plan: Arc<dyn ExecutionPlan>,
    /// The same columns under the table's names.
    pub(crate) columns: SchemaRef,
}

impl Snapshot {
    /// Plans a scan. Only `guard` may call it, and wraps what it gets.
    ///
    /// # Errors
    /// If the log or a deletion vector cannot be read, or a condition cannot be evaluated.
    pub(crate) async fn unguarded_scan(
        &self,
        session: &dyn Session,
        request: ScanRequest<'_>,
    ) -> Result<UnguardedScan> {
        let columns = self.columns_of(&request);
        let condition = request.condition.clone().map(|condition| self.in_files(condition)).transpose()?;
        let files_by = |condition| nan::with_nan(condition, &self.log.log().columns.physical);
        let predicate = condition.as_ref().map(files_by).transpose()?;
        let wanted = self.in_order(self.files_to_read(predicate.as_ref()).await?);
        let layout = Layout::new(self, &request, predicate.as_ref());
        if wanted.is_empty() {
            let plan =
                Arc::new(EmptyExec::new(Arc::new(layout.table.table_schema().project(&layout.projection)?)));
            return Ok(UnguardedScan { plan, columns });
        }
        let statistics = scan_statistics::of(self, &wanted, &layout).await?;
        // The log counts all rows, a limit ends before.
        let statistics = if request.limit.is_some() { statistics.to_inexact() } else { statistics };
        let files = self.partitioned_files(&wanted).await?;

        let options = session.config_options().execution.parquet.clone();
        let mut source = parquet_source(layout.table.clone(), options, self.readers(&layout));
        if let (Some(condition), Some(predicate)) = (condition, predicate) {
            let reads_late = reads_late(&condition, layout.projection.len());
            source = source
                .with_predicate(positioned(predicate, layout.table.table_schema())?)
                .with_pushdown_filters(reads_late);
        }
        let threads = session.config_options().execution.target_partitions;
        let parts = if request.in_small_parts { small_parts(&files, threads) } else { threads };
        let bucket = ObjectStoreUrl::parse(format!("s3://{}", self.access.location.bucket()))?;
        let config = FileScanConfigBuilder::new(bucket, Arc::new(source))
            .with_file_groups(balanced(files, parts))
            .with_projection_indices(Some(layout.projection))?
            .with_limit(request.limit)
            .with_statistics(statistics)
            .with_expr_adapter(Some(Arc::new(self.adapter())))
            .build();
        let plan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
        let parallel = plan.repartitioned(parts, session.config_options())?;
        Ok(UnguardedScan { plan: parallel.unwrap_or(plan), columns })
    }

    /// The columns of a plan under the table's names.
    fn columns_of(&self, request: &ScanRequest<'_>) -> SchemaRef {
        let columns = &self.log.log().columns;
        let field = |position: &usize| {
            let field = &columns.logical.fields()[*position];
            if request.with_offsets && !self.is_partition(*position) {
                with_offsets(field)
            } else {
                Arc::clone(field)
            }
        };
        Arc::new(Schema::new(request.columns.iter().map(field).collect::<Fields>()))
    }

    /// Whether a column of the full schema stands in the log and not in files.
    pub(crate) fn is_partition(&self, position: usize) -> bool {
        self.log.log().columns.partitioned_by.contains(&position)
    }

    /// A condition over the names that columns have in files.
    fn in_files(&self, condition: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let physical = &self.log.log().columns.physical;
        replace_columns(condition, |column| {
            let name = physical.field(column.index()).name();
            Ok(Arc::new(Column::new(name, column.index())))
        })
    }

    /// Numbers of the files that may hold a wanted row.
    async fn files_to_read(&self, predicate: Option<&Arc<dyn PhysicalExpr>>) -> Result<Vec<usize>> {
        let log = self.log.log();
        let all = || (0..log.files.len()).collect();
        let Some(predicate) = predicate else {
            return Ok(all());
        };
        let pruning = Pruning { columns: &log.columns, files: &log.files };
        let missing = pruning.missing(predicate);
        self.load_statistics(&missing).await?;
        let Some(keep) = pruning.keep(predicate) else {
            return Ok(all());
        };
        Ok(keep.iter().enumerate().filter(|(_, keep)| **keep).map(|(file, _)| file).collect())
    }

    /// The files in an order that follows from them alone, and so the rows: the log's order depends on whether it was read at
    /// once, or followed from a version that somebody's query had read.
    fn in_order(&self, mut files: Vec<usize>) -> Vec<usize> {
        let index = &self.log.log().files;
        let place = |file: &usize| (index.modified.value(*file), index.paths.value(*file));
        files.sort_by(|one, other| place(one).cmp(&place(other)));
        files
    }

    /// Makes the statistics of columns known, as far as the log has them.
    pub(super) async fn load_statistics(&self, columns: &[usize]) -> Result<()> {
        if columns.is_empty() {
            return Ok(());
        }
        self.shared.logs.load_statistics(&self.access, &self.log, columns).await?;
        Ok(())
    }

    async fn partitioned_files(&self, wanted: &[usize]) -> Result<Vec<PartitionedFile>> {
        let root = self.access.location.url()?;
        stream::iter(wanted.iter().copied())
            .map(|file| self.partitioned_file(&root, file))
            .buffered(VECTORS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn partitioned_file(&self, root: &url::Url, file: usize) -> Result<PartitionedFile> {
        let index = &self.log.log().files;
        let meta = self.object_meta(root, file)?;
        let values = index
            .partitions
            .iter()
            .map(|column| ScalarValue::try_from_array(column, file))
            .collect::<Result<Vec<_>>>()?;
        let read = PartitionedFile::new_from_meta(meta).with_partition_values(values);
        let Some(kept) = self.rows_to_read(file, &read.object_meta).await? else {
            return Ok(read);
        };
        // The plan holds the rows for as long as it lives, and with them the memory that is charged for them.
        let read = read.with_extension(Arc::clone(&kept));
        Ok(match self.footers().known(&read.object_meta) {
            Some(footer) => read.with_extension(kept_in_row_groups(kept.selection(), footer.row_groups())?),
            None => read.with_extension(ParquetRowSelection::new(kept.selection().clone())),
        })
    }

    fn object_meta(&self, root: &url::Url, file: usize) -> Result<ObjectMeta, Error> {
        let index = &self.log.log().files;
        let location = self
            .access
            .location
            .resolve(root, index.paths.value(file))
            .ok_or_else(|| failure::outside("a data file"))?;
        Ok(ObjectMeta {
            location,
            last_modified: DateTime::from_timestamp_millis(index.modified.value(file)).unwrap_or_default(),
            size: u64::try_from(index.sizes.value(file)).unwrap_or_default(),
            e_tag: None,
            version: None,
        })
    }

    /// The rows that the file's deletion vector leaves; `None` if it has none.
    async fn rows_to_read(&self, file: usize, meta: &ObjectMeta) -> Result<Option<Arc<RowsToRead>>> {
        let index = &self.log.log().files;
        let vector =
            index.deletion_vector(file).map_err(|error| failure::broken_vector(error.to_string()))?;
        let Some(vector) = vector.filter(|_| !Mutant::DeletionVectorsIgnored.is_on()) else {
            return Ok(None);
        };
        let rows = match index.rows.is_null(file) {
            false => index.rows.value(file),
            true => self.rows_in(meta).await?,
        };
        let rows = u64::try_from(rows).unwrap_or_default();
        let (vectors, table) = (&self.shared.deletion_vectors, self.log.identity());
        Ok(Some(
            vectors.rows_to_read(&self.access.location, self.files.as_ref(), &table, &vector, rows).await?,
        ))
    }

    /// The number of rows in a Parquet file, from its footer.
    async fn rows_in(&self, meta: &ObjectMeta) -> Result<i64> {
        let footer = footer_of(self.files.as_ref(), meta, &self.footers()).await?;
        Ok(footer.file_metadata().num_rows())
    }

    fn readers(&self, layout: &Layout) -> FileReaders {
        let store = Arc::clone(&self.files) as Arc<dyn ObjectStore>;
        FileReaders::new(store, self.footers(), layout.table.file_schema(), Arc::clone(&self.shared.budget))
    }

    fn adapter(&self) -> ColumnsOfFiles {
        let columns = &self.log.log().columns;
        let shown = self.grant().authorized_columns();
        let names = columns.physical.fields().iter().zip(columns.logical.fields());
        let visible = names
            .filter(|(_, logical)| shown.contains(&logical.name().to_ascii_lowercase()))
            .map(|(physical, logical)| (physical.name().clone(), logical.name().clone()))
            .collect();
        let texts = Arc::new(TextPolicy::new(self.shared.invalid_text, visible));
        ColumnsOfFiles { by_field_id: columns.by_field_id, texts }
    }

    fn footers(&self) -> Arc<TableFooters> {
        self.shared.footers.of_table(&self.log.identity())
    }
}

/// Where the columns of one scan lie: those of files first, then those of the partitioning.
pub(super) struct Layout {
    pub(super) table: TableSchema,
    /// Positions in the full schema of `table`'s columns.
    pub(super) positions: Vec<usize>,
    /// Positions in `table` of the wanted columns.
    pub(super) projection: Vec<usize>,
}

impl Layout {
    /// Takes the wanted columns and those of the predicate, and no others: each costs time for every file.
    fn new(
        snapshot: &Snapshot,
        request: &ScanRequest<'_>,
        predicate: Option<&Arc<dyn PhysicalExpr>>,
    ) -> Self {
        let (columns, wanted) = (&snapshot.log.log().columns, request.columns);
        let mut needed: BTreeSet<usize> = wanted.iter().copied().collect();
        if let Some(predicate) = predicate {
            needed.extend(collect_columns(predicate).iter().map(Column::index));
        }
        let in_files = columns.in_files().filter(|position| needed.contains(position));
        let partitions = columns.partitioned_by.iter().copied();
        let fields_of = |positions: &[usize]| -> Vec<FieldRef> {
            positions.iter().map(|position| Arc::clone(&columns.physical.fields()[*position])).collect()
        };
        let mut positions: Vec<usize> = in_files.collect();
        let mut in_files = fields_of(&positions);
        if request.with_offsets {
            in_files = in_files.iter().map(with_offsets).collect();
        }
        let file_schema = Arc::new(Schema::new(in_files));
        let partitions: Vec<usize> = partitions.collect();
        let table = TableSchema::builder(file_schema)
            .with_table_partition_cols(Fields::from(fields_of(&partitions)))
            .build();
        positions.extend(partitions);
        let projection = wanted
            .iter()
            .filter_map(|column| positions.iter().position(|position| position == column))
            .collect();
        Self { table, positions, projection }
    }
}

/// Whether the columns of the predicate are decoded first, and the others only for the rows that it finds. That pays where
/// it finds few rows and many columns are wanted: a lookup by key. Only comparisons with constants, which cannot fail on a
/// row: the reader's errors are told as the table's, not as the query's.
fn reads_late(predicate: &Arc<dyn PhysicalExpr>, wanted: usize) -> bool {
    let comparison = |condition: &Arc<dyn PhysicalExpr>| {
        let binary = condition.downcast_ref::<BinaryExpr>()?;
        let is_plain = binary.left().is::<Column>() && binary.right().is::<Literal>();
        let compares = matches!(
            binary.op(),
            Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq
        );
        (is_plain && compares).then_some(*binary.op())
    };
    let comparisons: Option<Vec<Operator>> =
        split_conjunction(predicate).into_iter().map(comparison).collect();
    comparisons.is_some_and(|operators| operators.contains(&Operator::Eq))
        && wanted >= LATE_COLUMNS + collect_columns(predicate).len()
}

/// The same expression, its columns placed as in `schema`.
fn positioned(predicate: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    replace_columns(predicate, |column| Ok(Arc::new(Column::new_with_schema(column.name(), schema)?)))
}

/// What reads files for the columns of `table`.
pub(super) fn parquet_source(
    table: TableSchema,
    global: ParquetOptions,
    readers: FileReaders,
) -> ParquetSource {
    let mut options = TableParquetOptions { global, ..TableParquetOptions::default() };
    // Spark's old timestamps: nanoseconds of UTC in 96 bits. As nanoseconds in 64 bits they would end in 2262.
    options.global.coerce_int96 = Some("us".to_owned());
    options.global.coerce_int96_tz = Some("UTC".to_owned());
    ParquetSource::new(table)
        .with_table_parquet_options(options)
        .with_parquet_file_reader_factory(Arc::new(readers))
}

/// The number of parts of which each has about [`PART_BYTES`]; one of a few bytes is not cut.
fn small_parts(files: &[PartitionedFile], threads: usize) -> usize {
    let bytes: u64 = files.iter().map(|file| file.object_meta.size).sum();
    let parts = usize::try_from(bytes.div_ceil(PART_BYTES)).unwrap_or(usize::MAX);
    if parts > 1 { parts.clamp(threads, MOST_PARTS) } else { 1 }
}

/// Files in at most `groups` groups of about the same number of bytes, in their order.
fn balanced(files: Vec<PartitionedFile>, groups: usize) -> Vec<FileGroup> {
    let total: u64 = files.iter().map(|file| file.object_meta.size.max(1)).sum();
    let share = total.div_ceil(groups.max(1) as u64).max(1);
    let mut balanced: Vec<Vec<PartitionedFile>> = Vec::new();
    let mut filled = u64::MAX;
    for file in files {
        if filled >= share && balanced.len() < groups.max(1) {
            balanced.push(Vec::new());
            filled = 0;
        }
        filled = filled.saturating_add(file.object_meta.size.max(1));
        if let Some(group) = balanced.last_mut() {
            group.push(file);
        }
    }
    balanced.into_iter().map(FileGroup::new).collect()
}
