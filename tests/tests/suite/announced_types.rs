//! The types that a statement is announced with are those in which its rows are computed: where branches of a UNION, a CASE or
//! a COALESCE differ, no value is brought to the type of the first one on its way to the client.

use arrow::datatypes::DataType;
use futures::TryStreamExt;
use lakegate_client::{Connection, Parameters};

use crate::support::{login, rows, run, server};

/// Statements with the value that their first row has in their first column, and the type that it travels in.
const MIXED: &[(&str, &str, &str)] = &[
    ("select * from (select 1 as v union all select 2.5) order by 1 desc", "2.5", "Float64"),
    (
        "select case when o_orderkey < 0 then 0 else o_totalprice / 3 end from sales.orders order by 1 limit 1",
        "",
        "Decimal128",
    ),
    ("select case when true then 1 else 2.5 end", "1.0", "Float64"),
    ("select case 1 when 2 then 0 else cast('0.07' as decimal(9,2)) end", "0.07", "Decimal128"),
    ("select coalesce(cast(null as int), cast('1.25' as decimal(9,2)))", "1.25", "Decimal128"),
    ("select nvl(cast(null as smallint), 70000)", "70000", "Int64"),
    ("select * from (select null as v union all select 1) order by 1 nulls last", "1", "Int64"),
    ("select * from (select 1 as v union all select null) order by 1 nulls first", "", "Int64"),
    (
        "select max(v) from (select date '2024-05-01' as v union all select timestamp '2024-05-01 10:30:00')",
        "2024-05-01T10:30:00",
        "Timestamp",
    ),
    (
        "select * from (select date '2024-05-01' as v union all select timestamp '2024-05-01 10:30:00') order by 1 desc",
        "2024-05-01T10:30:00",
        "Timestamp",
    ),
    ("select * from (values (1), (2.5)) as t(v) order by 1 desc", "2.5", "Float64"),
    ("select [1, 2.5]", "[1.0, 2.5]", "List"),
    ("select if(false, 1, 2.5)", "2.5", "Float64"),
    (
        "select case when n_nationkey < 0 then 0 else n_nationkey + 0.5 end as v from sales.nation order by v limit 1",
        "0.5",
        "Float64",
    ),
    ("select * from (select cast(1 as smallint) as v intersect select 1)", "1", "Int64"),
    (
        "select sum(case when o_orderkey < 0 then 0 else o_totalprice end) = sum(o_totalprice) from sales.orders",
        "true",
        "Boolean",
    ),
];

async fn first_value(connection: &Connection, sql: &str) -> (String, DataType) {
    let batches = rows(connection, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).unwrap_or(&batches[0]);
    let column = batch.column(0);
    let value = arrow::util::display::array_value_to_string(column, 0).unwrap();
    (value, column.data_type().clone())
}

#[test]
fn branches_of_several_types_keep_every_value() {
    run(async {
        let connection = login(&*server().await, "analyst").await;
        let mut wrong = Vec::new();
        for (sql, value, data_type) in MIXED {
            let statement = connection.prepare(sql).await;
            let announced = match &statement {
                Ok(statement) => format!("{:?}", statement.schema().field(0).data_type()),
                Err(error) => format!("{error}"),
            };
            let (found, found_type) = first_value(&connection, sql).await;
            let found_type = format!("{found_type:?}");
            let is_right = (value.is_empty() || found == *value)
                && found_type.starts_with(data_type)
                && announced == found_type;
            if !is_right {
                wrong.push(format!("{sql}: {found} {found_type}, prepared as {announced}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

/// Statements with the types that their parameters are announced with, by the places where they stand.
const PLACES: &[(&str, &[&str])] = &[
    ("select * from sales.nation limit ?", &["Int64"]),
    ("select * from sales.nation order by 1 limit ? offset ?", &["Int64", "Int64"]),
    ("select cast(? as int)", &["Int32"]),
    (
        "select cast(? as decimal(12,2)), cast(? as date), cast(? as boolean)",
        &["Decimal128(12, 2)", "Date32", "Boolean"],
    ),
    ("select count(*) from sales.orders where o_orderdate >= cast(? as date)", &["Date32"]),
    ("select substr(n_name, ?, ?) from sales.nation", &["Int64", "Int64"]),
    ("select round(o_totalprice, ?) from sales.orders", &["Int64"]),
    ("select lag(n_name, ?) over (order by n_name) from sales.nation", &["Int64"]),
    ("select coalesce(n_nationkey, ?) from sales.nation", &["Int64"]),
    ("select case when n_nationkey > 3 then ? else n_regionkey end from sales.nation", &["Int64"]),
    ("select case n_name when ? then 1 else 2 end from sales.nation", &["Utf8"]),
    ("select count(*) from sales.nation where n_nationkey = -?", &["Int64"]),
    ("select count(*) from sales.nation where not ?", &["Boolean"]),
    ("select count(*) from sales.nation where (n_nationkey, n_name) in ((?, ?))", &["Int64", "Utf8"]),
    ("select n_nationkey, n_name from sales.nation union all select ?, ?", &["Int64", "Utf8"]),
    ("select date_trunc('month', ?)", &["Timestamp(µs)"]),
    ("select ? - interval '1 day'", &["Timestamp(µs)"]),
    ("select o_orderdate + ? from sales.orders", &["Interval(MonthDayNano)"]),
    ("select upper(?)", &["Utf8"]),
    ("select count(*) from sales.nation where n_nationkey between ? and ?", &["Int64", "Int64"]),
    ("select count(*) from sales.nation where ? in (n_nationkey, n_regionkey)", &["Int64"]),
];

#[test]
fn a_parameter_has_the_type_of_its_place() {
    run(async {
        let connection = login(&*server().await, "analyst").await;
        let mut wrong = Vec::new();
        for (sql, expected) in PLACES {
            let found: Vec<String> = match connection.prepare(sql).await {
                Ok(statement) => {
                    let schema = statement.parameter_schema();
                    schema.fields().iter().map(|field| field.data_type().to_string()).collect()
                }
                Err(error) => vec![error.to_string()],
            };
            if found != *expected {
                wrong.push(format!("{sql}: {found:?}, expected {expected:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn a_pager_binds_limit_and_offset() {
    run(async {
        let connection = login(&*server().await, "analyst").await;
        let sql = "select n_nationkey from sales.nation order by n_nationkey limit ? offset ?";
        let statement = connection.prepare(sql).await.unwrap();
        let bound = Parameters::new().bind(2_i64).bind(3_i64);
        let batches: Vec<_> = statement.query(bound).await.unwrap().try_collect().await.unwrap();
        let rows: usize = batches.iter().map(arrow::array::RecordBatch::num_rows).sum();
        assert_eq!(rows, 2);
        assert_eq!(arrow::util::display::array_value_to_string(batches[0].column(0), 0).unwrap(), "3");
    });
}

/// Drivers for JDBC and ODBC know of a column what these keys say.
#[test]
fn a_column_is_described_as_drivers_read_it() {
    const PREFIX: &str = "ARROW:FLIGHT:SQL:";
    run(async {
        let connection = login(&*server().await, "analyst").await;
        let sql = "select o_totalprice as price, o_totalprice * 2 as twice, o_comment, rank() over (order by o_orderkey) \
                   from (select * from sales.orders) o";
        let statement = connection.prepare(sql).await.unwrap();
        let schema = statement.schema();
        let told = |column: usize, key: &str| {
            schema.field(column).metadata().get(&format!("{PREFIX}{key}")).cloned()
        };
        for (column, key, value) in [
            (0, "TYPE_NAME", Some("decimal(15,2)")),
            (0, "PRECISION", Some("15")),
            (0, "SCALE", Some("2")),
            (0, "CATALOG_NAME", Some("awsdatacatalog")),
            (0, "SCHEMA_NAME", Some("sales")),
            (0, "TABLE_NAME", Some("orders")),
            (0, "IS_SEARCHABLE", Some("1")),
            (0, "IS_READ_ONLY", Some("1")),
            (0, "IS_AUTO_INCREMENT", Some("0")),
            (0, "IS_CASE_SENSITIVE", Some("0")),
            (1, "SCALE", Some("2")),
            (1, "TABLE_NAME", None),
            (2, "IS_CASE_SENSITIVE", Some("1")),
            (2, "PRECISION", None),
            (3, "TYPE_NAME", Some("bigint")),
        ] {
            assert_eq!(told(column, key).as_deref(), value, "{key} of column {column}");
        }
        let first = rows(&connection, sql).await.unwrap().remove(0);
        assert_eq!(first.schema(), schema, "what is sent is what was announced");
    });
}
