//! Golden outputs of every format, and the errors of writing.
#![expect(clippy::unwrap_used, reason = "a failed write fails the test")]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array,
    Int64Array, ListArray, NullArray, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int32Type, Int64Type, Schema};
use arrow::ipc::reader::{FileReader, StreamReader};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

const PLAIN: Layout = Layout {
    max_width: None,
    screen_width: None,
    expanded: Expanded::Off,
    limit_rows: None,
    to_terminal: false,
};

fn plan(format: Format, file: &str, layout: Layout) -> OutputPlan {
    OutputPlan { format, file: Some(PathBuf::from(file)), follows: false, layout, screen: None }
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

fn strings(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(values.iter().collect::<StringArray>())
}

fn integers(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(values.iter().collect::<Int64Array>())
}

fn people() -> RecordBatch {
    batch(vec![
        ("id", integers(&[Some(1), Some(20)])),
        ("name", strings(&[Some("Ann"), None])),
        (
            "pay",
            Arc::new(Decimal128Array::from(vec![Some(1050), None]).with_precision_and_scale(9, 2).unwrap()),
        ),
        ("active", Arc::new(BooleanArray::from(vec![Some(true), Some(false)]))),
    ])
}

fn wide_types() -> RecordBatch {
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), Some(vec![])]);
    let word: DictionaryArray<Int32Type> = vec![Some("a"), None].into_iter().collect();
    let seen = TimestampMicrosecondArray::from(vec![Some(1_700_000_000_123_456), None]).with_timezone("UTC");
    batch(vec![
        ("list", Arc::new(list)),
        ("word", Arc::new(word)),
        ("seen", Arc::new(seen)),
        ("day", Arc::new(Date32Array::from(vec![Some(0), None]))),
        ("raw", Arc::new(BinaryArray::from_opt_vec(vec![Some(&[0xca, 0xfe]), None]))),
        ("ratio", Arc::new(Float64Array::from(vec![Some(0.5), Some(f64::NAN)]))),
        ("nothing", Arc::new(NullArray::new(2))),
    ])
}

fn out_of_calendar() -> RecordBatch {
    let time = TimestampMicrosecondArray::from(vec![i64::MAX]).with_timezone("UTC");
    batch(vec![("seen", Arc::new(time))])
}

fn table(batches: &[RecordBatch], layout: Layout) -> String {
    let mut writer = TableWriter::new(Vec::new(), &batches[0].schema(), layout);
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.write_sample().unwrap();
    String::from_utf8(writer.finish()).unwrap()
}

fn markdown(batches: &[RecordBatch]) -> String {
    let mut writer = MarkdownWriter::new(Vec::new(), &batches[0].schema()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    String::from_utf8(writer.finish()).unwrap()
}

fn csv(batches: &[RecordBatch]) -> String {
    let mut writer = CsvWriter::new(Vec::new(), &batches[0].schema()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    String::from_utf8(writer.finish()).unwrap()
}

fn json(batches: &[RecordBatch]) -> String {
    let mut writer = JsonWriter::new(Vec::new());
    for batch in batches {
        writer.write(batch).unwrap();
    }
    String::from_utf8(writer.finish()).unwrap()
}

#[test]
fn a_table_aligns_numbers_right_and_shows_null() {
    assert_eq!(
        table(&[people()], PLAIN),
        "\
id | name |   pay | active
---+------+-------+-------
 1 | Ann  | 10.50 | true
20 | NULL |  NULL | false
"
    );
}

#[test]
fn a_table_without_rows_still_has_its_header() {
    assert_eq!(table(&[people().slice(0, 0)], PLAIN), "id | name | pay | active\n---+------+-----+-------\n");
}

#[test]
fn a_table_counts_columns_of_the_screen_and_not_bytes() {
    let text = strings(&[Some("東京"), Some("Zürich")]);
    let rows = batch(vec![("city", text), ("n", integers(&[Some(1), Some(2)]))]);
    assert_eq!(table(&[rows], PLAIN), "city   | n\n-------+--\n東京   | 1\nZürich | 2\n");
}

#[test]
fn a_table_shows_control_characters_as_escapes() {
    let text = strings(&[Some("a\nb\u{1b}[2J")]);
    assert_eq!(table(&[batch(vec![("x", text)])], PLAIN), "x\n-------------\na\\nb\\u{1b}[2J\n");
}

#[test]
fn a_table_cuts_cells_visibly_at_the_width_limit() {
    let layout = Layout { max_width: Some(5), ..PLAIN };
    let text = strings(&[Some("abcde"), Some("abcdef"), Some("東京都区")]);
    assert_eq!(table(&[batch(vec![("long header", text)])], layout), "long…\n-----\nabcde\nabcd…\n東京…\n");
}

#[test]
fn a_table_stops_at_the_row_limit_and_tells_that_there_was_more() {
    let plan = plan(Format::Table, "/dev/null", Layout { limit_rows: Some(3), ..PLAIN });
    let mut writer = ResultWriter::open(&plan, &people().schema()).unwrap();
    assert_eq!(writer.write(&people()).unwrap(), Appetite::More);
    assert_eq!(writer.write(&people()).unwrap(), Appetite::Full);
    assert_eq!(writer.finish().unwrap().rows, 3);
}

#[test]
fn a_row_limit_that_is_met_exactly_is_not_called_cut_off() {
    let plan = plan(Format::Table, "/dev/null", Layout { limit_rows: Some(2), ..PLAIN });
    let mut writer = ResultWriter::open(&plan, &people().schema()).unwrap();
    assert_eq!(writer.write(&people()).unwrap(), Appetite::More);
    assert_eq!(writer.write(&people().slice(0, 0)).unwrap(), Appetite::More);
}

#[test]
fn a_long_table_streams_with_the_widths_of_its_first_rows_and_loses_no_value() {
    let narrow = batch(vec![("x", strings(&[Some("a"); 1000])), ("y", strings(&[Some("b"); 1000]))]);
    let wide = batch(vec![("x", strings(&[Some("wider")])), ("y", strings(&[Some("b")]))]);
    let mut writer = TableWriter::new(Vec::new(), &narrow.schema(), PLAIN);
    writer.write(&narrow).unwrap();
    writer.write(&wide).unwrap();
    let text = String::from_utf8(writer.finish()).unwrap();
    assert_eq!(text.lines().count(), 2 + 1000 + 1);
    assert_eq!(text.lines().last(), Some("wider | b"));
}

#[test]
fn a_table_fits_the_screen_by_cutting_text_and_never_a_number() {
    let text = "x".repeat(100);
    let rows = batch(vec![
        ("id", integers(&[Some(i64::MAX)])),
        ("name", strings(&[Some(&text)])),
        ("note", strings(&[Some("short")])),
    ]);
    let shown = table(&[rows], Layout { screen_width: Some(50), ..PLAIN });
    assert!(shown.lines().all(|line| line.chars().count() <= 50), "{shown}");
    assert!(shown.contains("9223372036854775807 | xxx") && shown.contains("x… | short"), "{shown}");
}

#[test]
fn columns_that_do_not_fit_the_screen_are_left_out_visibly_and_counted() {
    let columns = (0..20).map(|_| ("column", strings(&[Some("0123456789")])));
    let names: Vec<String> = (0..20).map(|number| format!("column_{number}")).collect();
    let columns: Vec<_> =
        names.iter().zip(columns).map(|(name, (_, values))| (name.as_str(), values)).collect();
    let rows = batch(columns);
    let mut writer = TableWriter::new(Vec::new(), &rows.schema(), Layout { screen_width: Some(60), ..PLAIN });
    writer.write(&rows).unwrap();
    writer.write_sample().unwrap();
    assert_eq!(writer.hidden_columns(), 16);
    let shown = String::from_utf8(writer.finish()).unwrap();
    assert!(shown.starts_with("column_0   | column_1   | … | column_18  | column_19\n"), "{shown}");
}

#[test]
fn an_expanded_table_has_a_line_for_each_value() {
    let layout = Layout { expanded: Expanded::On, ..PLAIN };
    assert_eq!(
        table(&[people(), people().slice(0, 0)], layout),
        "\
-[ row 1 ]-
id     | 1
name   | Ann
pay    | 10.50
active | true
-[ row 2 ]-
id     | 20
name   | NULL
pay    | NULL
active | false
"
    );
}

#[test]
fn a_table_expands_by_itself_when_it_is_told_to_and_does_not_fit() {
    let layout = Layout { expanded: Expanded::Auto, screen_width: Some(40), ..PLAIN };
    assert!(table(&[people()], layout).starts_with("id | name"));
    let narrow = Layout { screen_width: Some(20), ..layout };
    let shown = table(&[people()], narrow);
    assert!(shown.starts_with("-[ row 1 ]") && shown.contains("-[ row 2 ]"), "{shown}");
}

#[test]
fn markdown_shows_every_value_as_it_is() {
    assert_eq!(
        markdown(&[people()]),
        "\
| id | name | pay | active |
| ---: | --- | ---: | --- |
| 1 | Ann | 10.50 | true |
| 20 | *NULL* | *NULL* | false |
"
    );
    let odd = strings(&[Some("a|b *c* <i> n_name _x_ l1\nl2 \u{1b}"), None]);
    assert_eq!(
        markdown(&[batch(vec![("odd_name", odd)])]),
        "| odd_name |\n| --- |\n\
         | a\\|b \\*c\\* &lt;i&gt; n_name \\_x\\_ l1<br>l2 \\u{1b} |\n| *NULL* |\n"
    );
}

#[test]
fn a_second_table_in_the_same_place_stands_apart_from_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rows.md");
    for follows in [false, true] {
        let plan = OutputPlan { follows, ..plan(Format::Markdown, path.to_str().unwrap(), PLAIN) };
        let mut writer = ResultWriter::open(&plan, &people().schema()).unwrap();
        writer.write(&people()).unwrap();
        writer.finish().unwrap();
    }
    let table = markdown(&[people()]);
    assert_eq!(std::fs::read_to_string(path).unwrap(), format!("{table}\n{table}"));
}

#[test]
fn csv_tells_null_from_empty_text() {
    assert_eq!(csv(&[people()]), "id,name,pay,active\n1,Ann,10.50,true\n20,,,false\n");
    let text = strings(&[Some(""), None]);
    let rows = batch(vec![("a", text), ("b", integers(&[Some(1), Some(2)]))]);
    assert_eq!(csv(&[rows]), "a,b\n\"\",1\n,2\n");
}

#[test]
fn csv_quotes_what_has_a_meaning_in_csv() {
    let text = strings(&[Some("a,b"), Some("say \"x\""), Some("l1\nl2"), Some("r\r")]);
    let rows = batch(vec![("odd,\"name\"", text)]);
    assert_eq!(csv(&[rows]), "\"odd,\"\"name\"\"\"\n\"a,b\"\n\"say \"\"x\"\"\"\n\"l1\nl2\"\n\"r\r\"\n");
}

#[test]
fn csv_never_writes_an_empty_line() {
    let rows = batch(vec![("a", strings(&[None, Some("x")]))]);
    assert_eq!(csv(&[rows]), "a\n\"\"\nx\n");
}

#[test]
fn csv_writes_every_type() {
    assert_eq!(
        csv(&[wide_types()]),
        "list,word,seen,day,raw,ratio,nothing\n\
         \"[1,null]\",a,2023-11-14T22:13:20.123456Z,1970-01-01,cafe,0.5,\n\
         [],,,,,NaN,\n"
    );
}

#[test]
fn csv_without_rows_is_its_header() {
    assert_eq!(csv(&[people().slice(0, 0)]), "id,name,pay,active\n");
}

#[test]
fn json_has_one_object_per_row_with_every_column_in_it() {
    assert_eq!(
        json(&[people()]),
        "{\"id\":1,\"name\":\"Ann\",\"pay\":10.50,\"active\":true}\n\
         {\"id\":20,\"name\":null,\"pay\":null,\"active\":false}\n"
    );
}

#[test]
fn json_writes_every_type() {
    assert_eq!(
        json(&[wide_types()]),
        "{\"list\":[1,null],\"word\":\"a\",\"seen\":\"2023-11-14T22:13:20.123456Z\",\
         \"day\":\"1970-01-01\",\"raw\":\"cafe\",\"ratio\":0.5,\"nothing\":null}\n\
         {\"list\":[],\"word\":null,\"seen\":null,\"day\":null,\"raw\":null,\"ratio\":null,\"nothing\":null}\n"
    );
}

#[test]
fn every_json_line_is_valid_json() {
    let odd = strings(&[Some("quote \" backslash \\ newline \n"), None]);
    let rows = batch(vec![("odd \"name\"", odd), ("n", integers(&[Some(i64::MAX), None]))]);
    for line in json(&[rows]).lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value.as_object().unwrap().len(), 2, "{line}");
    }
}

#[test]
fn a_time_that_no_calendar_has_is_an_error_and_not_a_text_in_the_output() {
    let rows = out_of_calendar();
    let schema = rows.schema();
    assert!(TableWriter::new(Vec::new(), &schema, PLAIN).write(&rows).is_err());
    assert!(CsvWriter::new(Vec::new(), &schema).unwrap().write(&rows).is_err());
    assert!(JsonWriter::new(Vec::new()).write(&rows).is_err());
    assert!(MarkdownWriter::new(Vec::new(), &schema).unwrap().write(&rows).is_err());
}

fn write_file(format: Format, name: &str, rows: &RecordBatch) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    let plan = plan(format, path.to_str().unwrap(), PLAIN);
    let mut writer = ResultWriter::open(&plan, &rows.schema()).unwrap();
    assert_eq!(writer.write(rows).unwrap(), Appetite::More);
    assert!(!path.exists());
    assert_eq!(writer.finish().unwrap().rows, rows.num_rows());
    (directory, path)
}

#[test]
fn a_parquet_file_reads_back_as_it_was_written() {
    for rows in [people(), people().slice(0, 0)] {
        let (_directory, path) = write_file(Format::Parquet, "rows.parquet", &rows);
        let file = std::fs::File::open(path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        assert_eq!(reader.schema().fields(), rows.schema().fields());
        let read: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
        assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), rows.num_rows());
        assert!(read.iter().all(|batch| *batch == rows));
    }
}

#[test]
fn an_arrow_file_reads_back_as_it_was_written() {
    let (_directory, path) = write_file(Format::Arrow, "rows.arrow", &wide_types());
    let file = std::fs::File::open(path).unwrap();
    let mut reader = FileReader::try_new(file, None).unwrap();
    let read = reader.next().unwrap().unwrap();
    assert_eq!(read.schema(), wide_types().schema());
    assert_eq!(read.num_rows(), 2);
    assert!(reader.next().is_none());
}

#[test]
fn an_arrow_stream_reads_back_as_it_was_written() {
    let mut writer = ArrowStreamWriter::new(Vec::new(), &people().schema()).unwrap();
    writer.write(&people()).unwrap();
    writer.write(&people()).unwrap();
    let bytes = writer.finish().unwrap();
    let read: Vec<_> = StreamReader::try_new(bytes.as_slice(), None).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, vec![people(), people()]);
}

#[test]
fn a_result_without_columns_is_written_in_every_text_format() {
    let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
    assert_eq!(table(std::slice::from_ref(&nothing), PLAIN), "");
    assert_eq!(csv(std::slice::from_ref(&nothing)), "\n");
    assert_eq!(json(std::slice::from_ref(&nothing)), "");
    assert_eq!(markdown(&[nothing]), "|\n|\n");
}

#[test]
fn a_closed_pipe_is_told_apart_from_other_write_errors() {
    let closed = io::Error::from(io::ErrorKind::BrokenPipe);
    let through_arrow = ArrowError::IoError(String::new(), io::Error::from(io::ErrorKind::BrokenPipe));
    let full = io::Error::from(io::ErrorKind::StorageFull);
    assert!(matches!(OutputError::from(closed), OutputError::ReaderGone));
    assert!(matches!(OutputError::from(through_arrow), OutputError::ReaderGone));
    assert!(matches!(OutputError::from(full), OutputError::Io(_)));
}
