//! Random tables and queries, answered by this server and by deltalake's own provider.
//!
//! The two readers share the Delta kernel and the Parquet reader, but nothing of what lies between: file index, pruning,
//! deletion vectors, partition values, grouping. A seed that ever failed stays in [`SEEDS`].

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::delta::TableFiles;
use crate::delta::lake::{DATABASE, Lake};
use crate::delta::peer::Peer;
use crate::delta::rows::Rows;
use crate::delta::vector;
use crate::delta::writer::{TableWriter, batch, field, metadata, protocol};
use crate::support::{rows, run};

/// Each makes one table and its queries.
const SEEDS: std::ops::Range<u64> = 0..16;

const QUERIES_PER_TABLE: usize = 30;

/// Rows of a row group: few, so that a file has several.
const GROUP_ROWS: usize = 8;

const KINDS: [Option<&str>; 5] = [None, Some("a"), Some("b"), Some("B c/%"), Some("é")];

/// One live file of the table that is being written.
struct LiveFile {
    add: Value,
    rows: u32,
}

/// A table of `id`, `name` and the partition column `kind`, after some commits that add, remove and delete.
fn random_table(random: &mut StdRng) -> TableFiles {
    let fields = [field("id", "long"), field("kind", "string"), field("name", "string")];
    let configuration = json!({"delta.enableDeletionVectors": "true"});
    let mut table =
        TableWriter::new(&[protocol(&["deletionVectors"]), metadata(&fields, &["kind"], configuration)]);
    let mut live: Vec<LiveFile> = Vec::new();
    for commit in 0..random.random_range(2..8) {
        let mut actions = Vec::new();
        // Taken out first: one commit may not name one file twice.
        let changed = random.random_range(0..=live.len().min(2));
        let changed: Vec<LiveFile> =
            (0..changed).map(|_| live.swap_remove(random.random_range(0..live.len()))).collect();
        for file in changed {
            actions.push(removal(&file.add));
            if random.random_bool(0.7) {
                let file = with_deleted_rows(file, random);
                actions.push(file.add.clone());
                live.push(file);
            }
        }
        for number in 0..random.random_range(0..4) {
            let file = random_file(&mut table, &format!("part-{commit}-{number}.parquet"), random);
            actions.push(file.add.clone());
            live.push(file);
        }
        table.commit(&actions);
    }
    table.finish()
}

fn random_file(table: &mut TableWriter, path: &str, random: &mut StdRng) -> LiveFile {
    let rows: u32 = random.random_range(1..40);
    let window = random.random_range(-50..50);
    let ids: Vec<Option<i64>> =
        (0..rows).map(|_| random.random_bool(0.9).then(|| window + random.random_range(0..20))).collect();
    let names: Vec<Option<String>> = (0..rows)
        .map(|_| random.random_bool(0.8).then(|| format!("n{}", random.random_range(0..30))))
        .collect();
    let columns: [(&str, ArrayRef); 2] =
        [("id", Arc::new(Int64Array::from(ids.clone()))), ("name", Arc::new(StringArray::from(names)))];
    let mut add = table.data_in_groups(path, &batch(&columns), GROUP_ROWS);
    let kind = KINDS[random.random_range(0..KINDS.len())];
    add["add"]["partitionValues"] = json!({ "kind": kind });
    if random.random_bool(0.7) {
        let known: Vec<i64> = ids.iter().flatten().copied().collect();
        let nulls = ids.len() - known.len();
        let statistics = json!({
            "numRecords": rows, "nullCount": {"id": nulls},
            "minValues": {"id": known.iter().min()}, "maxValues": {"id": known.iter().max()},
        });
        add["add"]["stats"] = Value::String(statistics.to_string());
    }
    LiveFile { add, rows }
}

fn removal(add: &Value) -> Value {
    let mut removal = json!({"remove": {
        "path": add["add"]["path"], "deletionTimestamp": 1_700_000_000_000_u64, "dataChange": true,
    }});
    if let Some(vector) = add["add"].get("deletionVector") {
        removal["remove"]["deletionVector"] = vector.clone();
    }
    removal
}

fn with_deleted_rows(file: LiveFile, random: &mut StdRng) -> LiveFile {
    let share = random.random_range(0.0..=1.0);
    let mut deleted: Vec<u32> = (0..file.rows).filter(|_| random.random_bool(share)).collect();
    if deleted.is_empty() {
        deleted.push(random.random_range(0..file.rows));
    }
    let mut add = file.add;
    add["add"]["deletionVector"] = vector::inline(&deleted);
    LiveFile { add, rows: file.rows }
}

/// A query over `{}`, whose answer does not depend on an order that nobody promised.
fn random_query(random: &mut StdRng) -> String {
    let condition = match random.random_range(0..3) {
        0 => random_condition(random),
        1 => format!("{} and {}", random_condition(random), random_condition(random)),
        _ => format!("({} or {})", random_condition(random), random_condition(random)),
    };
    let shape = match random.random_range(0..6) {
        0 => "select * from {} where ",
        1 => "select name, id from {} where ",
        2 => "select kind from {} where ",
        3 => "select count(*), min(id), max(id), count(name), max(kind) from {} where ",
        4 => return format!("select kind, count(*), sum(id) from {{}} where {condition} group by kind"),
        _ => return format!("select id from {{}} where {condition} order by id nulls last limit 7"),
    };
    format!("{shape}{condition}")
}

fn random_condition(random: &mut StdRng) -> String {
    let number = random.random_range(-60..80);
    let name = random.random_range(0..30);
    match random.random_range(0..12) {
        0 => format!("id = {number}"),
        1 => format!("id between {number} and {}", number + 15),
        2 => format!("not (id > {number})"),
        3 => "id is null".to_owned(),
        4 => "id is not null".to_owned(),
        5 => format!("id in ({number}, {}, {})", number + 1, number + 9),
        6 => format!("name = 'n{name}'"),
        7 => format!("name like 'n{}%'", name % 10),
        8 => "name is null".to_owned(),
        9 => "kind is null".to_owned(),
        10 => "kind in ('a', 'é')".to_owned(),
        _ => "kind <> 'b'".to_owned(),
    }
}

#[test]
fn random_tables_answer_random_queries_as_deltalakes_provider_does() {
    run(async {
        let lake = Lake::shared().await;
        let analyst = lake.login("analyst").await;
        let mut differences = Vec::new();
        for seed in SEEDS {
            let random = &mut StdRng::seed_from_u64(seed);
            let (files, name) = (random_table(random), format!("random_{seed}"));
            let peer = Peer::of_files(&name, &files).await;
            lake.add(&name, &files).await;
            for sql in (0..QUERIES_PER_TABLE).map(|_| random_query(random)) {
                let sent = sql.replace("{}", &format!("{DATABASE}.{name}"));
                let ours = Rows::of(&rows(&analyst, &sent).await.unwrap()).texts();
                let theirs = peer.rows(&sent).await.unwrap().texts();
                if ours != theirs {
                    differences.push(format!("seed {seed}: {sql}\nours {ours:#?}\ntheirs {theirs:#?}"));
                }
            }
        }
        assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    });
}
