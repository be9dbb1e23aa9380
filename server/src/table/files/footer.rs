//! A file's footer: fetched, checked before it is decoded, and rid of what would make the reader skip a check.
//!
//! - The reader compares a text column's bytes with UTF-8 only if the file's annotation says UTF-8. A column annotated as
//!   JSON, or one of which the file's own Arrow schema says that it is text, would be handed on unchecked.
//! - It cuts numbers of 32 bits to the 8 or 16 that the annotation says, without a look at the others.
//! - It checks the delta encodings of text as a whole and not value by value.
//! - DataFusion asks for text wherever the table has text, by the column's name.
//!
//! So the file's Arrow schema is taken out, what is not checked loses its annotation, and a column of bytes gets another
//! name if the table says that it is text: [`super::super::adapter`] finds it by that name, and checks what it reads.

use std::collections::HashSet;
use std::sync::Arc;

use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::arrow::ARROW_SCHEMA_META_KEY;
use parquet::basic::{ConvertedType, Encoding, LogicalType, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    FileMetaData, ParquetMetaData, ParquetMetaDataBuilder, ParquetMetaDataReader, RowGroupMetaData,
};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type, TypePtr};

use super::thrift::{self, Part, Step};

/// First bytes fetched from the end of a file, in the hope that its whole footer is among them.
const FOOTER_HINT: u64 = 128 * 1024;

/// Bytes at the end of a file: the footer's length, and a magic number.
const TAIL: usize = 8;

/// Longest footer that is read, in bytes. Decoded it takes about sixteen times as much.
const LONGEST_FOOTER: usize = 64 << 20;

/// Most groups of columns inside of each other. The reader follows them by recursion.
const DEEPEST_SCHEMA: usize = 128;

/// Longest value of a column of fixed length, in bytes: a NULL takes as much. Delta has none; decimals and UUIDs are shorter.
const LONGEST_FIXED: i64 = 4096;

/// Most row groups of a file.
const MOST_ROW_GROUPS: usize = 32_767;

/// What is put behind the name of a column of bytes that the table says is text.
const AS_BYTES: &str = "\0bytes";

/// Under which name the adapter looks for a column of bytes that the table says is text.
pub(in crate::table) fn name_as_bytes(name: &str) -> String {
    format!("{name}{AS_BYTES}")
}

pub(super) fn broken(what: &str) -> ParquetError {
    ParquetError::General(format!("the file is refused: {what}"))
}

/// Fetches and checks a footer.
///
/// # Errors
/// The store's; if the file is no Parquet file, or its footer is out of bounds.
pub(super) async fn fetch(
    store: &dyn ObjectStore,
    file: &ObjectMeta,
) -> Result<ParquetMetaData, ParquetError> {
    let failed = |error: object_store::Error| ParquetError::External(Box::new(error));
    let size = match file.size {
        0 => store.head(&file.location).await.map_err(failed)?.size,
        size => size,
    };
    if size < TAIL as u64 {
        return Err(broken("too short to be Parquet"));
    }
    let start = size.saturating_sub(FOOTER_HINT);
    let end = store.get_range(&file.location, start..size).await.map_err(failed)?;
    let Some((before, tail)) = end.len().checked_sub(TAIL).and_then(|at| end.split_at_checked(at)) else {
        return Err(broken("shorter than the log says"));
    };
    let (length, magic) = tail.split_at(4);
    if magic != b"PAR1" {
        return Err(broken("no Parquet, or encrypted"));
    }
    let length = length.iter().rev().fold(0_usize, |number, byte| (number << 8) | usize::from(*byte));
    if length > LONGEST_FOOTER || length as u64 + TAIL as u64 > size {
        return Err(broken("the length of its footer"));
    }
    if let Some(footer) = before.len().checked_sub(length).and_then(|at| before.get(at..)) {
        return decode(footer);
    }
    let start = size - (length + TAIL) as u64;
    let footer = store.get_range(&file.location, start..size - TAIL as u64).await.map_err(failed)?;
    decode(&footer)
}

/// Decodes a footer, if it is within bounds. The reader panics on some broken ones.
///
/// # Errors
/// If it is broken or out of bounds.
pub(in crate::table) fn decode(bytes: &[u8]) -> Result<ParquetMetaData, ParquetError> {
    check(bytes)?;
    let decoded = std::panic::catch_unwind(|| ParquetMetaDataReader::decode_metadata(bytes));
    let metadata = decoded.map_err(|_| broken("its footer made the reader panic"))??;
    let columns = metadata.file_metadata().schema_descr().num_columns();
    let is_whole = |group: &RowGroupMetaData| {
        group.num_rows() >= 0
            && group.num_columns() == columns
            && group.columns().iter().all(|chunk| {
                let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
                start >= 0
                    && chunk.data_page_offset() >= 0
                    && chunk.compressed_size() >= 0
                    && start.checked_add(chunk.compressed_size()).is_some()
            })
    };
    if metadata.file_metadata().num_rows() < 0 || !metadata.row_groups().iter().all(is_whole) {
        return Err(broken("a negative number in its footer"));
    }
    Ok(plain(metadata))
}

fn check(bytes: &[u8]) -> Result<(), ParquetError> {
    // How many children the open groups still have.
    let mut open: Vec<i64> = Vec::new();
    let mut children = 0;
    let mut problem = "its footer is broken";
    let walked = thrift::walk(bytes, &thrift::FOOTER, &mut |part, step| {
        match (part, step) {
            (Part::Footer, Step::List(4, groups)) if groups > MOST_ROW_GROUPS => {
                problem = "too many row groups";
                return None;
            }
            (Part::SchemaElement, Step::Number(2, length)) if !(0..=LONGEST_FIXED).contains(&length) => {
                problem = "values of a fixed length that is too long";
                return None;
            }
            (Part::SchemaElement, Step::Number(5, count)) => children = count,
            (Part::SchemaElement, Step::End) => {
                while open.pop_if(|left| *left <= 0).is_some() {}
                if let Some(left) = open.last_mut() {
                    *left -= 1;
                }
                open.push(std::mem::take(&mut children));
                if open.len() > DEEPEST_SCHEMA {
                    problem = "columns nested too deeply";
                    return None;
                }
            }
            _ => {}
        }
        Some(())
    });
    walked.map(drop).ok_or_else(|| broken(problem))
}

fn is_text(column: &ColumnDescriptor) -> bool {
    column.physical_type() == PhysicalType::BYTE_ARRAY
        && (matches!(column.converted_type(), ConvertedType::UTF8 | ConvertedType::JSON)
            || matches!(column.logical_type_ref(), Some(LogicalType::String | LogicalType::Json)))
}

/// Whether the reader compares the column's bytes with UTF-8.
pub(super) fn is_checked_text(column: &ColumnDescriptor) -> bool {
    is_text(column) && column.converted_type() == ConvertedType::UTF8
}

/// Whether the reader cuts the column's numbers to the bits that the annotation says.
fn is_narrow(column: &ColumnDescriptor) -> bool {
    column.physical_type() == PhysicalType::INT32
        && matches!(
            column.converted_type(),
            ConvertedType::INT_8 | ConvertedType::INT_16 | ConvertedType::UINT_8 | ConvertedType::UINT_16
        )
}

/// Whether the reader checks text in this encoding only as a whole.
pub(super) fn is_delta(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY)
}

/// The footer without the file's Arrow schema, and without the annotations that the reader trusts.
fn plain(metadata: ParquetMetaData) -> ParquetMetaData {
    let file = metadata.file_metadata();
    let groups = metadata.row_groups();
    let is_unchecked = |leaf: usize, column: &ColumnDescriptor| {
        let has_delta = || groups.iter().any(|group| group.column(leaf).encodings().any(is_delta));
        is_narrow(column) || (is_text(column) && (!is_checked_text(column) || has_delta()))
    };
    let columns = file.schema_descr().columns().iter().enumerate();
    let unchecked: HashSet<usize> =
        columns.filter(|(leaf, column)| is_unchecked(*leaf, column)).map(|(leaf, _)| leaf).collect();
    let has_schema = file
        .key_value_metadata()
        .is_some_and(|pairs| pairs.iter().any(|pair| pair.key == ARROW_SCHEMA_META_KEY));
    if unchecked.is_empty() && !has_schema {
        return metadata;
    }
    let mut leaf = 0;
    let schema = with_leaves(&file.schema_descr().root_schema_ptr(), &mut |column| {
        let is_unchecked = unchecked.contains(&leaf);
        leaf += 1;
        is_unchecked.then(|| without_annotation(column, column.name()))
    });
    with_schema(metadata, schema)
}

/// The footer in which a column of bytes that the table says is text has another name.
///
/// # Arguments
/// * `texts` - the names of the table's text columns.
pub(super) fn for_table(metadata: Arc<ParquetMetaData>, texts: &HashSet<String>) -> Arc<ParquetMetaData> {
    let root = metadata.file_metadata().schema_descr().root_schema_ptr();
    let is_bytes = |column: &Type| {
        let info = column.get_basic_info();
        column.is_primitive()
            && column.get_physical_type() == PhysicalType::BYTE_ARRAY
            && !matches!(info.converted_type(), ConvertedType::UTF8 | ConvertedType::DECIMAL)
    };
    let is_renamed = |column: &Type| is_bytes(column) && texts.contains(column.name());
    if !root.get_fields().iter().any(|column| is_renamed(column)) {
        return metadata;
    }
    let fields = root.get_fields().iter().map(|column| match is_renamed(column) {
        true => without_annotation(column, &name_as_bytes(column.name())),
        false => Arc::clone(column),
    });
    let root = Type::GroupType { basic_info: root.get_basic_info().clone(), fields: fields.collect() };
    Arc::new(with_schema(Arc::unwrap_or_clone(metadata), Arc::new(root)))
}

fn with_schema(metadata: ParquetMetaData, schema: TypePtr) -> ParquetMetaData {
    let file = metadata.file_metadata();
    let pairs = file.key_value_metadata().map(|pairs| {
        pairs.iter().filter(|pair| pair.key != ARROW_SCHEMA_META_KEY).cloned().collect::<Vec<_>>()
    });
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        pairs,
        Arc::new(SchemaDescriptor::new(schema)),
        file.column_orders().cloned(),
    );
    let (columns, offsets) = (metadata.column_index().cloned(), metadata.offset_index().cloned());
    let row_groups = metadata.into_builder().take_row_groups();
    ParquetMetaDataBuilder::new(file)
        .set_row_groups(row_groups)
        .set_column_index(columns)
        .set_offset_index(offsets)
        .build()
}

/// The same tree with other leaves in some places.
fn with_leaves(tree: &TypePtr, other: &mut dyn FnMut(&Type) -> Option<TypePtr>) -> TypePtr {
    match tree.as_ref() {
        Type::PrimitiveType { .. } => other(tree).unwrap_or_else(|| Arc::clone(tree)),
        Type::GroupType { basic_info, fields } => {
            let fields = fields.iter().map(|field| with_leaves(field, other)).collect();
            Arc::new(Type::GroupType { basic_info: basic_info.clone(), fields })
        }
    }
}

/// A column without annotation, otherwise the same.
fn without_annotation(column: &Type, name: &str) -> TypePtr {
    let info = column.get_basic_info();
    let mut builder = Type::primitive_type_builder(name, column.get_physical_type());
    if info.has_repetition() {
        builder = builder.with_repetition(info.repetition());
    }
    let built = builder.with_id(info.has_id().then(|| info.id())).build();
    // A column of numbers or bytes without annotation can always be built.
    built.map_or_else(|_| Arc::new(column.clone()), Arc::new)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    /// A list of so many elements, each with these bytes.
    fn list(head: u8, count: usize, element: &[u8]) -> Vec<u8> {
        let mut bytes = vec![head, 0xfc];
        let mut left = count;
        while left >= 0x80 {
            bytes.push(u8::try_from(left & 0x7f).unwrap() | 0x80);
            left >>= 7;
        }
        bytes.push(u8::try_from(left).unwrap());
        bytes.extend(element.repeat(count));
        bytes
    }

    fn refusal(schema: &[u8], rest: &[u8]) -> String {
        let footer = [&[0x15, 0x02], schema, &[0x16, 0x00], rest, &[0x00]].concat();
        decode(&footer).unwrap_err().to_string()
    }

    /// An element `a` with one child.
    const WITH_CHILD: &[u8] = &[0x35, 0x00, 0x18, 1, b'a', 0x15, 0x02, 0x00];

    #[test]
    fn columns_that_are_nested_without_end_are_refused_before_anybody_follows_them() {
        let told = refusal(&list(0x19, 200_000, WITH_CHILD), &[]);
        assert!(told.contains("nested too deeply"), "{told}");
    }

    #[test]
    fn lists_that_announce_more_than_follows_are_refused_before_memory_is_reserved() {
        // Two billion row groups, and fewer than follow bytes but more than a file may have.
        let announced = [0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07];
        assert!(refusal(&list(0x19, 1, WITH_CHILD), &announced).contains("broken"));
        let many = list(0x19, 40_000, &[0x00]);
        assert!(refusal(&list(0x19, 1, WITH_CHILD), &many).contains("too many row groups"));
    }

    #[test]
    fn values_of_a_fixed_length_of_gigabytes_are_refused() {
        // Type 7, length 2^31 - 1.
        let element = [0x15, 0x0e, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x15, 0x00, 0x18, 1, b'a', 0x00];
        assert!(refusal(&list(0x19, 1, &element), &[]).contains("fixed length"));
    }

    #[test]
    fn a_field_of_another_type_than_the_format_says_is_refused() {
        // The list of row groups as a structure.
        assert!(refusal(&list(0x19, 1, WITH_CHILD), &[0x1c, 0x00]).contains("broken"));
    }
}
