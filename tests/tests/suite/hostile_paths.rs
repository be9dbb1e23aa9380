//! Logs that name files outside their table's folder: refused, and nothing outside was even asked for.
//!
//! What they point at exists and could be read: the table `victim`, which belongs to the same bucket and has the same
//! columns, and a folder whose name begins like the table's own. Whoever can write one table's log must not have the server
//! read another's files with it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use serde_json::{Value, json};

use crate::delta::TableFiles;
use crate::delta::hostile::{Case, assert_all_refused, id_schema, strayed};
use crate::delta::lake::{Lake, location};
use crate::delta::vector::{self, z85};
use crate::delta::writer::{TableWriter, batch, field, metadata, plain_protocol, protocol};
use crate::support::run;

const DATA: &str = "part-0.parquet";

/// Names the deletion vector's file in every folder.
const VECTOR_ID: [u8; 16] = *b"lakegate-vector!";

const EVERYTHING: &str = "select * from {}";

/// Ways to say `../victim/FILE` in the log of `TABLE`.
const WAYS_OUT: [(&str, &str); 18] = [
    ("s3", "s3://lakegate-demo/brought/victim/FILE"),
    ("s3a", "s3a://lakegate-demo/brought/victim/FILE"),
    ("upper_case_scheme", "S3://lakegate-demo/brought/victim/FILE"),
    ("user_info", "s3://someone@lakegate-demo/brought/victim/FILE"),
    ("dots", "../victim/FILE"),
    ("dots_inside", "a/b/../../../victim/FILE"),
    ("encoded_dots", "%2E%2E/victim/FILE"),
    ("encoded_slash", "..%2Fvictim%2FFILE"),
    ("twice_encoded", "%252E%252E/victim/FILE"),
    ("backslashes", "..\\victim\\FILE"),
    ("dots_in_url", "s3://lakegate-demo/brought/TABLE/../victim/FILE"),
    ("encoded_dots_in_url", "s3://lakegate-demo/brought/TABLE/%2e%2e/victim/FILE"),
    ("sibling", "s3://lakegate-demo/brought/TABLE_and_more/FILE"),
    ("from_the_root", "/brought/victim/FILE"),
    ("other_bucket", "s3://another-bucket/FILE"),
    ("network_path", "//lakegate-demo/brought/victim/FILE"),
    ("local_file", "file:///etc/passwd"),
    ("web", "http://127.0.0.1:9/FILE"),
];

fn ids(values: &[i64]) -> RecordBatch {
    batch(&[("id", Arc::new(Int64Array::from(values.to_vec())) as ArrayRef)])
}

/// A table with deletion vectors whose one file is `change`d in the log before it is written.
fn table(change: impl FnOnce(&mut Value)) -> TableFiles {
    let mut table = TableWriter::new(&[
        protocol(&["deletionVectors"]),
        metadata(&[field("id", "long")], &[], json!({"delta.enableDeletionVectors": "true"})),
    ]);
    let mut action = table.data(DATA, &ids(&[1, 2, 3]));
    let (path, content, descriptors) = vector::file(VECTOR_ID, &[&[0]]);
    table.put(&path, content);
    action["add"]["deletionVector"] = descriptors[0].clone();
    change(&mut action["add"]);
    table.commit(&[action]);
    table.finish()
}

/// What must not be reached: whole tables beside the hostile one.
async fn put_victims(lake: &Lake, names: &[String]) {
    let victim = table(|_| ());
    lake.add("victim", &victim).await;
    for name in names {
        lake.put(&format!("{name}_and_more"), &victim).await;
    }
    assert_eq!(lake.texts("victim", EVERYTHING).await, ["2", "3"]);
}

async fn assert_ways_out_are_closed(kind: &str, file: &str, point: impl Fn(&mut Value, String)) {
    let lake = Lake::start(&[]).await;
    let cases: Vec<Case> = WAYS_OUT
        .iter()
        .map(|(way, path)| {
            let name = format!("{kind}_{way}");
            let path = path.replace("TABLE", &name).replace("FILE", file);
            let files = table(|add| point(add, path));
            Case { name, files, schema: id_schema(), sql: EVERYTHING }
        })
        .collect();
    let names: Vec<String> = cases.iter().map(|case| case.name.clone()).collect();
    put_victims(&lake, &names).await;
    assert_all_refused(&lake, cases).await;
}

#[test]
fn a_data_file_outside_the_tables_folder_is_not_read() {
    run(assert_ways_out_are_closed("file", DATA, |add, path| {
        add.as_object_mut().unwrap().remove("deletionVector");
        add["path"] = json!(path);
    }));
}

#[test]
fn a_deletion_vector_outside_the_tables_folder_is_not_read() {
    let (file, ..) = vector::file(VECTOR_ID, &[]);
    run(assert_ways_out_are_closed("vector", &file, |add, path| {
        add["deletionVector"]["storageType"] = json!("p");
        add["deletionVector"]["pathOrInlineDv"] = json!(path);
    }));
}

/// The characters before the id are a folder's name.
#[test]
fn the_prefix_of_a_deletion_vector_does_not_lead_out_of_the_folder() {
    run(async {
        let lake = Lake::start(&[]).await;
        let ways = [
            ("prefix_dots", "../victim"),
            ("prefix_root", "/brought/victim"),
            ("prefix_url", "s3://lakegate-demo/brought/victim"),
        ];
        let cases = ways.map(|(name, prefix)| {
            let files = table(|add| {
                add["deletionVector"]["pathOrInlineDv"] = json!(format!("{prefix}{}", z85(&VECTOR_ID)))
            });
            Case { name: name.to_owned(), files, schema: id_schema(), sql: EVERYTHING }
        });
        put_victims(&lake, &[]).await;
        assert_all_refused(&lake, cases.into()).await;
    });
}

/// A checkpoint of the second kind names further files of the log.
#[test]
fn a_sidecar_outside_the_log_is_not_read() {
    run(async {
        let lake = Lake::start(&[]).await;
        let sidecar = "sidecar.parquet";
        let ways = [
            ("sidecar_url", "s3://lakegate-demo/brought/victim/_delta_log/_sidecars/sidecar.parquet"),
            ("sidecar_dots", "../../../victim/_delta_log/_sidecars/sidecar.parquet"),
            ("sidecar_bucket", "s3://another-bucket/sidecar.parquet"),
            ("sidecar_local", "file:///etc/passwd"),
        ];
        let cases = ways.map(|(name, path)| {
            let (version, columns) =
                (protocol(&["v2Checkpoint"]), metadata(&[field("id", "long")], &[], json!({})));
            let mut table = TableWriter::new(&[version.clone(), columns.clone()]);
            let checkpoint = [
                json!({"checkpointMetadata": {"version": 0}}),
                version,
                columns,
                json!({"sidecar": {"path": path, "sizeInBytes": 1000, "modificationTime": 0}}),
            ];
            let lines: Vec<String> = checkpoint.iter().map(Value::to_string).collect();
            let path = "_delta_log/00000000000000000000.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json";
            table.put(path, lines.join("\n").into_bytes());
            Case { name: name.to_owned(), files: table.finish(), schema: id_schema(), sql: EVERYTHING }
        });
        let mut victim = table(|_| ());
        victim.0.insert(format!("_delta_log/_sidecars/{sidecar}"), b"PAR1".to_vec());
        lake.put("victim", &victim).await;
        assert_all_refused(&lake, cases.into()).await;
    });
}

/// Clones and moved tables have absolute paths; those into the table's own folder are as good as relative ones.
#[test]
fn absolute_paths_into_the_tables_own_folder_are_read() {
    run(async {
        let lake = Lake::start(&[]).await;
        let (vector_file, ..) = vector::file(VECTOR_ID, &[]);
        let file = table(|add| add["path"] = json!(format!("{}/{DATA}", location("own_file"))));
        let vector = table(|add| {
            add["deletionVector"]["storageType"] = json!("p");
            add["deletionVector"]["pathOrInlineDv"] =
                json!(format!("{}/{vector_file}", location("own_vector")));
        });
        for (name, files) in [("own_file", file), ("own_vector", vector)] {
            lake.add(name, &files).await;
            lake.sandbox.record_s3();
            assert_eq!(lake.texts(name, EVERYTHING).await, ["2", "3"], "{name}");
            assert_eq!(strayed(&lake, name), [""; 0]);
        }
    });
}

/// Not an attack: a plain table through the same eyes, so that the tests above cannot pass for the wrong reason.
#[test]
fn a_table_that_stays_in_its_folder_is_read_from_its_folder_alone() {
    run(async {
        let lake = Lake::start(&[]).await;
        let mut plain =
            TableWriter::new(&[plain_protocol(), metadata(&[field("id", "long")], &[], json!({}))]);
        let action = plain.data(DATA, &ids(&[1, 2]));
        plain.commit(&[action]);
        lake.add("plain", &plain.finish()).await;
        lake.add("with_vector", &table(|_| ())).await;
        for (name, expected) in [("plain", ["1", "2"]), ("with_vector", ["2", "3"])] {
            lake.sandbox.record_s3();
            assert_eq!(lake.texts(name, EVERYTHING).await, expected);
            assert_eq!(strayed(&lake, name), [""; 0]);
        }
    });
}
