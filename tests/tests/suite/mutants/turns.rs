//! Users who ask one server one after the other, with the answers written by hand: what one of them was answered must change
//! nothing for the next, and what is refused must be refused.
//!
//! The oracle and the probes have one user each, so they would not see what one user leaves for another.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Float64Array};
use lakegate_client::{ClientError, Connection};
use serde_json::json;
use tokio::sync::Mutex;
use tonic::Code;

use super::{Examined, VARIABLE};
use crate::delta::TableFiles;
use crate::delta::grants::{self, Columns, Shown};
use crate::delta::lake::Lake;
use crate::delta::rows::Rows;
use crate::delta::schema::TableSchema;
use crate::delta::writer::{TableWriter, batch, field, longs, metadata, plain_protocol, strings};
use crate::pushdown;
use crate::support::{login, rows, start_server};
use crate::tickets;

/// What a user must get.
enum Expected {
    /// These rows, as sorted lines.
    Rows(&'static [&'static str]),
    /// This code and text.
    Refused(Code, &'static str),
}

use Expected::{Refused, Rows as Of};

const NO_PAST: &str = "time travel on this table is not allowed for you: rows or columns of it are hidden from you: brought.twin_a";

const UNREADABLE: &str =
    "this table has a Lake Formation policy that this server cannot enforce: brought.unreadable";

const DRIFTED: &str = "the table's columns and its entry in the data catalog differ; its owner must bring them \
                       together: brought.drifted";

/// What a query answers that did not leave out the file which does not exist.
const MISSING: &str = "a file of the table is missing; the table may have been rewritten, try again";

/// Whole scans come before counts, so that whatever is kept of the one can show in the other.
const TURNS: &[(&str, &str, Expected)] = &[
    (
        "analyst",
        "select id, secret from brought.twin_a",
        Of(&[r#"1 | "s1""#, r#"2 | "s2""#, r#"3 | "s3""#, r#"4 | "s4""#]),
    ),
    ("analyst", "select id from brought.twin_b", Of(&["5", "6", "7", "8"])),
    ("analyst", "select note from brought.twin_b where id = 6", Of(&[r#""n6""#])),
    ("eu_analyst", "select id from brought.twin_a", Of(&["1", "3", "4"])),
    ("eu_analyst", "select count(*) from brought.twin_a", Of(&["3"])),
    ("hr_partner", "select id from brought.twin_a where id > 0", Of(&["3", "4"])),
    ("hr_partner", "select count(*) from brought.twin_a", Of(&["2"])),
    ("support", "select * from brought.twin_a where id < 2", Of(&[r#"1 | "n1""#])),
    ("support", "select * from brought.twin_a version as of 1", Refused(Code::PermissionDenied, NO_PAST)),
    ("eu_analyst", "select id from brought.twin_a version as of 1", Refused(Code::PermissionDenied, NO_PAST)),
    (
        "analyst",
        "select column_name from information_schema.columns where table_schema = 'brought' and table_name = 'twin_a'",
        Of(&[r#""id""#, r#""note""#, r#""secret""#]),
    ),
    (
        "support",
        "select column_name from information_schema.columns where table_schema = 'brought' and table_name = 'twin_a'",
        Of(&[r#""id""#, r#""note""#]),
    ),
    ("eu_analyst", "select id from brought.unreadable", Refused(Code::Unimplemented, UNREADABLE)),
    ("eu_analyst", "select id from brought.drifted", Refused(Code::DataLoss, DRIFTED)),
    ("eu_analyst", "select id from brought.weighed", Of(&["3"])),
    ("hr_partner", "select id from brought.weighed", Of(&["1", "2"])),
    ("eu_analyst", "select id from brought.loose where id < 2", Of(&["1"])),
    ("eu_analyst", "select id from brought.strict where id < 2", Refused(Code::DataLoss, MISSING)),
    (
        "stranger",
        "select id from brought.twin_a",
        Refused(Code::NotFound, "table not found or not granted: brought.twin_a"),
    ),
    (
        "stranger",
        "select id from brought.nothing",
        Refused(Code::NotFound, "table not found or not granted: brought.nothing"),
    ),
    (
        "analyst",
        "select cast(note as bigint) from brought.twin_a",
        Refused(Code::InvalidArgument, "a value cannot be cast to the type that the query asks for"),
    ),
    (
        "analyst",
        "select session_secrets()",
        Refused(Code::InvalidArgument, "the query cannot be planned: Invalid function 'session_secrets'."),
    ),
];

/// The lakes that have the tables, by their addresses: tests share a lake.
static BROUGHT: Mutex<BTreeSet<String>> = Mutex::const_new(BTreeSet::new());

/// Brings the tables that users ask for.
pub(super) async fn bring_tables(lake: &Lake) {
    if !BROUGHT.lock().await.insert(lake.sandbox.endpoint()) {
        return;
    }
    let only = |filter: &str| Shown { rows: grants::Rows::Where(filter.to_owned()), columns: Columns::All };
    for (name, first) in [("twin_a", 1), ("twin_b", 5)] {
        lake.add(name, &twin(first)).await;
        lake.grant("eu_analyst", name, only("id <> 2")).await;
        lake.grant("hr_partner", name, only("id > 2")).await;
        lake.grant_all_but("support", name, "secret").await;
    }
    lake.add("unreadable", &twin(1)).await;
    lake.grant("eu_analyst", "unreadable", only("upper(note) = 'N1'")).await;
    let mut schema = TableSchema::of(&twin(1)).unwrap();
    schema.columns.pop();
    lake.add_with_schema("drifted", &twin(1), &schema).await;
    lake.grant("eu_analyst", "drifted", only("id <> 2")).await;
    lake.add("weighed", &weighed()).await;
    lake.grant("eu_analyst", "weighed", only("weight > 2")).await;
    lake.grant("hr_partner", "weighed", only("price < 2.005")).await;
    for name in ["strict", "loose"] {
        lake.add(name, &pushdown::table()).await;
        lake.grant("eu_analyst", name, pushdown::all_but_two()).await;
    }
}

/// Four rows, laid out to the byte as those of any other twin.
fn twin(first: i64) -> TableFiles {
    let fields = [field("id", "long"), field("note", "string"), field("secret", "string")];
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields, &[], json!({}))]);
    let ids: Vec<i64> = (first..first + 4).collect();
    let texts = |letter: char| -> Vec<String> { ids.iter().map(|id| format!("{letter}{id}")).collect() };
    let (notes, secrets) = (texts('n'), texts('s'));
    let of = |texts: &[String]| strings(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let rows = batch(&[("id", longs(&ids)), ("note", of(&notes)), ("secret", of(&secrets))]);
    let action = table.data("part-0.parquet", &rows);
    table.commit(&[action]);
    table.finish()
}

/// Numbers of which one is none, which the oracle has not because engines group it differently, and decimals.
fn weighed() -> TableFiles {
    let fields = [field("id", "long"), field("weight", "double"), field("price", "decimal(10,2)")];
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields, &[], json!({}))]);
    let weights: ArrayRef = Arc::new(Float64Array::from(vec![1.0, f64::NAN, 3.0]));
    let prices: ArrayRef =
        Arc::new(Decimal128Array::from(vec![100, 200, 300]).with_precision_and_scale(10, 2).unwrap());
    let rows = batch(&[("id", longs(&[1, 2, 3])), ("weight", weights), ("price", prices)]);
    let action = table.data("part-0.parquet", &rows);
    table.commit(&[action]);
    table.finish()
}

/// All of it, asked of a server with a fault.
pub(super) async fn examined(lake: &Lake, fault: &str) -> Examined {
    let settings = [
        (VARIABLE, fault),
        ("LAKEGATE__ACCESS__STRICT_TABLES", "brought.strict"),
        ("LAKEGATE__ACCESS__POLICY_TTL", "10m"),
    ];
    let server = start_server(&lake.sandbox, &settings).await;
    let mut examined = Examined::default();
    let mut connections: HashMap<&str, Connection> = HashMap::new();
    for (user, sql, expected) in TURNS {
        if !connections.contains_key(user) {
            connections.insert(*user, login(&server, user).await);
        }
        let difference = difference(&connections[user], sql, expected).await;
        if !examined.count(difference.map(|difference| format!("{user}: {sql}: {difference}"))) {
            return examined;
        }
    }
    let mut owner = tickets::login(&server, "analyst").await;
    let mut other = tickets::login(&server, "eu_analyst").await;
    let ticket = tickets::ticket(&mut owner, "select id from brought.twin_a").await;
    let code = tickets::redeem(&mut other, ticket).await.err();
    examined
        .count((code != Some(Code::PermissionDenied)).then(|| format!("another user's ticket: {code:?}")));
    examined
}

async fn difference(connection: &Connection, sql: &str, expected: &Expected) -> Option<String> {
    match (rows(connection, sql).await, expected) {
        (Ok(batches), Of(expected)) => {
            let found = Rows::of(&batches).texts();
            (found != **expected).then(|| format!("{found:?}, expected {expected:?}"))
        }
        (Err(ClientError::Status(status)), Refused(code, text)) => {
            let found = (status.code(), status.message());
            (found != (*code, *text)).then(|| format!("{found:?}, expected {text:?}"))
        }
        (Ok(batches), Refused(..)) => Some(format!("answered: {:?}", Rows::of(&batches).texts())),
        (Err(error), _) => Some(error.to_string()),
    }
}
