//! [`FileIndex`]: the files of one version of a table, as columns.
//!
//! A table may have a million files. What the log says of each is kept in a few arrays, so that pruning is one pass of
//! arrow kernels and a file costs about a hundred bytes. Minimum, maximum and null counts are loaded for the columns that
//! queries prune on, and only for those (`statistics`).
//!
//! Invariants
//! - Immutable but for statistics that are added later; a newer version is another index, made from this one.
//! - Row numbers of all arrays mean the same file.
//! - Nothing here depends on a principal. What it says of hidden rows stays below `guard`.
//!
//! Source: Delta protocol, "Action Reconciliation".

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, RwLock};

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int64Array, LargeStringArray, RecordBatch,
    StringArray, StructArray,
};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::{cast, concat, filter, filter_record_batch, nullif, sum};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use delta_kernel::engine::arrow_data::EngineDataArrowExt;
use delta_kernel::log_replay::FileActionKey;
use delta_kernel::scan::ScanMetadata;
use delta_kernel::{DeltaResult, Error as KernelError};

use super::budget::{Budget, Charge};
use super::failure::too_long;
use super::partitions;
use super::schema::TableColumns;
use super::statistics::{ColumnStatistics, FileStatistics};

/// Longest path of a file, in bytes. A key of S3 has 1,024, each of which may be encoded as three, and a bucket in front.
const LONGEST_PATH: usize = 4096;

/// Longest partition value, in bytes: each batch of rows repeats it for all of them.
pub(super) const LONGEST_PARTITION_VALUE: usize = 32 << 10;

/// Most partition columns: the index has a value of each for each file.
const MOST_PARTITION_COLUMNS: usize = 256;

/// See the file's head.
pub(super) struct FileIndex {
    /// As in the log: percent-encoded, relative to the table's root or absolute.
    pub(super) paths: LargeStringArray,
    /// Bytes.
    pub(super) sizes: Int64Array,
    /// Milliseconds since the epoch.
    pub(super) modified: Int64Array,
    /// Rows, deleted ones included; NULL where the log does not say.
    pub(super) rows: Int64Array,
    /// A column for each partition column, in the order of the partitioning.
    pub(super) partitions: Vec<ArrayRef>,
    /// None if no file has one.
    deletion_vectors: Option<StructArray>,
    /// By position in the table's columns.
    statistics: RwLock<BTreeMap<usize, Arc<ColumnStatistics>>>,
}

impl FileIndex {
    /// Bytes of all files.
    pub(super) fn total_bytes(&self) -> u64 {
        sum(&self.sizes).and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default()
    }

    /// Number of files.
    pub(super) fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether any file has deleted rows.
    pub(super) fn has_deletion_vectors(&self) -> bool {
        self.deletion_vectors.is_some()
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let deletion_vectors = self.deletion_vectors.as_ref().map_or(0, Array::get_array_memory_size);
        let statistics =
            self.statistics.read().map_or(0, |columns| columns.values().map(|column| column.memory()).sum());
        self.paths.get_array_memory_size()
            + self.sizes.get_array_memory_size()
            + self.modified.get_array_memory_size()
            + self.rows.get_array_memory_size()
            + self.partitions.iter().map(Array::get_array_memory_size).sum::<usize>()
            + deletion_vectors
            + statistics
    }

    /// The deletion vector of a file, if it has one.
    ///
    /// # Errors
    /// If the log's description of it is broken.
    pub(super) fn deletion_vector(&self, file: usize) -> DeltaResult<Option<DeletionVectorDescriptor>> {
        self.deletion_vectors.as_ref().map_or(Ok(None), |vectors| descriptor(vectors, file))
    }

    /// The statistics of a column, if they were loaded.
    pub(super) fn statistics(&self, column: usize) -> Option<Arc<ColumnStatistics>> {
        self.statistics.read().ok()?.get(&column).cloned()
    }

    /// The statistics of a column, given away: for an index that was read for their sake.
    pub(super) fn take_statistics(&self, column: usize) -> Option<ColumnStatistics> {
        Arc::into_inner(self.statistics.write().ok()?.remove(&column)?)
    }

    /// The positions of all columns whose statistics were loaded.
    pub(super) fn columns_with_statistics(&self) -> Vec<usize> {
        self.statistics.read().map(|columns| columns.keys().copied().collect()).unwrap_or_default()
    }

    /// Adds statistics of columns, which must be in this index's order of files.
    pub(super) fn add_statistics(&self, loaded: BTreeMap<usize, ColumnStatistics>) {
        if let Ok(mut known) = self.statistics.write() {
            known.extend(loaded.into_iter().map(|(column, statistics)| (column, Arc::new(statistics))));
        }
    }

    /// The index without the files that later commits removed or named again, followed by `added`.
    ///
    /// # Errors
    /// If a deletion vector of the log is broken.
    pub(super) fn followed_by(&self, gone: &HashSet<FileActionKey>, added: &Self) -> DeltaResult<Self> {
        let stays = self.without(gone)?;
        let both = |ours: &dyn Array, theirs: &dyn Array| followed_by(ours, &stays, theirs);
        let partitions = self
            .partitions
            .iter()
            .zip(&added.partitions)
            .map(|(ours, theirs)| both(ours, theirs))
            .collect::<DeltaResult<Vec<_>>>()?;
        let deletion_vectors = match (&self.deletion_vectors, &added.deletion_vectors) {
            (None, None) => None,
            (Some(ours), Some(theirs)) => Some(both(ours, theirs)?),
            (Some(ours), None) => {
                Some(both(ours, &StructArray::new_null(ours.fields().clone(), added.len()))?)
            }
            (None, Some(theirs)) => {
                Some(both(&StructArray::new_null(theirs.fields().clone(), self.len()), theirs)?)
            }
        };
        let mut statistics = BTreeMap::new();
        for column in self.columns_with_statistics() {
            if let (Some(ours), Some(theirs)) = (self.statistics(column), added.statistics(column)) {
                statistics.insert(column, Arc::new(ours.followed_by(&stays, &theirs)?));
            }
        }
        Ok(Self {
            paths: both(&self.paths, &added.paths)?.as_string::<i64>().clone(),
            sizes: both(&self.sizes, &added.sizes)?.as_primitive().clone(),
            modified: both(&self.modified, &added.modified)?.as_primitive().clone(),
            rows: both(&self.rows, &added.rows)?.as_primitive().clone(),
            partitions,
            deletion_vectors: deletion_vectors.and_then(|vectors| some_vectors(vectors.as_struct())),
            statistics: RwLock::new(statistics),
        })
    }

    fn without(&self, gone: &HashSet<FileActionKey>) -> DeltaResult<BooleanArray> {
        let paths: HashSet<&str> = gone.iter().map(FileActionKey::path).collect();
        let mut stays = Vec::with_capacity(self.len());
        for (file, path) in self.paths.iter().enumerate() {
            let path = path.unwrap_or_default();
            let is_gone = paths.contains(path) && gone.contains(&self.key(file)?);
            stays.push(!is_gone);
        }
        Ok(BooleanArray::from(stays))
    }

    /// What tells a file from every other of the version.
    fn key(&self, file: usize) -> DeltaResult<FileActionKey> {
        let vector = self.deletion_vector(file)?.map(|vector| vector.unique_id());
        Ok(FileActionKey::new(self.paths.value(file), vector))
    }

    /// The permutation that brings the files of `other`, which must be the same, into this index's order.
    ///
    /// # Errors
    /// If the files differ.
    pub(super) fn order_of(&self, other: &Self) -> DeltaResult<Option<Vec<u64>>> {
        let is_same = self.paths == other.paths
            && (self.deletion_vectors.is_none() || self.deletion_vectors == other.deletion_vectors);
        if is_same {
            return Ok(None);
        }
        let mut places = std::collections::HashMap::with_capacity(other.len());
        for file in 0..other.len() {
            places.insert(other.key(file)?, file as u64);
        }
        let missing = || KernelError::generic("the log holds other files than a moment ago");
        (0..self.len())
            .map(|file| places.get(&self.key(file)?).copied().ok_or_else(missing))
            .collect::<DeltaResult<Vec<u64>>>()
            .map(Some)
    }
}

/// Gathers what the kernel says of files, batch by batch.
pub(super) struct IndexBuilder<'a> {
    columns: &'a TableColumns,
    paths: Vec<ArrayRef>,
    sizes: Vec<ArrayRef>,
    modified: Vec<ArrayRef>,
    partitions: Vec<Vec<ArrayRef>>,
    deletion_vectors: Vec<ArrayRef>,
    statistics: FileStatistics<'a>,
    memory: Charge,
}

impl<'a> IndexBuilder<'a> {
    /// # Arguments
    /// * `wanted` - positions of the columns whose statistics the kernel was asked for.
    /// * `budget` - what tables may hold in memory.
    ///
    /// # Errors
    /// If there are too many partition columns.
    pub(super) fn new(
        columns: &'a TableColumns,
        wanted: &'a [usize],
        budget: &Arc<Budget>,
    ) -> DeltaResult<Self> {
        if columns.partitioned_by.len() > MOST_PARTITION_COLUMNS {
            return Err(KernelError::generic("too many partition columns"));
        }
        Ok(Self {
            columns,
            paths: Vec::new(),
            sizes: Vec::new(),
            modified: Vec::new(),
            partitions: vec![Vec::new(); columns.partitioned_by.len()],
            deletion_vectors: Vec::new(),
            statistics: FileStatistics::new(columns, wanted),
            memory: budget.charge(0).map_err(KernelError::generic_err)?,
        })
    }

    /// # Errors
    /// If the kernel's batch lacks what it promises.
    pub(super) fn push(&mut self, files: ScanMetadata) -> DeltaResult<()> {
        let (data, mut selected) = files.scan_files.into_parts();
        let batch = data.try_into_record_batch()?;
        // A shorter selection means that the rest is selected.
        selected.resize(batch.num_rows(), true);
        let batch = filter_record_batch(&batch, &BooleanArray::from(selected))?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let paths = cast(named(&batch, "path")?, &DataType::LargeUtf8)?;
        check_lengths(&paths, LONGEST_PATH, "the path of a file")?;
        // Once as it comes, once joined.
        let bytes = batch.get_array_memory_size() as u64;
        self.memory.grow(bytes.saturating_mul(2)).map_err(KernelError::generic_err)?;
        self.paths.push(paths);
        self.sizes.push(Arc::clone(named(&batch, "size")?));
        self.modified.push(Arc::clone(named(&batch, "modificationTime")?));
        self.deletion_vectors.push(Arc::clone(named(&batch, "deletionVector")?));
        self.push_partitions(&batch)?;
        let parsed = batch.column_by_name("stats_parsed").and_then(|stats| stats.as_struct_opt());
        self.statistics.push(parsed, batch.num_rows())
    }

    fn push_partitions(&mut self, batch: &RecordBatch) -> DeltaResult<()> {
        if self.partitions.is_empty() {
            return Ok(());
        }
        let is_read_here = partitions::are_read_here(self.columns);
        let values =
            named(batch, if is_read_here { "fileConstantValues" } else { "partitionValues_parsed" })?
                .as_struct_opt()
                .ok_or_else(|| KernelError::generic("partition values are not a struct"))?;
        for (position, chunks) in self.columns.partitioned_by.iter().zip(&mut self.partitions) {
            let field = self.columns.physical.field(*position);
            if is_read_here {
                chunks.push(partitions::column(values, field.name(), field.data_type())?);
                continue;
            }
            let column = values
                .column_by_name(field.name())
                .ok_or_else(|| KernelError::generic("a partition column is missing"))?;
            // "An empty string translates to a null partition value", says the protocol; the kernel keeps it for text.
            let column = match column.as_string_opt::<i32>() {
                Some(text) => nullif(column, &eq(text, &StringArray::new_scalar(""))?)?,
                None => match column.as_binary_opt::<i32>() {
                    Some(bytes) => nullif(column, &eq(bytes, &BinaryArray::new_scalar(b""))?)?,
                    None => Arc::clone(column),
                },
            };
            check_lengths(&column, LONGEST_PARTITION_VALUE, "a partition value")?;
            chunks.push(cast(&column, field.data_type())?);
        }
        Ok(())
    }

    /// The index, and what it takes of the budget.
    ///
    /// # Errors
    /// If arrow cannot join the batches.
    pub(super) fn finish(self) -> DeltaResult<(FileIndex, Charge)> {
        let mut memory = self.memory;
        let (rows, statistics) = self.statistics.finish()?;
        let partitions = self
            .partitions
            .iter()
            .zip(&self.columns.partitioned_by)
            .map(|(chunks, position)| joined(chunks, self.columns.physical.field(*position).data_type()))
            .collect::<DeltaResult<Vec<_>>>()?;
        let vectors = match self.deletion_vectors.as_slice() {
            [] => None,
            chunks => some_vectors(concat(&references(chunks))?.as_struct()),
        };
        let statistics = statistics.into_iter().map(|(column, found)| (column, Arc::new(found))).collect();
        let index = FileIndex {
            paths: joined(&self.paths, &DataType::LargeUtf8)?.as_string::<i64>().clone(),
            sizes: joined(&self.sizes, &DataType::Int64)?.as_primitive().clone(),
            modified: joined(&self.modified, &DataType::Int64)?.as_primitive().clone(),
            rows,
            partitions,
            deletion_vectors: vectors,
            statistics: RwLock::new(statistics),
        };
        memory.resize(index.memory() as u64).map_err(KernelError::generic_err)?;
        Ok((index, memory))
    }
}

/// A text of the log that is repeated for each batch of rows, or kept for each file, is not longer than this.
pub(super) fn check_lengths(texts: &ArrayRef, longest: usize, what: &str) -> DeltaResult<()> {
    let found = match texts.data_type() {
        DataType::Utf8 => texts.as_string::<i32>().offsets().lengths().max(),
        DataType::LargeUtf8 => texts.as_string::<i64>().offsets().lengths().max(),
        DataType::Binary => texts.as_binary::<i32>().offsets().lengths().max(),
        _ => None,
    };
    match found {
        Some(length) if length > longest => {
            Err(KernelError::generic_err(too_long(&format!("{what} has {length} bytes"))))
        }
        _ => Ok(()),
    }
}

fn named<'a>(batch: &'a RecordBatch, name: &str) -> DeltaResult<&'a ArrayRef> {
    batch
        .column_by_name(name)
        .ok_or_else(|| KernelError::generic(format!("no column {name} in a scan of the log")))
}

fn references(chunks: &[ArrayRef]) -> Vec<&dyn Array> {
    chunks.iter().map(AsRef::as_ref).collect()
}

/// The chunks as one array; an empty one of `data_type` if there are none.
pub(super) fn joined(chunks: &[ArrayRef], data_type: &DataType) -> DeltaResult<ArrayRef> {
    if chunks.is_empty() {
        return Ok(arrow::array::new_empty_array(data_type));
    }
    Ok(concat(&references(chunks))?)
}

/// What stays of one array, and then another.
pub(super) fn followed_by(
    ours: &dyn Array,
    stays: &BooleanArray,
    theirs: &dyn Array,
) -> DeltaResult<ArrayRef> {
    Ok(concat(&[&filter(ours, stays)?, theirs])?)
}

fn some_vectors(vectors: &StructArray) -> Option<StructArray> {
    (vectors.null_count() < vectors.len()).then(|| vectors.clone())
}

fn descriptor(vectors: &StructArray, file: usize) -> DeltaResult<Option<DeletionVectorDescriptor>> {
    if vectors.is_null(file) {
        return Ok(None);
    }
    let column = |name: &str| {
        vectors
            .column_by_name(name)
            .filter(|column| column.is_valid(file))
            .ok_or_else(|| KernelError::deletion_vector(format!("no {name}")))
    };
    let text = |name: &str| Ok::<_, KernelError>(column(name)?.as_string::<i32>().value(file).to_owned());
    let offset = column("offset").ok().map(|offset| offset.as_primitive::<Int32Type>().value(file));
    DeletionVectorDescriptor::try_new(
        text("storageType")?.parse()?,
        text("pathOrInlineDv")?,
        offset,
        column("sizeInBytes")?.as_primitive::<Int32Type>().value(file),
        column("cardinality")?.as_primitive::<Int64Type>().value(file),
    )
    .map(Some)
}
