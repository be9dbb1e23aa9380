//! A commit that adds and removes the same file is refused: the protocol forbids it, and readers differ in which of the two they
//! follow. The kernel takes the first, so that the rows of a file that was written again in its place were gone without a word.

use std::collections::HashSet;

use arrow::array::{Array, AsArray, RecordBatch, StructArray};
use arrow::datatypes::Int32Type;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::{DeltaResult, EngineData, Error as KernelError};

use crate::error::{Error, ErrorKind};

/// Looks at actions that were read from one commit.
///
/// # Errors
/// See the file's head.
pub(super) fn check(actions: &dyn EngineData) -> DeltaResult<()> {
    let Some(actions) = actions.any_ref().downcast_ref::<ArrowEngineData>() else { return Ok(()) };
    let batch = actions.record_batch();
    let (Some(added), Some(removed)) = (named(batch, "add"), named(batch, "remove")) else { return Ok(()) };
    let removed: HashSet<String> = files(removed).collect();
    if !removed.is_empty() && files(added).any(|file| removed.contains(&file)) {
        let text = "a commit of the table's log adds and removes the same file; its owner must repair it";
        return Err(KernelError::generic_err(Error::new(ErrorKind::DataInvalid, text)));
    }
    Ok(())
}

fn named<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a StructArray> {
    batch.column_by_name(name)?.as_struct_opt()
}

/// What tells a file from others: its path, and its deletion vector.
fn files(actions: &StructArray) -> impl Iterator<Item = String> + '_ {
    let paths = actions.column_by_name("path").and_then(|paths| paths.as_string_opt::<i32>());
    let vectors = actions.column_by_name("deletionVector").and_then(|vectors| vectors.as_struct_opt());
    let file = move |row: usize| {
        let path = paths.filter(|paths| actions.is_valid(row) && paths.is_valid(row))?.value(row);
        let vector = vectors.filter(|vectors| vectors.is_valid(row)).map(|vectors| vector_of(vectors, row));
        Some(format!("{path}\n{}", vector.unwrap_or_default()))
    };
    (0..actions.len()).filter_map(file)
}

fn vector_of(vectors: &StructArray, row: usize) -> String {
    let text = |name: &str| {
        let texts = vectors.column_by_name(name).and_then(|texts| texts.as_string_opt::<i32>());
        texts.map(|texts| texts.value(row).to_owned()).unwrap_or_default()
    };
    let offset = vectors.column_by_name("offset").and_then(|offsets| offsets.as_primitive_opt::<Int32Type>());
    let offset = offset.filter(|offsets| offsets.is_valid(row)).map(|offsets| offsets.value(row));
    format!("{} {} {offset:?}", text("storageType"), text("pathOrInlineDv"))
}
