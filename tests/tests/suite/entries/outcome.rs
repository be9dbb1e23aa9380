//! An answer in one line: the code and text of a refusal, or rows and columns.

use arrow::array::RecordBatch;
use arrow::ipc::convert::try_schema_from_ipc_buffer;
use arrow::util::display::array_value_to_string;

use crate::non_interference::Transcript;

/// Rows of which the first column is shown.
const FEW: usize = 8;

/// Characters of a value, and of a list of columns, that are shown.
const SHORT: usize = 24;
const LONG: usize = 120;

/// See the file's head.
pub(super) fn outcome(answer: &Transcript) -> String {
    if let Some((code, text)) = answer.refusal() {
        return format!("{code:?}: {}", text.replace('\n', " "));
    }
    match answer.batches() {
        Ok(batches) if !batches.is_empty() => rows(&batches),
        _ => without_rows(answer),
    }
}

fn rows(batches: &[RecordBatch]) -> String {
    let count: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let mut first: Vec<String> = batches.iter().flat_map(first_column).collect();
    first.sort();
    let schema = batches[0].schema();
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let values = if count <= FEW { format!(" [{}]", first.join(", ")) } else { String::new() };
    format!("{count} rows{values}: {}", cut(&columns.join(", "), LONG))
}

fn first_column(batch: &RecordBatch) -> Vec<String> {
    let column = batch.column(0);
    (0..batch.num_rows()).map(|row| cut(&array_value_to_string(column, row).unwrap(), SHORT)).collect()
}

/// What came back where no rows were sent: a schema, or results of an action.
fn without_rows(answer: &Transcript) -> String {
    let of = |name: &str| answer.parts.iter().filter(|part| part.place == name).collect::<Vec<_>>();
    if let [schema] = of("GetSchema, schema").as_slice() {
        let schema = try_schema_from_ipc_buffer(&schema.content);
        let names =
            schema.map(|schema| schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>());
        return format!("columns: {}", cut(&names.unwrap_or_default().join(", "), LONG));
    }
    let results = of("DoAction, result").len() + of("DoPut, result").len();
    match of("CreatePreparedStatement, handle").len() {
        0 => format!("answered, {results} results"),
        _ => "a handle".to_owned(),
    }
}

fn cut(text: &str, characters: usize) -> String {
    let text = text.replace('\n', " ");
    match text.chars().count() > characters {
        true => text.chars().take(characters).chain("…".chars()).collect(),
        false => text,
    }
}
