//! Fuzz target of row filters: the language, and what a filter shows of a batch.
//!
//! The batch has a column of every kind that a filter may meet, among them those that it must refuse, with NULL, NaN and
//! both zeros in them. What is expected is not computed again; these hold for any filter:
//! - its limits, counted here on the tree, and its canonical text, which reads as the same tree;
//! - no row is shown both by a filter and by its negation;
//! - a row's verdict does not depend on the rows around it;
//! - a shown row would have survived pruning.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    Float32Array, Float64Array, Int8Array, Int32Array, Int64Array, RecordBatch, StringArray, StringViewArray,
    StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use datafusion::common::DFSchema;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::create_physical_expr;

use super::rows::RowPolicy;
use crate::access::filter::{self, ParsedFilter, RowFilter};

/// Written out again, because a limit that grows by mistake should be found.
const CHARACTERS: usize = 2048;
const NODES: usize = 256;
const LEVELS: usize = 33;
const PATH_NAMES: usize = 6;

/// Numbers the rows of [`BATCH`].
const ROW: &str = "row number";

/// Text is read as a filter. Other bytes: nothing to do.
pub(crate) fn row_filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let filter = match filter::parse(text) {
        Err(_) => return,
        Ok(ParsedFilter::AllRows) => {
            let words: Vec<String> = text.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
            assert_eq!(words, ["true"], "read as all rows");
            return;
        }
        Ok(ParsedFilter::Rows(filter)) => filter,
    };
    assert!(text.chars().count() <= CHARACTERS, "a filter of {} characters", text.chars().count());
    let mut nodes = 0;
    check_limits(&filter, 1, &mut nodes);
    assert!(nodes <= NODES, "a filter of {nodes} nodes");
    check_canonical(&filter);
    check_rows(&filter);
}

fn check_limits(filter: &RowFilter, level: usize, nodes: &mut usize) {
    *nodes += 1;
    assert!(level <= LEVELS, "a tree of {level} levels");
    let column = match filter {
        RowFilter::And(operands) | RowFilter::Or(operands) => {
            assert!(operands.len() > 1, "a chain of one");
            for operand in operands {
                assert!(
                    std::mem::discriminant(operand) != std::mem::discriminant(filter),
                    "a chain in a chain"
                );
                check_limits(operand, level + usize::from(needs_parentheses(operand, filter)), nodes);
            }
            return;
        }
        RowFilter::Not(operand) => {
            return check_limits(operand, level + 1 + usize::from(needs_parentheses(operand, filter)), nodes);
        }
        RowFilter::In { column, list } => {
            assert!(!list.is_empty(), "an empty list");
            column
        }
        RowFilter::Like { column, pattern } => {
            assert!(!pattern.contains('\\'), "a backslash in a pattern");
            column
        }
        RowFilter::Compare { column, .. }
        | RowFilter::Between { column, .. }
        | RowFilter::IsNull { column } => column,
    };
    assert!((1..=PATH_NAMES).contains(&column.names().len()), "a path of {} names", column.names().len());
    for name in column.names() {
        assert!(!name.is_empty() && *name == name.to_ascii_lowercase(), "a name that is empty or not folded");
    }
}

fn needs_parentheses(operand: &RowFilter, within: &RowFilter) -> bool {
    match within {
        RowFilter::And(_) => matches!(operand, RowFilter::Or(_)),
        RowFilter::Not(_) => matches!(operand, RowFilter::And(_) | RowFilter::Or(_)),
        _ => false,
    }
}

/// The canonical text may be longer than a filter may be, and is then not read again.
fn check_canonical(filter: &RowFilter) {
    let canonical = filter.canonical();
    if canonical.chars().count() > CHARACTERS {
        return;
    }
    match filter::parse(&canonical) {
        Ok(ParsedFilter::Rows(again)) => {
            assert!(again == *filter, "the canonical text reads as another filter: {canonical}");
            assert_eq!(again.canonical(), canonical);
        }
        Ok(ParsedFilter::AllRows) => unreachable!("the canonical text hides nothing: {canonical}"),
        Err(error) => unreachable!("the canonical text is refused: {canonical}: {error}"),
    }
}

fn check_rows(filter: &RowFilter) {
    let compiled = |filter: &RowFilter| RowPolicy::compile(Some(filter), &[], BATCH.schema_ref());
    let Ok(policy) = compiled(filter) else { return };
    let shown = shown(&policy, &BATCH);
    let negated = compiled(&RowFilter::Not(Box::new(filter.clone())));
    let Ok(negated) = negated else { unreachable!("the negation of a filter is refused") };
    let shown_by_negation = self::shown(&negated, &BATCH);
    assert!(shown.iter().all(|row| !shown_by_negation.contains(row)), "a row is shown both ways");

    let (first, second) = (BATCH.slice(0, 3), BATCH.slice(3, BATCH.num_rows() - 3));
    let in_two = [self::shown(&policy, &first), self::shown(&policy, &second)].concat();
    assert_eq!(in_two, shown, "a row's verdict depends on its neighbours");

    let survivors = pruned(&policy);
    assert!(shown.iter().all(|row| survivors.contains(row)), "pruning loses a shown row");
}

fn shown(policy: &RowPolicy, batch: &RecordBatch) -> Vec<i32> {
    match policy.apply(batch, None) {
        Ok(kept) => rows_of(&kept),
        Err(error) => unreachable!("a compiled filter fails on its own schema: {}", error.internal_text()),
    }
}

/// The rows that meet the condition for pruning.
fn pruned(policy: &RowPolicy) -> Vec<i32> {
    let Some(condition) = policy.pruning_expr() else { unreachable!("a row filter prunes") };
    let condition = DFSchema::try_from(BATCH.schema_ref().as_ref().clone()).and_then(|schema| {
        let (properties, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        create_physical_expr(&condition, &schema, &properties, &planning)
    });
    let verdict = condition.and_then(|condition| condition.evaluate(&BATCH)?.into_array(BATCH.num_rows()));
    let kept = verdict.and_then(|verdict| Ok(filter_record_batch(&BATCH, verdict.as_boolean())?));
    match kept {
        Ok(kept) => rows_of(&kept),
        Err(error) => unreachable!("the condition for pruning fails: {error}"),
    }
}

fn rows_of(batch: &RecordBatch) -> Vec<i32> {
    let numbers = batch.column_by_name(ROW).map(|column| column.as_primitive::<Int32Type>());
    numbers.map(|numbers| numbers.values().to_vec()).unwrap_or_default()
}

/// Seven rows.
static BATCH: LazyLock<RecordBatch> = LazyLock::new(|| {
    const TEXTS: [Option<&str>; 7] =
        [Some("US"), Some("us"), Some(""), None, Some("50%_\\"), Some("Uü\u{1f600}"), Some("2026-01-31")];
    const IDS: [Option<i64>; 7] =
        [Some(0), Some(1), Some(-1), None, Some(i64::MAX), Some(i64::MIN), Some(23)];
    let small = |id: Option<i64>| id.map(|id| i32::try_from(id.clamp(i32::MIN.into(), i32::MAX.into())));
    let years: Int32Array = IDS.into_iter().map(|id| small(id).and_then(Result::ok)).collect();
    let floats = [Some(0.0), Some(-0.0), Some(f64::NAN), None, Some(f64::INFINITY), Some(1.5), Some(-1e300)];
    let singles =
        [Some(0.0), Some(-0.0), Some(f32::NAN), None, Some(f32::NEG_INFINITY), Some(1.5), Some(0.1)];
    let amounts = [Some(0), Some(9_999_999_999), Some(-9_999_999_999), None, Some(150), Some(1), Some(-1)];
    let decimals = |precision, scale| {
        let array = Decimal128Array::from(amounts.to_vec()).with_precision_and_scale(precision, scale);
        array.unwrap_or_else(|_| unreachable!("the amounts have ten digits"))
    };
    let dates = [Some(0), Some(20_484), Some(-1), None, Some(i32::MAX), Some(i32::MIN), Some(19_723)];
    let is_active = vec![Some(true), Some(false), None, Some(true), Some(false), None, Some(true)];
    let columns: Vec<(&str, ArrayRef)> = vec![
        (ROW, Arc::new(Int32Array::from_iter_values(0..7))),
        ("id", Arc::new(Int64Array::from(IDS.to_vec()))),
        ("year", Arc::new(years)),
        (
            "tiny",
            Arc::new(Int8Array::from(vec![Some(0), Some(127), Some(-128), None, Some(1), None, Some(5)])),
        ),
        ("amount", Arc::new(decimals(12, 2))),
        ("big", Arc::new(decimals(38, 0))),
        ("score", Arc::new(Float64Array::from(floats.to_vec()))),
        ("ratio", Arc::new(Float32Array::from(singles.to_vec()))),
        ("active", Arc::new(BooleanArray::from(is_active))),
        ("dt", Arc::new(Date32Array::from(dates.to_vec()))),
        ("country", Arc::new(StringArray::from(TEXTS.to_vec()))),
        ("Name", Arc::new(StringViewArray::from(TEXTS.to_vec()))),
        ("kind", Arc::new(DictionaryArray::<Int32Type>::from_iter(TEXTS))),
        ("customer", Arc::new(customers(&IDS, &TEXTS))),
        ("seen", Arc::new(TimestampMicrosecondArray::from(IDS.to_vec()))),
        ("raw", Arc::new(BinaryArray::from(vec![None::<&[u8]>; 7]))),
        ("and", Arc::new(Int64Array::from(IDS.to_vec()))),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    match RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays) {
        Ok(batch) => batch,
        Err(error) => unreachable!("{error}"),
    }
});

/// Structs with a struct in them. One is NULL, with values below it that must not be seen.
fn customers(ids: &[Option<i64>], zips: &[Option<&str>]) -> StructArray {
    let zip = Arc::new(Field::new("Zip", DataType::Utf8, true));
    let zips: ArrayRef = Arc::new(StringArray::from(zips.to_vec()));
    let addresses: ArrayRef = Arc::new(StructArray::from(vec![(zip, zips)]));
    let ids: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
    let fields = vec![
        Field::new("customerid", DataType::Int64, true),
        Field::new("address", addresses.data_type().clone(), true),
    ];
    let is_there = NullBuffer::from(vec![true, false, true, true, true, true, false]);
    StructArray::new(fields.into(), vec![ids, addresses], Some(is_there))
}
