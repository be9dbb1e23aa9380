//! The sample tables written to a local folder and read back, file by file.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::lake::{hr, tpch};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use object_store::ObjectStoreExt;
use object_store::local::LocalFileSystem;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

struct Bucket(TempDir);

impl Bucket {
    fn new() -> Bucket {
        Bucket(TempDir::new().unwrap())
    }

    /// A `file` location: unlike S3, a folder lists its files in no order, and only Delta's handling of
    /// that scheme makes up for it.
    fn log_store(&self, sample: &SampleTable) -> LogStoreRef {
        let folder = self.0.path().join(sample.database).join(sample.name);
        let location = Url::from_directory_path(folder).unwrap();
        log_store(Arc::new(LocalFileSystem::new()), location.as_str()).unwrap()
    }

    async fn write(&self, sample: SampleTable) -> (WrittenTable, DeltaTable) {
        let log_store = self.log_store(&sample);
        let written = write(Arc::clone(&log_store), sample).await.unwrap();
        let mut table = DeltaTable::new(log_store);
        table.load().await.unwrap();
        (written, table)
    }
}

fn tables(scale: f64) -> impl Iterator<Item = SampleTable> {
    tpch::tables(scale).into_iter().chain(hr::tables())
}

fn table(name: &str, scale: f64) -> SampleTable {
    tables(scale).find(|sample| sample.name == name).unwrap()
}

/// Path below the table and rows of every file that the newest version names.
async fn data_files(table: &DeltaTable) -> Vec<(String, Vec<RecordBatch>)> {
    let files: Vec<String> =
        table.snapshot().unwrap().log_data().into_iter().map(|file| file.path().to_string()).collect();
    let mut contents = Vec::new();
    for file in files {
        let store = table.object_store();
        let path = Path::from_url_path(&file).unwrap();
        let bytes = store.get(&path).await.unwrap().bytes().await.unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
        contents.push((file, reader.map(Result::unwrap).collect()));
    }
    contents
}

fn rows(files: &[(String, Vec<RecordBatch>)]) -> usize {
    files.iter().flat_map(|(_, batches)| batches).map(RecordBatch::num_rows).sum()
}

#[tokio::test]
async fn every_table_has_the_row_count_of_its_scale_factor() {
    let at_one_thousandth = [
        ("region", 5),
        ("nation", 25),
        ("supplier", 10),
        ("customer", 150),
        ("part", 200),
        ("partsupp", 800),
        ("orders", 1_500),
        ("lineitem", 6_005),
        ("departments", 8),
        ("employees", 10_000),
    ];
    let bucket = Bucket::new();
    for (sample, (name, expected)) in tables(0.001).zip(at_one_thousandth) {
        assert_eq!(sample.name, name);
        let (written, table) = bucket.write(sample).await;
        let files = data_files(&table).await;
        assert_eq!(rows(&files), expected, "{name}");
        assert_eq!(written.rows, expected as u64, "{name}");
        assert_eq!(written.files, files.len(), "{name}");
    }
}

#[tokio::test]
async fn a_larger_scale_factor_yields_more_rows_and_still_several_files() {
    let bucket = Bucket::new();
    for (name, expected) in [("lineitem", 60_175), ("orders", 15_000), ("partsupp", 8_000)] {
        let (written, table) = bucket.write(table(name, 0.01)).await;
        assert_eq!(rows(&data_files(&table).await), expected, "{name}");
        assert!(written.files >= 2, "{name}");
    }
}

#[tokio::test]
async fn customers_are_partitioned_by_market_segment() {
    let bucket = Bucket::new();
    let (_, table) = bucket.write(table("customer", 0.001)).await;
    assert_eq!(table.snapshot().unwrap().metadata().partition_columns(), ["c_mktsegment"]);

    let files = data_files(&table).await;
    let mut segments: Vec<&str> = files.iter().filter_map(|(path, _)| path.split('/').next()).collect();
    segments.sort_unstable();
    let expected = ["AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY"];
    assert_eq!(segments, expected.map(|segment| format!("c_mktsegment={segment}")));
    for (path, batches) in &files {
        assert!(batches[0].column_by_name("c_mktsegment").is_none(), "{path}");
    }
}

#[tokio::test]
async fn files_carry_statistics_and_no_view_types() {
    let bucket = Bucket::new();
    let (_, table) = bucket.write(table("employees", 0.001)).await;
    for (path, batches) in data_files(&table).await {
        for field in batches[0].schema().fields() {
            assert_ne!(field.data_type(), &DataType::Utf8View, "{path} {}", field.name());
        }
    }
    let mut ranges: Vec<(i64, i64)> = table
        .snapshot()
        .unwrap()
        .add_actions_batches(true)
        .unwrap()
        .iter()
        .flat_map(|batch| {
            let bound = |name: &str| {
                batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec()
            };
            bound("min.id").into_iter().zip(bound("max.id")).collect::<Vec<_>>()
        })
        .collect();
    ranges.sort_unstable();
    assert_eq!(ranges, [(1, 5_000), (5_001, 10_000)]);
}

#[tokio::test]
async fn a_location_that_holds_a_table_is_not_written_again() {
    let bucket = Bucket::new();
    let (_, first) = bucket.write(table("region", 0.001)).await;
    let again = table("region", 0.001);
    let error = write(bucket.log_store(&again), again).await.unwrap_err();
    assert!(matches!(error, SeedError::Delta(_)), "{error}");

    let mut reopened = DeltaTable::new(first.log_store());
    reopened.load().await.unwrap();
    assert_eq!(reopened.version(), Some(1));
}
