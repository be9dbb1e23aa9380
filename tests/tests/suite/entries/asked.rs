//! What is asked in words of its own: statements about a table by all ways that a statement can take, and what there is to
//! ask about the server. `{}` is the table.

use arrow::array::RecordBatch;
use arrow_flight::sql::{
    CommandGetPrimaryKeys, CommandGetTables, CommandStatementSubstraitPlan, ProstMessageExt, SubstraitPlan,
};
use datafusion_substrait::substrait::proto::read_rel::{NamedTable, ReadType};
use datafusion_substrait::substrait::proto::rel::RelType;
use datafusion_substrait::substrait::proto::r#type::{I64, Kind, Nullability, String as Text, Struct};
use datafusion_substrait::substrait::proto::{NamedStruct, Plan, PlanRel, ReadRel, Rel, Type, plan_rel};
use prost::Message;

use crate::delta::lake::DATABASE;
use crate::delta::writer::{batch, longs};

/// A way to ask.
pub(super) enum Ask {
    /// A ticket for a statement, and its rows.
    Rows(&'static str),
    /// GetSchema.
    Schema(&'static str),
    Prepare(&'static str),
    /// Prepared, bound to [`parameter`], and run.
    Bound(&'static str),
    /// A command: GetSchema, its ticket, its rows.
    Command(fn(&str) -> Vec<u8>),
}

/// See the file's head.
pub(super) const ABOUT_A_TABLE: &[(&str, &Ask)] = &[
    ("statement, rows", &Ask::Rows("select * from brought.{}")),
    ("statement, schema", &Ask::Schema("select * from brought.{}")),
    ("statement, count", &Ask::Rows("select count(*) n from brought.{}")),
    ("statement, bounds", &Ask::Rows("select max(id) m, min(note) from brought.{}")),
    ("statement, limit", &Ask::Rows("select count(*) n from (select id from brought.{} limit 3) t")),
    (
        "statement, hidden rows",
        &Ask::Rows("select id from brought.{} where region <> 'north' or region is null"),
    ),
    ("statement, hidden column", &Ask::Rows("select secret from brought.{}")),
    ("statement, division", &Ask::Rows("select 100 / (id - 2) x from brought.{}")),
    ("prepared, handle", &Ask::Prepare("select * from brought.{}")),
    ("prepared, bound", &Ask::Bound("select id, note from brought.{} where id < ?")),
    ("EXPLAIN", &Ask::Rows("explain select note from brought.{} where id < 3")),
    ("EXPLAIN ANALYZE", &Ask::Rows("explain analyze select * from brought.{}")),
    ("DESCRIBE", &Ask::Rows("describe brought.{}")),
    ("SHOW COLUMNS", &Ask::Rows("show columns from brought.{}")),
    ("time travel, first version", &Ask::Rows("select id from brought.{} version as of 0")),
    ("time travel, second version", &Ask::Rows("select id from brought.{} version as of 1")),
    ("time travel, moment", &Ask::Rows("select id from brought.{} timestamp as of '2100-01-01'")),
    (
        "information_schema.columns",
        &Ask::Rows(
            "select column_name from information_schema.columns where table_schema = 'brought' and table_name = '{}'",
        ),
    ),
    ("Substrait plan", &Ask::Command(|table| plan(table, &["id", "note"]))),
    ("Substrait plan, hidden column", &Ask::Command(|table| plan(table, &["id", "secret"]))),
    ("CommandGetTables, with schema", &Ask::Command(tables)),
    ("CommandGetPrimaryKeys", &Ask::Command(primary_keys)),
];

/// See the file's head.
pub(super) const ABOUT_THE_SERVER: &[(&str, &Ask)] = &[
    ("statement, no table", &Ask::Rows("select 1 as one")),
    (
        "statement, two tables",
        &Ask::Rows("select count(*) n from brought.plain join brought.split using (id)"),
    ),
    ("statement, a change", &Ask::Rows("delete from brought.plain")),
    ("statement, a file", &Ask::Rows("select * from 's3://lakegate-demo/brought/plain/part-0.parquet'")),
    ("SHOW SCHEMAS", &Ask::Rows("show schemas")),
    ("SHOW TABLES", &Ask::Rows("show tables from brought")),
    ("SHOW FUNCTIONS", &Ask::Rows("show functions like 'array_a%'")),
    ("SET", &Ask::Rows("set datafusion.execution.batch_size = 1")),
];

/// The row that statements are bound to.
pub(super) fn parameter() -> RecordBatch {
    batch(&[("0", longs(&[4]))])
}

fn tables(table: &str) -> Vec<u8> {
    let command = CommandGetTables {
        db_schema_filter_pattern: Some(DATABASE.to_owned()),
        table_name_filter_pattern: Some(table.to_owned()),
        include_schema: true,
        ..CommandGetTables::default()
    };
    command.as_any().encode_to_vec()
}

/// A plan that reads columns of a table, of which `id` is a number.
fn plan(table: &str, columns: &[&str]) -> Vec<u8> {
    let nullability = Nullability::Nullable.into();
    let kind = |column: &&str| match *column {
        "id" => Kind::I64(I64 { nullability, ..I64::default() }),
        _ => Kind::String(Text { nullability, ..Text::default() }),
    };
    let types = columns.iter().map(|column| Type { kind: Some(kind(column)) }).collect();
    let names = columns.iter().map(|column| (*column).to_owned()).collect();
    let read = ReadRel {
        base_schema: Some(NamedStruct { names, r#struct: Some(Struct { types, ..Struct::default() }) }),
        read_type: Some(ReadType::NamedTable(NamedTable {
            names: vec![DATABASE.to_owned(), table.to_owned()],
            advanced_extension: None,
        })),
        ..ReadRel::default()
    };
    let root = plan_rel::RelType::Rel(Rel { rel_type: Some(RelType::Read(Box::new(read))) });
    let plan = Plan { relations: vec![PlanRel { rel_type: Some(root) }], ..Plan::default() };
    let plan = Some(SubstraitPlan { plan: plan.encode_to_vec().into(), version: String::new() });
    CommandStatementSubstraitPlan { plan, transaction_id: None }.as_any().encode_to_vec()
}

fn primary_keys(table: &str) -> Vec<u8> {
    let (catalog, db_schema) = (None, Some(DATABASE.to_owned()));
    CommandGetPrimaryKeys { catalog, db_schema, table: table.to_owned() }.as_any().encode_to_vec()
}
