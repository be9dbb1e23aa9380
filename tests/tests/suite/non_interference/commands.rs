//! What Flight SQL asks about a catalog and a server, besides statements.

use arrow_flight::sql::{
    CommandGetCatalogs, CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys,
    CommandGetImportedKeys, CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables,
    CommandGetXdbcTypeInfo, CommandStatementUpdate, ProstMessageExt,
};
use prost::Message;

use crate::delta::lake::DATABASE;

/// Names and encoded commands.
pub(super) fn commands() -> Vec<(String, Vec<u8>)> {
    let mut commands = vec![
        ("catalogs".to_owned(), encoded(&CommandGetCatalogs {})),
        ("table types".to_owned(), encoded(&CommandGetTableTypes {})),
        ("facts about the server".to_owned(), encoded(&CommandGetSqlInfo { info: Vec::new() })),
        ("types".to_owned(), encoded(&CommandGetXdbcTypeInfo { data_type: None })),
        ("an update".to_owned(), encoded(&update("delete from brought.ledger"))),
    ];
    for pattern in [None, Some("%"), Some(DATABASE), Some("b%t"), Some("nothing")] {
        commands.push((format!("databases like {pattern:?}"), encoded(&databases(pattern))));
        for table in [None, Some("ledger"), Some("l%"), Some("locked"), Some("%e_"), Some("nothing")] {
            for include_schema in [false, true] {
                let name = format!("tables like {pattern:?}.{table:?}, with columns: {include_schema}");
                commands.push((name, encoded(&tables(pattern, table, include_schema))));
            }
        }
    }
    for table in ["ledger", "staff", "visits", "locked", "nothing"] {
        commands.push((format!("primary keys of {table}"), encoded(&primary_keys(table))));
        commands.push((format!("exported keys of {table}"), encoded(&exported_keys(table))));
        commands.push((format!("imported keys of {table}"), encoded(&imported_keys(table))));
        commands.push((format!("keys between ledger and {table}"), encoded(&cross_reference(table))));
    }
    commands
}

fn encoded(command: &impl ProstMessageExt) -> Vec<u8> {
    command.as_any().encode_to_vec()
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn databases(pattern: Option<&str>) -> CommandGetDbSchemas {
    CommandGetDbSchemas { catalog: None, db_schema_filter_pattern: owned(pattern) }
}

fn tables(database: Option<&str>, table: Option<&str>, include_schema: bool) -> CommandGetTables {
    CommandGetTables {
        catalog: None,
        db_schema_filter_pattern: owned(database),
        table_name_filter_pattern: owned(table),
        table_types: Vec::new(),
        include_schema,
    }
}

fn update(sql: &str) -> CommandStatementUpdate {
    CommandStatementUpdate { query: sql.to_owned(), transaction_id: None }
}

fn primary_keys(table: &str) -> CommandGetPrimaryKeys {
    CommandGetPrimaryKeys { catalog: None, db_schema: owned(Some(DATABASE)), table: table.to_owned() }
}

fn exported_keys(table: &str) -> CommandGetExportedKeys {
    CommandGetExportedKeys { catalog: None, db_schema: owned(Some(DATABASE)), table: table.to_owned() }
}

fn imported_keys(table: &str) -> CommandGetImportedKeys {
    CommandGetImportedKeys { catalog: None, db_schema: owned(Some(DATABASE)), table: table.to_owned() }
}

fn cross_reference(table: &str) -> CommandGetCrossReference {
    CommandGetCrossReference {
        pk_catalog: None,
        pk_db_schema: owned(Some(DATABASE)),
        pk_table: "ledger".to_owned(),
        fk_catalog: None,
        fk_db_schema: owned(Some(DATABASE)),
        fk_table: table.to_owned(),
    }
}
