//! The tables of the matrix: the same four rows in several states. Row 4 has a region that nobody is granted by name.

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::delta::TableFiles;
use crate::delta::grants::{Columns, Rows, Shown};
use crate::delta::lake::Lake;
use crate::delta::schema::TableSchema;
use crate::delta::vector;
use crate::delta::writer::{TableWriter, batch, field, longs, metadata, plain_protocol, protocol, strings};

/// In the order of the file.
pub(super) const NAMES: [&str; 7] =
    ["plain", "deleted", "split", "grown", "unreadable", "drifted", "nothing"];

const NORTH: &str = "region = 'north'";

/// A filter outside the documented language.
const UNREADABLE: &str = "upper(region) = 'NORTH'";

/// Brings all but the last, and grants them.
pub(super) async fn bring(lake: &Lake) {
    let states = [
        ("plain", plain(), NORTH),
        ("deleted", deleted(), NORTH),
        ("split", split(), NORTH),
        ("grown", grown(), NORTH),
        ("unreadable", plain(), UNREADABLE),
        ("drifted", plain(), NORTH),
    ];
    for (name, files, filter) in states {
        let mut schema = TableSchema::of(&files).unwrap();
        if name == "drifted" {
            schema.columns.retain(|column| column.name != "note");
        }
        lake.add_with_schema(name, &files, &schema).await;
        let rows = || Rows::Where(filter.to_owned());
        let but_secret = || Columns::AllBut(vec!["secret".to_owned()]);
        lake.grant("eu_analyst", name, Shown { rows: rows(), columns: Columns::All }).await;
        lake.grant("support", name, Shown { rows: Rows::All, columns: but_secret() }).await;
        lake.grant("hr_partner", name, Shown { rows: rows(), columns: but_secret() }).await;
        lake.grant_to_describe("auditor", name).await;
    }
}

fn fields() -> [Value; 4] {
    [field("id", "long"), field("note", "string"), field("region", "string"), field("secret", "string")]
}

fn rows(positions: &[usize], with_region: bool) -> RecordBatch {
    let ids: Vec<i64> = positions.iter().map(|position| [1, 2, 3, 4][*position]).collect();
    let text = |values: [&'static str; 4]| {
        strings(&positions.iter().map(|position| values[*position]).collect::<Vec<_>>())
    };
    let regions = [Some("north"), Some("south"), Some("north"), None];
    let regions: ArrayRef =
        Arc::new(positions.iter().map(|position| regions[*position]).collect::<StringArray>());
    let mut columns = vec![("id", longs(&ids)), ("note", text(["n1", "n2", "n3", "n4"]))];
    if with_region {
        columns.push(("region", regions));
    }
    columns.push(("secret", text(["s1", "s2", "s3", "s4"])));
    batch(&columns)
}

fn plain() -> TableFiles {
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields(), &[], json!({}))]);
    let action = table.data("part-0.parquet", &rows(&[0, 1, 2, 3], true));
    table.commit(&[action]);
    table.finish()
}

fn deleted() -> TableFiles {
    let configuration = json!({"delta.enableDeletionVectors": "true"});
    let mut table =
        TableWriter::new(&[protocol(&["deletionVectors"]), metadata(&fields(), &[], configuration)]);
    let mut action = table.data("part-0.parquet", &rows(&[0, 1, 2, 3], true));
    action["add"]["deletionVector"] = vector::inline(&[3]);
    table.commit(&[action]);
    table.finish()
}

fn split() -> TableFiles {
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields(), &["region"], json!({}))]);
    let files: [(&str, Value, &[usize]); 3] = [
        ("north.parquet", json!("north"), &[0, 2]),
        ("south.parquet", json!("south"), &[1]),
        ("none.parquet", Value::Null, &[3]),
    ];
    let mut actions = Vec::new();
    for (path, region, positions) in files {
        let mut action = table.data(path, &rows(positions, false));
        action["add"]["partitionValues"] = json!({"region": region});
        actions.push(action);
    }
    table.commit(&actions);
    table.finish()
}

fn grown() -> TableFiles {
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields(), &[], json!({}))]);
    for (path, positions) in [("part-0.parquet", [0, 1]), ("part-1.parquet", [2, 3])] {
        let action = table.data(path, &rows(&positions, true));
        table.commit(&[action]);
    }
    table.finish()
}
