//! What of a restricted user's query works below the row filter, and what does not.
//!
//! A file that the log names and nobody wrote is the witness: its bounds lie outside what the query asks for, so a query
//! succeeds if its predicate left the file out, and fails if it did not.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::AsArray;
use lakegate_client::Connection;
use serde_json::{Value, json};

use crate::delta::TableFiles;
use crate::delta::grants::{self, Columns, Shown};
use crate::delta::lake::{DATABASE, Lake};
use crate::delta::rows::Rows;
use crate::delta::writer::{TableWriter, batch, field, longs, metadata, plain_protocol, strings};
use crate::support::{assert_golden, rows, run};

const USER: &str = "eu_analyst";

/// Ids 1 to 4 in a file, and 1000 to 2000 in one that does not exist. The row filter of the tests admits both.
pub(crate) fn table() -> TableFiles {
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&[field("id", "long")], &[], json!({}))]);
    let mut here = table.data("here.parquet", &batch(&[("id", longs(&[1, 2, 3, 4]))]));
    here["add"]["stats"] = bounds(4, 1, 4);
    let mut absent = here.clone();
    absent["add"]["path"] = json!("absent.parquet");
    absent["add"]["stats"] = bounds(1001, 1000, 2000);
    table.commit(&[here, absent]);
    table.finish()
}

/// Statistics of a file, as its action has them.
fn bounds(rows: usize, least: i64, most: i64) -> Value {
    let statistics = json!({
        "numRecords": rows, "minValues": {"id": least}, "maxValues": {"id": most}, "nullCount": {"id": 0},
    });
    json!(statistics.to_string())
}

pub(crate) fn all_but_two() -> Shown {
    Shown { rows: grants::Rows::Where("id <> 2".to_owned()), columns: Columns::All }
}

/// Whether the query is answered, and then with which ids.
async fn ids(lake: &Lake, table: &str, condition: &str) -> Option<Vec<String>> {
    let connection = lake.login(USER).await;
    let sql = format!("select id from {DATABASE}.{table} where {condition}");
    rows(&connection, &sql).await.ok().map(|batches| Rows::of(&batches).texts())
}

#[test]
fn comparisons_with_constants_leave_out_files_of_a_table_with_hidden_rows_and_nothing_else_does() {
    run(async {
        let lake = Lake::shared().await;
        lake.add("pushed_down", &table()).await;
        lake.grant(USER, "pushed_down", all_but_two()).await;
        for condition in
            ["id < 100", "id in (1, 2, 3, 4)", "id between 1 and 4", "not (id >= 100)", "id < 4 or id = 4"]
        {
            let visible = ["1", "3", "4"].map(str::to_owned).to_vec();
            assert_eq!(ids(&lake, "pushed_down", condition).await, Some(visible), "{condition}");
        }
        for condition in
            ["id % 1000 < 100 and id / id = 1", "10 / (id - 2) < 100", "abs(id) < 100", "id + 0 < 100"]
        {
            assert_eq!(ids(&lake, "pushed_down", condition).await, None, "{condition}");
        }
    });
}

#[test]
fn nothing_of_the_users_works_below_the_row_filter_of_a_strict_table() {
    run(async {
        let lake = Lake::start(&[("LAKEGATE__ACCESS__STRICT_TABLES", "sales.orders, BROUGHT.Strict")]).await;
        for name in ["strict", "free"] {
            lake.add(name, &table()).await;
            lake.grant(USER, name, all_but_two()).await;
        }
        assert_eq!(ids(&lake, "strict", "id < 2").await, None);
        assert_eq!(ids(&lake, "free", "id < 2").await, Some(vec!["1".to_owned()]));
    });
}

/// Policies under which plans are looked at: the user, and the table that the user asks.
const POLICIES: [(&str, &str, &str); 4] = [
    ("none", "analyst", "shaped"),
    ("columns", "support", "shaped"),
    ("rows", USER, "shaped"),
    ("rows, strict", USER, "shaped_strict"),
];

/// What is asked. A line of the golden file for each part of the plan that says where something landed.
const SHAPES: [&str; 22] = [
    "select id from {}",
    "select id from {} where id < 100",
    "select id from {} where 100 > id",
    "select id from {} where id in (1, 2, 3)",
    "select id from {} where id between 1 and 4",
    "select id from {} where not (id >= 100)",
    "select id from {} where id is not null and id < 5",
    "select id from {} where id = 1 or note = 'n2'",
    "select id from {} where note = 'n1' and id < 100",
    "select id from {} where note like 'n%' and id < 100",
    "select id from {} where id + 0 < 100",
    "select id from {} where abs(id) < 100",
    "select id from {} where cast(id as int) < 100",
    "select id from {} where cast(note as bigint) < 100",
    "select id from {} where 10 / (id - 2) < 100",
    "select id from {} where id < 100 and 10 / (id - 2) < 100",
    "select id from {} where id < 100.5",
    "select id from {} where id < char_length(note)",
    "select id from {} limit 2",
    "select id from {} where id < 100 limit 2",
    "select id from {} where id < 100 order by id limit 2",
    "select count(*), max(id) from {} where id < 100",
];

/// As [`table`], with a column more that can be looked at and one that can be hidden.
fn shaped() -> TableFiles {
    let fields = [field("id", "long"), field("note", "string"), field("secret", "string")];
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields, &[], json!({}))]);
    let notes = strings(&["1", "2", "3", "4"]);
    let columns = [("id", longs(&[1, 2, 3, 4])), ("note", Arc::clone(&notes)), ("secret", notes)];
    let mut here = table.data("here.parquet", &batch(&columns));
    here["add"]["stats"] = bounds(4, 1, 4);
    let mut absent = here.clone();
    absent["add"]["path"] = json!("absent.parquet");
    absent["add"]["stats"] = bounds(1001, 1000, 2000);
    table.commit(&[here, absent]);
    table.finish()
}

/// The plan as EXPLAIN tells it, and whether the file that does not exist was left out.
async fn shape(connection: &Connection, sql: &str) -> String {
    let plan = rows(connection, &format!("explain {sql}")).await.unwrap();
    let lines: Vec<String> = plan
        .iter()
        .flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned))
        .collect();
    let read = match rows(connection, sql).await {
        Ok(_) => "answered".to_owned(),
        Err(error) => error.to_string(),
    };
    format!("    {}\n    => {read}\n", lines.join("\n    ").replace("shaped_strict", "shaped"))
}

#[test]
fn each_part_of_a_query_lands_where_the_golden_file_says() {
    let shapes = run(async {
        let lake = Lake::start(&[("LAKEGATE__ACCESS__STRICT_TABLES", "brought.shaped_strict")]).await;
        for name in ["shaped", "shaped_strict"] {
            lake.add(name, &shaped()).await;
            lake.grant(USER, name, all_but_two()).await;
        }
        lake.grant_all_but("support", "shaped", "secret").await;
        let mut shapes = String::from(
            "Where the parts of a query land, by the policy on its table: `partial_filters` and `fetch` of a TableScan work\n\
             below the row filter, everything above it works on visible rows. One of the two files does not exist, so a query\n\
             shows by its answer that it was left out. Regenerate with LAKEGATE_GOLDEN=write.\n",
        );
        for sql in SHAPES {
            writeln!(shapes, "\n{}", sql.replace("{}", "T")).unwrap();
            let mut by_shape: Vec<(String, Vec<&str>)> = Vec::new();
            for (policy, user, table) in POLICIES {
                let connection = lake.login(user).await;
                let found = shape(&connection, &sql.replace("{}", &format!("{DATABASE}.{table}"))).await;
                match by_shape.iter_mut().find(|(known, _)| *known == found) {
                    Some((_, policies)) => policies.push(policy),
                    None => by_shape.push((found, vec![policy])),
                }
            }
            for (found, policies) in by_shape {
                write!(shapes, "  policy: {}\n{found}", policies.join("; ")).unwrap();
            }
        }
        shapes
    });
    assert_golden("plan-shapes.txt", &shapes);
}
