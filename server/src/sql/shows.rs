//! SHOW and DESCRIBE, as queries over `information_schema` and over the options of the session.
//!
//! What they show is then filtered, sorted and audited like any query, and nothing of them needs a second look. Names and
//! patterns are put into the query as literals.

use datafusion::sql::sqlparser::ast::{
    DescribeAlias, ObjectName, ObjectNamePart, ShowCreateObject, ShowStatementFilter,
    ShowStatementFilterPosition, ShowStatementOptions, Statement,
};

use super::options::{SessionOption, SessionOptions};
use crate::error::{Error, ErrorKind};

/// The query that answers a statement; `None` for statements of other kinds.
///
/// # Arguments
/// * `options` - those of the session: they are shown, and complete a table's name.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for clauses that only other databases have.
pub(super) fn as_query(statement: &Statement, options: &SessionOptions) -> Result<Option<String>, Error> {
    let schema = options.schema.as_deref();
    let query = match statement {
        Statement::ShowDatabases { terse: false, history: false, show_options }
        | Statement::ShowSchemas { terse: false, history: false, show_options } => {
            let conditions = [pattern(show_options, "schema_name")?];
            no_parent(show_options)?;
            select("schema_name", "schemata", conditions, "1")
        }
        Statement::ShowTables { terse: false, history: false, external: false, show_options, .. } => {
            let database = match parent(show_options)? {
                Some(name) => identifiers(&name)?.last().map(|database| equals("table_schema", database)),
                None => None,
            };
            let conditions = [database, pattern(show_options, "table_name")?];
            select("table_schema, table_name, table_type", "tables", conditions, "1, 2")
        }
        Statement::ShowColumns { show_options, .. } => {
            let table = parent(show_options)?.ok_or_else(unsupported)?;
            columns_of(&table, schema, pattern(show_options, "column_name")?)?
        }
        Statement::ShowFunctions { filter } => select(
            "routine_name, routine_type",
            "routines",
            [filtered(filter.as_ref(), "routine_name")?],
            "1",
        ),
        Statement::ExplainTable {
            describe_alias: DescribeAlias::Describe | DescribeAlias::Desc,
            hive_format: None,
            table_name,
            ..
        } => columns_of(table_name, schema, None)?,
        Statement::ShowCatalogs { terse: false, history: false, show_options } => {
            let conditions = [pattern(show_options, "catalog_name")?];
            no_parent(show_options)?;
            select("distinct catalog_name", "schemata", conditions, "1")
        }
        Statement::ShowVariables { filter: None, global: false, .. } => all_options(options),
        Statement::ShowCreate { obj_type: ShowCreateObject::Table, obj_name } => created(obj_name, schema)?,
        Statement::ShowVariable { variable } => match variable.as_slice() {
            [only] if only.value.eq_ignore_ascii_case("all") => all_options(options),
            [only] => one_option(options, SessionOption::named(&only.value).ok_or_else(unsupported)?),
            _ => return Err(unsupported()),
        },
        _ => return Ok(None),
    };
    Ok(Some(query))
}

fn one_option(options: &SessionOptions, option: SessionOption) -> String {
    format!("select {} as \"{}\"", value_of(options, option), option.name())
}

fn all_options(options: &SessionOptions) -> String {
    let row = |option: SessionOption| {
        let (name, meaning) = (literal(option.name()), literal(option.meaning()));
        format!("({name}, {}, {meaning})", value_of(options, option))
    };
    let rows: Vec<String> = SessionOption::ALL.into_iter().map(row).collect();
    format!("select * from (values {}) as o(name, setting, description)", rows.join(", "))
}

fn value_of(options: &SessionOptions, option: SessionOption) -> String {
    options.get(option).map_or_else(|| "cast(null as varchar)".to_owned(), |value| literal(&value))
}

fn columns_of(table: &ObjectName, schema: Option<&str>, condition: Option<String>) -> Result<String, Error> {
    let (database, table) = database_and_table(table, schema)?;
    let conditions = [Some(equals("table_schema", &database)), Some(equals("table_name", &table)), condition];
    Ok(select("column_name, data_type, is_nullable, remarks", "columns", conditions, "ordinal_position"))
}

fn database_and_table(table: &ObjectName, schema: Option<&str>) -> Result<(String, String), Error> {
    let names = identifiers(table)?;
    match (names.as_slice(), schema) {
        ([.., database, table], _) => Ok((database.clone(), table.clone())),
        ([table], Some(schema)) => Ok((schema.to_owned(), table.clone())),
        _ => Err(Error::no_such_table(&table.to_string())),
    }
}

/// One text that says how a table with its visible columns would be created. The query names the table itself, none of whose
/// rows it asks for: one that is not there, or not for this user, is an error as in every query.
fn created(table: &ObjectName, schema: Option<&str>) -> Result<String, Error> {
    let (database, name) = database_and_table(table, schema)?;
    let shown = literal(&identifiers(table)?.join("."));
    let mut parts = identifiers(table)?;
    if parts.len() == 1 {
        parts.insert(0, database.clone());
    }
    let named: Vec<String> = parts.iter().map(|part| quoted(part)).collect();
    Ok(format!(
        "select 'CREATE TABLE ' || {shown} || ' (\n' \
         || string_agg('  ' || c.column_name || ' ' || c.data_type, ',\n' order by c.ordinal_position) \
         || '\n)' as \"Create Table\" from information_schema.columns as c \
         left join (select 1 as there from {} where false) as t on true \
         where {} and {} having count(*) > 0",
        named.join("."),
        equals("c.table_schema", &database),
        equals("c.table_name", &name)
    ))
}

/// A name as an identifier.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn select<const N: usize>(
    columns: &str,
    table: &str,
    conditions: [Option<String>; N],
    order: &str,
) -> String {
    let conditions: Vec<String> = conditions.into_iter().flatten().collect();
    let filter =
        if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(" and ")) };
    format!("select {columns} from information_schema.{table}{filter} order by {order}")
}

fn equals(column: &str, name: &str) -> String {
    format!("{column} = {}", literal(name))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `IN …` or `FROM …`.
fn parent(options: &ShowStatementOptions) -> Result<Option<ObjectName>, Error> {
    if options.starts_with.is_some() || options.limit.is_some() || options.limit_from.is_some() {
        return Err(unsupported());
    }
    match &options.show_in {
        Some(parent) => parent.parent_name.clone().map(Some).ok_or_else(unsupported),
        None => Ok(None),
    }
}

fn no_parent(options: &ShowStatementOptions) -> Result<(), Error> {
    match parent(options)? {
        Some(_) => Err(unsupported()),
        None => Ok(()),
    }
}

fn pattern(options: &ShowStatementOptions, column: &str) -> Result<Option<String>, Error> {
    match &options.filter_position {
        Some(ShowStatementFilterPosition::Infix(filter) | ShowStatementFilterPosition::Suffix(filter)) => {
            filtered(Some(filter), column)
        }
        None => Ok(None),
    }
}

fn filtered(filter: Option<&ShowStatementFilter>, column: &str) -> Result<Option<String>, Error> {
    match filter {
        None => Ok(None),
        Some(ShowStatementFilter::Like(pattern)) => Ok(Some(format!("{column} like {}", literal(pattern)))),
        Some(ShowStatementFilter::ILike(pattern)) => Ok(Some(format!("{column} ilike {}", literal(pattern)))),
        Some(_) => Err(unsupported()),
    }
}

/// Names as the catalog spells them: in lower case, however they were quoted.
fn identifiers(name: &ObjectName) -> Result<Vec<String>, Error> {
    let identifier = |part: &ObjectNamePart| match part {
        ObjectNamePart::Identifier(identifier) => Ok(identifier.value.to_ascii_lowercase()),
        ObjectNamePart::Function(_) => Err(unsupported()),
    };
    name.0.iter().map(identifier).collect()
}

fn unsupported() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "of SHOW there are CATALOGS, SCHEMAS, TABLES [FROM database], COLUMNS FROM table, and FUNCTIONS, each with LIKE; \
         CREATE TABLE, VARIABLES, ALL, and the name of an option",
    )
}
