//! Tables that are damaged or point out of their folder, tried one after the other.

use super::TableFiles;
use super::lake::{Lake, prefix};
use super::schema::TableSchema;
use super::writer::{field, metadata, plain_protocol};

/// What the server answers on the way besides: the query that proves that it goes on.
const CONTROL: &str = "sales/region/";

/// A table that must be refused.
pub(crate) struct Case {
    /// Also the table's name.
    pub(crate) name: String,
    pub(crate) files: TableFiles,
    /// As the table's owner entered it into the catalog, before the damage.
    pub(crate) schema: TableSchema,
    /// The query, with `{}` in place of the table's name.
    pub(crate) sql: &'static str,
}

/// Brings each table and asserts that it is refused with one clear error, that the server goes on, and that nothing outside
/// the table's folder was asked of S3. All failures are told together.
pub(crate) async fn assert_all_refused(lake: &Lake, cases: Vec<Case>) {
    let mut problems = Vec::new();
    for case in cases {
        lake.add_with_schema(&case.name, &case.files, &case.schema).await;
        lake.sandbox.record_s3();
        if let Err(problem) = lake.refused(&case.name, case.sql).await {
            problems.push(format!("{}: {problem}", case.name));
        }
        problems.extend(strayed(lake, &case.name));
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// What was asked of S3 outside the table's folder, while it was recorded.
pub(crate) fn strayed(lake: &Lake, name: &str) -> Vec<String> {
    let folder = format!("{}/", prefix(name));
    let requests = lake.sandbox.recorded_s3();
    if !requests.iter().any(|request| request.key.starts_with(&folder)) {
        return vec![format!("{name}: nothing was asked of S3 at all, so this case shows nothing")];
    }
    let outside = requests
        .iter()
        .filter(|request| !request.key.starts_with(&folder) && !request.key.starts_with(CONTROL));
    outside.map(|request| format!("{name}: asked for {request:?}")).collect()
}

/// Schema of a table with one column `id`.
pub(crate) fn id_schema() -> TableSchema {
    let actions = [plain_protocol(), metadata(&[field("id", "long")], &[], serde_json::json!({}))];
    TableSchema::of(&super::writer::TableWriter::new(&actions).finish()).unwrap()
}
