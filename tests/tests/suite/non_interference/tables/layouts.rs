//! One kind of row in many places: few visible rows and many, among hidden ones, beside them, deleted, in older versions,
//! in no file at all.

use serde_json::{Value, json};

use super::World;
use super::plain::{batch_of, fields, table};
use super::rows::{Row, hidden, visible, woven};
use crate::delta::TableFiles;
use crate::delta::vector;
use crate::delta::writer::{TableWriter, metadata, plain_protocol, protocol};

/// Visible rows of the long list: more than two batches of the engine, and more bytes than one message takes.
pub(in super::super) const LONG: i64 = 20_000;

/// Many visible rows, in one file of many row groups between as many hidden rows, or in three files with few long runs of
/// hidden rows. Some batches of the second world's files have no hidden row at all.
pub(super) fn long_list(world: World) -> TableFiles {
    match world {
        World::First => table(world, 1000, &[woven(0..LONG, 1, 1)]),
        World::Second => {
            let runs = [visible(0..9000), hidden(0..20_000), woven(9000..12_000, 100, 300)].concat();
            table(world, usize::MAX, &[runs, hidden(50_000..50_003), visible(12_000..LONG)])
        }
    }
}

/// Rows with a deletion vector. Of the visible rows the same are deleted; of the hidden ones some, or none but those of
/// a file that is deleted as a whole.
pub(super) fn erased(world: World) -> TableFiles {
    let configuration = json!({"delta.enableDeletionVectors": "true"});
    let mut table =
        TableWriter::new(&[protocol(&["deletionVectors"]), metadata(&fields(), &[], configuration)]);
    let files = match world {
        World::First => vec![woven(0..300, 2, 3), visible(300..400)],
        World::Second => vec![hidden(7000..7100), woven(0..300, 50, 20), woven(300..400, 100, 5)],
    };
    let actions: Vec<Value> = (0..)
        .zip(files)
        .map(|(number, rows)| {
            let path = format!("part-{number}.parquet");
            let mut action = table.data_in_groups(&path, &batch_of(world, &rows), 64);
            let deleted = deleted(world, &rows);
            if !deleted.is_empty() {
                action["add"]["deletionVector"] = vector::inline(&deleted);
            }
            action
        })
        .collect();
    table.commit(&actions);
    table.finish()
}

/// Positions of the deleted rows of a file.
fn deleted(world: World, rows: &[Row]) -> Vec<u32> {
    let is_deleted = |row: &Row| match (row, world) {
        (Row::Visible(number), _) => *number < 300 && number % 7 == 3,
        (Row::Hidden(number), World::First) => number % 2 == 0,
        (Row::Hidden(number), World::Second) => *number >= 7000,
    };
    (0..).zip(rows).filter(|(_, row)| is_deleted(row)).map(|(position, _)| position).collect()
}

/// Four versions. The visible rows of each are the same in both worlds; other hidden rows come and go.
pub(super) fn history(world: World) -> TableFiles {
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields(), &[], json!({}))]);
    let (run, extra) = match world {
        World::First => (1, 2),
        World::Second => (25, 40),
    };
    let first = table.data("first.parquet", &batch_of(world, &woven(0..50, run, extra)));
    let second = table.data("second.parquet", &batch_of(world, &woven(50..80, run, extra)));
    let third = table.data("third.parquet", &batch_of(world, &woven(20..80, 30, extra)));
    let beside = table.data("beside.parquet", &batch_of(world, &hidden(9000..9000 + 100 * extra)));
    match world {
        World::First => {
            table.commit(&[beside.clone(), first.clone()]);
            table.commit(&[removal(&beside), second.clone()]);
            table.commit(&[removal(&first), removal(&second), third]);
        }
        World::Second => {
            table.commit(std::slice::from_ref(&first));
            table.commit(&[second.clone(), beside]);
            table.commit(&[removal(&second), third, removal(&first)]);
        }
    }
    table.finish()
}

fn removal(add: &Value) -> Value {
    json!({"remove": {"path": add["add"]["path"], "deletionTimestamp": 1_700_000_000_000_u64, "dataChange": true}})
}

/// No visible row: among a thousand hidden ones, or in a table without a single file.
pub(super) fn silent(world: World) -> TableFiles {
    match world {
        World::First => table(world, 100, &[hidden(0..400), hidden(400..1000)]),
        World::Second => table(world, 100, &[]),
    }
}

/// A table that only one world has.
pub(super) fn locked(world: World) -> TableFiles {
    table(world, usize::MAX, &[visible(0..10)])
}
