//! That metadata results have exactly the columns that drivers compare with.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

use arrow::array::AsArray;
use arrow_flight::IpcMessage;
use arrow_flight::sql::{CommandGetSqlInfo, CommandGetXdbcTypeInfo};

use super::*;
use crate::ids::TableName;

fn columns(schema: &Schema) -> Vec<String> {
    let describe = |field: &Arc<Field>| {
        format!(
            "{}: {}{}",
            field.name(),
            field.data_type(),
            if field.is_nullable() { "" } else { " not null" }
        )
    };
    schema.fields().iter().map(describe).collect()
}

fn get_tables(include_schema: bool) -> MetadataCommand {
    MetadataCommand::Tables(CommandGetTables { include_schema, ..CommandGetTables::default() })
}

#[test]
fn each_answer_has_flight_sqls_columns_types_and_nullability() {
    assert_eq!(columns(&MetadataCommand::Catalogs.schema()), ["catalog_name: Utf8 not null"]);
    assert_eq!(
        columns(&MetadataCommand::DbSchemas(CommandGetDbSchemas::default()).schema()),
        ["catalog_name: Utf8", "db_schema_name: Utf8 not null"]
    );
    let tables = [
        "catalog_name: Utf8",
        "db_schema_name: Utf8",
        "table_name: Utf8 not null",
        "table_type: Utf8 not null",
    ];
    assert_eq!(columns(&get_tables(false).schema()), tables);
    let with_schema = columns(&get_tables(true).schema());
    assert_eq!(with_schema[..4], tables);
    assert_eq!(with_schema[4], "table_schema: Binary not null");
    assert_eq!(columns(&MetadataCommand::TableTypes.schema()), ["table_type: Utf8 not null"]);
    assert_eq!(
        columns(&MetadataCommand::PrimaryKeys.schema()),
        [
            "catalog_name: Utf8",
            "db_schema_name: Utf8",
            "table_name: Utf8 not null",
            "column_name: Utf8 not null",
            "key_name: Utf8",
            "key_sequence: Int32 not null",
        ]
    );
    let foreign_keys = columns(&MetadataCommand::ForeignKeys.schema());
    assert_eq!(foreign_keys.len(), 13);
    assert_eq!(foreign_keys[11..], ["update_rule: UInt8 not null", "delete_rule: UInt8 not null"]);
}

#[test]
fn what_is_announced_is_what_is_sent() {
    assert_eq!(catalogs().unwrap().schema(), MetadataCommand::Catalogs.schema());
    assert_eq!(table_types().unwrap().schema(), MetadataCommand::TableTypes.schema());
    for include_schema in [false, true] {
        let answer = tables_answer(tables_builder(include_schema), &[]).unwrap();
        assert_eq!(answer.schema(), get_tables(include_schema).schema());
    }
    let sql_info =
        super::super::sql_info::SqlInfoTable::new(&super::super::sql_info::Capabilities::default()).unwrap();
    let command = MetadataCommand::SqlInfo(CommandGetSqlInfo::default());
    assert_eq!(sql_info.select(&[]).unwrap().schema(), command.schema());
    let xdbc_types = super::super::xdbc_types::XdbcTypes::new().unwrap();
    let command = MetadataCommand::XdbcTypeInfo(CommandGetXdbcTypeInfo::default());
    assert_eq!(xdbc_types.select(None).unwrap().schema(), command.schema());
}

#[test]
fn metadata_answers_are_wire_schemas_already() {
    let all = [
        MetadataCommand::Catalogs,
        MetadataCommand::DbSchemas(CommandGetDbSchemas::default()),
        get_tables(true),
        MetadataCommand::TableTypes,
        MetadataCommand::PrimaryKeys,
        MetadataCommand::ForeignKeys,
        MetadataCommand::SqlInfo(CommandGetSqlInfo::default()),
        MetadataCommand::XdbcTypeInfo(CommandGetXdbcTypeInfo::default()),
    ];
    for command in all {
        let schema = command.schema();
        assert_eq!(schema::wire_schema(&schema), schema, "{command:?}");
    }
}

#[test]
fn a_tables_schema_is_an_encapsulated_message_in_wire_types() {
    let entry = TableEntry {
        name: TableName::new("sales", "nation"),
        schema: Arc::new(Schema::new(vec![Field::new("n_name", DataType::Utf8View, true)])),
    };
    let answer = tables_answer(tables_builder(true), &[entry]).unwrap();
    assert_eq!(answer.column(2).as_string::<i32>().value(0), "nation");
    assert_eq!(answer.column(3).as_string::<i32>().value(0), "TABLE");
    let encoded = answer.column(4).as_binary::<i32>().value(0);
    assert_eq!(encoded[..4], [0xff; 4], "the continuation marker");
    let decoded: Schema = IpcMessage(encoded.to_vec().into()).try_into().unwrap();
    let field = decoded.field(0);
    assert_eq!(decoded.fields().len(), 1);
    assert_eq!((field.name().as_str(), field.data_type()), ("n_name", &DataType::Utf8));
    // What the JDBC driver asks of a column.
    assert_eq!(field.metadata()["ARROW:FLIGHT:SQL:TYPE_NAME"], "varchar");
}

#[test]
fn a_metadata_ticket_is_the_command_itself() {
    let descriptor = FlightDescriptor::new_cmd("the command's bytes");
    let info = MetadataCommand::TableTypes.flight_info(descriptor.clone()).unwrap();
    assert_eq!(info.endpoint[0].ticket.as_ref().unwrap().ticket, descriptor.cmd);
    assert!(info.endpoint[0].location.is_empty());
}
