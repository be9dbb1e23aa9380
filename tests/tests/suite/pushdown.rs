//! What of a restricted user's query works below the row filter, and what does not.
//!
//! A file that the log names and nobody wrote is the witness: its bounds lie outside what the query asks for, so a query
//! succeeds if its predicate left the file out, and fails if it did not.

use crate::delta::TableFiles;
use crate::delta::grants::{self, Columns, Shown};
use crate::delta::lake::{DATABASE, Lake};
use crate::delta::rows::Rows;
use crate::delta::writer::{TableWriter, batch, field, longs, metadata, plain_protocol};
use crate::support::{rows, run};
use serde_json::json;

const USER: &str = "eu_analyst";

/// Ids 1 to 4 in a file, and 1000 to 2000 in one that does not exist. The row filter of the tests admits both.
fn table() -> TableFiles {
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&[field("id", "long")], &[], json!({}))]);
    let mut here = table.data("here.parquet", &batch(&[("id", longs(&[1, 2, 3, 4]))]));
    let bounds = |rows: usize, least: i64, most: i64| {
        let statistics = json!({
            "numRecords": rows, "minValues": {"id": least}, "maxValues": {"id": most}, "nullCount": {"id": 0},
        });
        json!(statistics.to_string())
    };
    here["add"]["stats"] = bounds(4, 1, 4);
    let mut absent = here.clone();
    absent["add"]["path"] = json!("absent.parquet");
    absent["add"]["stats"] = bounds(1001, 1000, 2000);
    table.commit(&[here, absent]);
    table.finish()
}

fn all_but_two() -> Shown {
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
