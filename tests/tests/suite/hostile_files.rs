//! Tables with a damaged log, Parquet file or deletion vector: one clear error each, and the server goes on.
//!
//! All start from tables that are read well as they are (`reference_tables`), so that the damage is what is refused.

use serde_json::{Value, json};

use crate::delta::TableFiles;
use crate::delta::hostile::{Case, assert_all_refused};
use crate::delta::lake::Lake;
use crate::delta::reference::Archive;
use crate::delta::schema::TableSchema;
use crate::delta::vector::{bitmap, z85};
use crate::support::run;

/// The commit of `dv-with-columnmapping` that gives a file the deletion vector which it has to the end.
const VECTOR_COMMIT: u64 = 15;

const EVERYTHING: &str = "select * from {}";

fn case(name: &str, table: &TableFiles, damage: impl FnOnce(&mut TableFiles)) -> Case {
    let mut files = table.clone();
    damage(&mut files);
    Case { name: name.to_owned(), files, schema: TableSchema::of(table).unwrap(), sql: EVERYTHING }
}

fn overwrite(files: &mut TableFiles, path: &str, content: &[u8]) {
    assert!(files.0.insert(path.to_owned(), content.to_vec()).is_some(), "no {path}");
}

fn remove(files: &mut TableFiles, path: &str) {
    assert!(files.0.remove(path).is_some(), "no {path}");
}

fn cut(files: &mut TableFiles, path: &str, length: usize) {
    let content = files.0.get_mut(path).unwrap();
    assert!(length < content.len(), "{path} has {} bytes", content.len());
    content.truncate(length);
}

/// A data file that the newest version has.
fn live_file(files: &TableFiles) -> String {
    let added =
        files.actions().into_iter().rev().find_map(|action| Some(action["add"]["path"].as_str()?.to_owned()));
    added.unwrap()
}

#[test]
fn a_damaged_log_is_refused() {
    let Some(history) = Archive::open("basic-with-inserts-deletes-checkpoint") else { return };
    let Some(parts) = Archive::open("multi-part-checkpoint") else { return };
    run(async {
        let (history, parts) = (history.table(), parts.table());
        let newest = TableFiles::commit(13);
        let checkpoint = history.path_with(&["00000000000000000010.checkpoint"]);
        let second_part = parts.path_with(&["0000000002.0000000002.parquet"]);
        let only_checkpoint = |files: &mut TableFiles| {
            files.0.retain(|path, _| !path.ends_with(".json") || *path > TableFiles::commit(10));
        };
        let cases = vec![
            case("truncated_commit", &history, |files| {
                let length = files.0[&newest].trim_ascii_end().len();
                cut(files, &newest, length - 20);
            }),
            case("garbled_commit", &history, |files| {
                overwrite(files, &TableFiles::commit(12), b"\x00\xff{{{ \"add\": nothing\n\n]]");
            }),
            case("empty_action", &history, |files| {
                overwrite(files, &newest, br#"{"add":{"path":"part-0.parquet"}}"#);
            }),
            case("wrong_types", &history, |files| {
                let add =
                    json!({"add": {"path": 7, "partitionValues": [], "size": "x", "dataChange": "maybe"}});
                overwrite(files, &newest, add.to_string().as_bytes());
            }),
            case("missing_commit", &history, |files| remove(files, &TableFiles::commit(12))),
            case("cut_checkpoint", &history, |files| {
                only_checkpoint(files);
                let length = files.0[&checkpoint].len() / 2;
                cut(files, &checkpoint, length);
            }),
            case("empty_checkpoint", &history, |files| {
                only_checkpoint(files);
                overwrite(files, &checkpoint, b"");
            }),
            case("missing_part", &parts, |files| {
                remove(files, &TableFiles::commit(0));
                remove(files, &second_part);
            }),
        ];
        assert_all_refused(&Lake::start(&[]).await, cases).await;
    });
}

/// What the log says twice may be taken from where it is whole; what it says wrongly must never be shown.
#[test]
fn damage_that_the_rest_of_the_log_makes_good_gives_the_right_rows_or_one_clear_error() {
    let Some(history) = Archive::open("basic-with-inserts-deletes-checkpoint") else { return };
    let Some(parts) = Archive::open("multi-part-checkpoint") else { return };
    run(async {
        let lake = Lake::shared().await;
        let hint = "_delta_log/_last_checkpoint";
        let history_files = history.table();
        let cases = [
            (
                &parts,
                case("part_and_commits", &parts.table(), |files| {
                    let part = files.path_with(&["0000000002.0000000002.parquet"]);
                    remove(files, &part);
                }),
            ),
            (
                &history,
                case("hint_garbled", &history_files, |files| overwrite(files, hint, b"{\"version\":")),
            ),
            (
                &history,
                case("hint_too_new", &history_files, |files| {
                    overwrite(files, hint, br#"{"version":99,"size":5}"#)
                }),
            ),
            (
                &history,
                case("hint_too_old", &history_files, |files| {
                    overwrite(files, hint, br#"{"version":4,"size":5}"#)
                }),
            ),
            (&history, case("hint_missing", &history_files, |files| remove(files, hint))),
        ];
        let mut problems = Vec::new();
        for (reference, case) in cases {
            lake.add_with_schema(&case.name, &case.files, &case.schema).await;
            if lake.refused(&case.name, case.sql).await.is_ok() {
                continue;
            }
            let answer = lake.rows("analyst", &case.name, case.sql).await;
            problems.extend(
                answer.difference(&reference.expected()).map(|found| format!("{}: {found}", case.name)),
            );
        }
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    });
}

/// A reader that starts at the checkpoint never meets what was before.
#[test]
fn what_lies_before_a_checkpoint_does_not_matter() {
    let Some(history) = Archive::open("basic-with-inserts-deletes-checkpoint") else { return };
    run(async {
        let lake = Lake::shared().await;
        let garbled = case("before_checkpoint", &history.table(), |files| {
            overwrite(files, &TableFiles::commit(3), b"{not json");
            remove(files, &TableFiles::commit(5));
        });
        lake.add_with_schema(&garbled.name, &garbled.files, &garbled.schema).await;
        let answer = lake.rows("analyst", &garbled.name, EVERYTHING).await;
        assert_eq!(answer.difference(&history.expected()), None);
    });
}

#[test]
fn a_damaged_parquet_file_is_refused() {
    let Some(reference) = Archive::open("snapshot-data3") else { return };
    run(async {
        let table = reference.table();
        let file = live_file(&table);
        let length = table.0[&file].len();
        let cases = vec![
            case("parquet_missing", &table, |files| remove(files, &file)),
            case("parquet_cut", &table, |files| cut(files, &file, length / 2)),
            case("parquet_cut_and_said_so", &table, |files| {
                cut(files, &file, length / 2);
                files.edit_commit(3, |action| set_size(action, &file, length / 2));
            }),
            case("parquet_empty", &table, |files| {
                cut(files, &file, 0);
                files.edit_commit(3, |action| set_size(action, &file, 0));
            }),
            case("parquet_of_another_format", &table, |files| {
                overwrite(files, &file, &b"col1,col2\n".repeat(length / 10 + 1)[..length])
            }),
            case("parquet_footer_too_long", &table, |files| {
                let content = files.0.get_mut(&file).unwrap();
                content[length - 8..length - 4].copy_from_slice(&u32::MAX.to_le_bytes());
            }),
            case("parquet_garbled_footer", &table, |files| {
                let content = files.0.get_mut(&file).unwrap();
                content[length - 200..length - 8].fill(0xff);
            }),
        ];
        assert_all_refused(&Lake::start(&[]).await, cases).await;
    });
}

fn set_size(action: &mut Value, file: &str, size: usize) {
    if action["add"]["path"] == file {
        action["add"]["size"] = json!(size);
    }
}

#[test]
fn a_damaged_deletion_vector_is_refused() {
    let Some(reference) = Archive::open("dv-with-columnmapping") else { return };
    run(async {
        let table = reference.table();
        let vectors: Vec<String> = table.0.keys().filter(|path| path.ends_with(".bin")).cloned().collect();
        let all = |damage: fn(&mut Vec<u8>)| {
            let vectors = vectors.clone();
            move |files: &mut TableFiles| {
                vectors.iter().for_each(|path| damage(files.0.get_mut(path).unwrap()))
            }
        };
        let described = |change: fn(&mut Value)| {
            move |files: &mut TableFiles| {
                files.edit_commit(VECTOR_COMMIT, |action| {
                    if let Some(vector) = action.pointer_mut("/add/deletionVector") {
                        change(vector);
                    }
                });
            }
        };
        let cases = vec![
            case("vector_flipped", &table, all(|content| content[38] ^= 1)),
            case("vector_of_unknown_version", &table, all(|content| content[0] = 9)),
            case("vector_cut", &table, all(|content| content.truncate(20))),
            case("vector_empty", &table, all(Vec::clear)),
            case("vector_missing", &table, |files| files.0.retain(|path, _| !path.ends_with(".bin"))),
            case("vector_size_too_large", &table, described(|vector| vector["sizeInBytes"] = json!(35))),
            case("vector_size_too_small", &table, described(|vector| vector["sizeInBytes"] = json!(8))),
            case("vector_size_huge", &table, described(|vector| vector["sizeInBytes"] = json!(i32::MAX))),
            case("vector_size_negative", &table, described(|vector| vector["sizeInBytes"] = json!(-34))),
            case("vector_offset_in_another", &table, described(|vector| vector["offset"] = json!(5))),
            case("vector_offset_beyond", &table, described(|vector| vector["offset"] = json!(1 << 20))),
            case("vector_offset_negative", &table, described(|vector| vector["offset"] = json!(-1))),
            case("vector_of_unknown_kind", &table, described(|vector| vector["storageType"] = json!("x"))),
            case(
                "vector_with_half_an_id",
                &table,
                described(|vector| vector["pathOrInlineDv"] = json!("0123456789")),
            ),
            case("inline_empty", &table, described(|vector| inline(vector, &[]))),
            case("inline_without_magic", &table, described(|vector| inline(vector, &[0; 44]))),
            case("inline_cut", &table, described(|vector| inline(vector, &bitmap(&[0, 1, 2])[..24]))),
            case(
                "inline_with_too_many_bitmaps",
                &table,
                described(|vector| {
                    let mut bytes = bitmap(&[0, 1, 2, 3]);
                    bytes[4..12].fill(0xff);
                    inline(vector, &bytes);
                }),
            ),
            case(
                "inline_not_base_85",
                &table,
                described(|vector| {
                    inline(vector, &[]);
                    vector["pathOrInlineDv"] = json!("~~~~~ \u{e9}\u{e9}");
                }),
            ),
        ];
        assert_all_refused(&Lake::start(&[]).await, cases).await;
    });
}

/// Turns a descriptor into that of a vector that stands in the log.
fn inline(vector: &mut Value, bytes: &[u8]) {
    *vector = json!({"storageType": "i", "pathOrInlineDv": z85(bytes), "sizeInBytes": bytes.len(), "cardinality": 1});
}
