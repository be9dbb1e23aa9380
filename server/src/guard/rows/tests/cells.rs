//! Cells that are hidden in rows that are shown.

use arrow::array::{MapBuilder, StringBuilder, UInt16DictionaryArray};
use arrow::util::display::array_value_to_string;

use super::refusals::holds;
use super::*;

/// A policy with filters of some columns, by name.
fn policy(rows: Option<&str>, cells: &[(&str, &str)], schema: &Schema) -> Result<RowPolicy, RowPolicyError> {
    let rows = rows.map(row_filter);
    let cells: Vec<(usize, RowFilter)> =
        cells.iter().map(|(column, text)| (schema.index_of(column).unwrap(), row_filter(text))).collect();
    let cells: Vec<(usize, &RowFilter)> = cells.iter().map(|(column, filter)| (*column, filter)).collect();
    RowPolicy::compile(rows.as_ref(), &cells, schema)
}

/// What a policy shows of a batch, a text for each row.
fn shown_cells(rows: Option<&str>, cells: &[(&str, &str)], batch: &RecordBatch) -> Vec<String> {
    let shown = policy(rows, cells, batch.schema_ref()).unwrap().apply(batch, None).unwrap();
    let cell = |column: &ArrayRef, row: usize| match column.is_null(row) {
        true => "-".to_owned(),
        false => array_value_to_string(column, row).unwrap(),
    };
    (0..shown.num_rows())
        .map(|row| shown.columns().iter().map(|column| cell(column, row)).collect::<Vec<_>>().join(" "))
        .collect()
}

fn staff() -> RecordBatch {
    batch(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3, 4]))),
        ("country", Arc::new(StringViewArray::from(vec![Some("FR"), Some("DE"), None, Some("US")]))),
        ("salary", Arc::new(Int64Array::from(vec![Some(10), Some(20), Some(30), None]))),
    ])
}

#[test]
fn a_cell_is_shown_where_its_filter_is_true_and_null_where_it_is_not() {
    let expected = ["1 FR 10", "2 DE -", "3 - -", "4 US -"];
    assert_eq!(shown_cells(None, &[("salary", "country = 'FR'")], &staff()), expected);
    // Unknown hides, as false does.
    let expected = ["1 FR -", "2 DE 20", "3 - -", "4 US -"];
    assert_eq!(shown_cells(None, &[("salary", "NOT country = 'FR'")], &staff()), expected);
}

#[test]
fn rows_are_hidden_as_well_and_each_column_has_its_own_filter() {
    let cells = [("country", "id = 1 OR id = 3"), ("salary", "id = 1 OR id = 2")];
    assert_eq!(shown_cells(Some("id < 4"), &cells, &staff()), ["1 FR 10", "2 - 20", "3 - -"]);
}

#[test]
fn filters_read_what_the_table_has_and_not_what_other_filters_leave() {
    // Each column is hidden by the other one, and one by itself.
    let cells = [("country", "salary = 10"), ("salary", "country = 'DE'"), ("id", "id = 2")];
    assert_eq!(shown_cells(None, &cells, &staff()), ["- FR -", "2 - 20", "- - -", "- - -"]);
}

#[test]
fn a_cell_filter_without_a_single_meaning_is_refused() {
    for (text, refusal) in [
        ("unknown = 1", RowPolicyError::UnknownColumn),
        ("country = 1", RowPolicyError::ConstantType),
        ("id LIKE 'x'", RowPolicyError::Operator),
    ] {
        assert_eq!(policy(None, &[("salary", text)], staff().schema_ref()).err(), Some(refusal), "{text}");
    }
}

/// The visible value and the hidden one in every layout, each as a column of two rows.
fn layouts() -> Vec<(&'static str, ArrayRef)> {
    let texts = vec!["a visible and rather long text", "a canary, hidden and rather long"];
    let views: ArrayRef = Arc::new(StringViewArray::from(texts.clone()));
    let inner = Arc::new(Field::new("inner", DataType::Utf8View, false));
    let structure: ArrayRef = Arc::new(StructArray::from(vec![(inner, Arc::clone(&views))]));
    let item = Arc::new(Field::new_list_field(structure.data_type().clone(), false));
    let lengths = arrow::buffer::OffsetBuffer::from_lengths([1, 1]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for text in &texts {
        map.keys().append_value(text);
        map.values().append_value(text);
        map.append(true).unwrap();
    }
    let binary: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
    vec![
        ("text", Arc::new(StringArray::from(texts.clone()))),
        ("large", Arc::new(LargeStringArray::from(texts.clone()))),
        ("binary", Arc::new(BinaryArray::from(binary))),
        ("dictionary", Arc::new(texts.iter().copied().collect::<UInt16DictionaryArray>())),
        ("list", Arc::new(ListArray::new(item, lengths, Arc::clone(&structure), None))),
        ("structure", structure),
        ("map", Arc::new(map.finish())),
        ("views", views),
    ]
}

#[test]
fn no_buffer_holds_what_a_hidden_cell_held() {
    let mut columns = layouts();
    columns.push(("id", Arc::new(Int64Array::from(vec![1, 2]))));
    let batch = batch(columns);
    let names: Vec<&str> = layouts().into_iter().map(|(name, _)| name).collect();
    let cells: Vec<(&str, &str)> = names.iter().map(|name| (*name, "id = 1")).collect();
    for rows in [None, Some("id < 3")] {
        let shown = policy(rows, &cells, batch.schema_ref()).unwrap().apply(&batch, None).unwrap();
        assert_eq!(shown.num_rows(), 2);
        assert_eq!(shown.schema(), batch.schema());
        for name in &names {
            let column = shown.column_by_name(name).unwrap();
            assert!(holds(column, "visible"), "{name}");
            assert!(!holds(column, "canary"), "{name}");
            assert_eq!((column.is_null(0), column.is_null(1)), (false, true), "{name}");
        }
    }
}

#[test]
fn no_slot_holds_the_number_of_a_hidden_cell() {
    let shown = policy(None, &[("salary", "id = 1")], staff().schema_ref()).unwrap();
    let shown = shown.apply(&staff(), None).unwrap();
    assert_eq!(
        shown.column(2).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec(),
        [10, 0, 0, 0]
    );
}

#[test]
fn a_predicate_of_the_user_leaves_rows_out_before_their_cells_are_hidden() {
    let batch = staff();
    let schema = DFSchema::try_from(batch.schema_ref().as_ref().clone()).unwrap();
    let predicate = datafusion::logical_expr::col("id").gt(datafusion::logical_expr::lit(2_i64));
    let (properties, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
    let predicate = create_physical_expr(&predicate, &schema, &properties, &planning).unwrap();
    let policy = policy(None, &[("salary", "id = 3")], batch.schema_ref()).unwrap();
    let shown = policy.apply(&batch, Some(&predicate)).unwrap();
    assert_eq!(shown.num_rows(), 2);
    assert_eq!(shown.column(2).null_count(), 1);
}

#[test]
fn where_all_rows_are_shown_there_is_nothing_to_leave_files_out_by() {
    let policy = policy(None, &[("salary", "id = 3")], staff().schema_ref()).unwrap();
    assert!(policy.pruning_expr().is_none());
}
