//! Tables whose files say by their partition what is in them: by a visible column, most of whose values are hidden, and by a
//! column that is hidden as a whole.

use std::ops::Range;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use serde_json::{Value, json};

use super::rows::column;
use super::{Sight, World};
use crate::delta::TableFiles;
use crate::delta::writer::{TableWriter, batch, field, metadata, plain_protocol};

pub(super) const FRENCH_VISITS: Sight =
    Sight::Rows { filter: "country = 'FR'", columns: &["id", "page", "country"] };

pub(super) const OPEN_VAULT: Sight = Sight::Rows { filter: "zone <> 'dark'", columns: &["id", "label"] };

/// Visible files are those of `FR`; the others are hidden, and differ in number, size, name and place in the log.
pub(super) fn visits(world: World) -> TableFiles {
    let french = [("FR", 0..40), ("FR", 40..100)];
    let [one, other] = french;
    let files = match world {
        World::First => vec![("DE", 1000..1400), one, ("US", 2000..2003), other, ("", 3000..3001)],
        World::Second => vec![one, other, ("ZZ canary", 9000..9050)],
    };
    table("country", "page", &files)
}

/// The zone of every row is hidden, also of the visible ones, which are in zones of other names and as many files.
pub(super) fn vault(world: World) -> TableFiles {
    let files = match world {
        World::First => vec![("dark", 500..900), ("a", 0..30), ("b", 30..75)],
        World::Second => {
            vec![("north-east canary", 0..30), ("c", 30..75), ("dark", 500..501), ("", 600..650)]
        }
    };
    table("zone", "label", &files)
}

/// A table with the columns `id`, `text` and the partition column, and a file for each value and its ids.
fn table(partition: &str, text: &str, files: &[(&str, Range<i64>)]) -> TableFiles {
    let fields = [field("id", "long"), field(text, "string"), field(partition, "string")];
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields, &[partition], json!({}))]);
    let actions: Vec<Value> = (0..)
        .zip(files)
        .map(|(number, (value, ids))| {
            let mut action = table.data(&format!("part-{number}.parquet"), &rows(text, ids.clone()));
            action["add"]["partitionValues"] = json!({ partition: value });
            action
        })
        .collect();
    table.commit(&actions);
    table.finish()
}

fn rows(text: &str, ids: Range<i64>) -> RecordBatch {
    let ids: Vec<i64> = ids.collect();
    batch(&[
        ("id", column::<Int64Array, _, _>(&ids, |id| Some(*id))),
        (text, column::<StringArray, _, _>(&ids, |id| (id % 4 != 1).then(|| format!("{text} {}", id % 9)))),
    ])
}
