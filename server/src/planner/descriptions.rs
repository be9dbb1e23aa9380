//! What a result's columns are, beside name and type: Flight SQL's metadata of a column, which JDBC and ODBC read.
//!
//! A driver knows of precision, scale and origin what these keys say and nothing else: without them a decimal(15,2) is a
//! decimal(0,0) in Java. Source: Flight SQL, "Column metadata" of the protocol's definition (CommandGetTables).

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::TableReference;
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan};

use crate::catalog::sql_type;
use crate::ids::CATALOG;

const CATALOG_NAME: &str = "ARROW:FLIGHT:SQL:CATALOG_NAME";
const SCHEMA_NAME: &str = "ARROW:FLIGHT:SQL:SCHEMA_NAME";
const TABLE_NAME: &str = "ARROW:FLIGHT:SQL:TABLE_NAME";
const TYPE_NAME: &str = "ARROW:FLIGHT:SQL:TYPE_NAME";
const PRECISION: &str = "ARROW:FLIGHT:SQL:PRECISION";
const SCALE: &str = "ARROW:FLIGHT:SQL:SCALE";
const IS_AUTO_INCREMENT: &str = "ARROW:FLIGHT:SQL:IS_AUTO_INCREMENT";
const IS_CASE_SENSITIVE: &str = "ARROW:FLIGHT:SQL:IS_CASE_SENSITIVE";
const IS_READ_ONLY: &str = "ARROW:FLIGHT:SQL:IS_READ_ONLY";
const IS_SEARCHABLE: &str = "ARROW:FLIGHT:SQL:IS_SEARCHABLE";

/// The columns of a plan with their descriptions.
pub(crate) fn described(plan: &LogicalPlan) -> SchemaRef {
    let schema = plan.schema().inner();
    let fields = schema.fields().iter().enumerate();
    let fields: Vec<FieldRef> =
        fields.map(|(index, field)| with_description(field, origin(plan, index))).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// The columns of a table with their descriptions. Which table it is, its row in GetTables says.
pub(crate) fn described_table(schema: &Schema) -> Schema {
    let fields: Vec<FieldRef> = schema.fields().iter().map(|field| with_description(field, None)).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

fn with_description(field: &Field, origin: Option<&TableReference>) -> FieldRef {
    let data_type = field.data_type();
    let mut metadata = field.metadata().clone();
    let mut say = |key: &str, value: String| metadata.insert(key.to_owned(), value);
    say(TYPE_NAME, sql_type(data_type));
    say(IS_SEARCHABLE, flag(true));
    say(IS_READ_ONLY, flag(true));
    say(IS_AUTO_INCREMENT, flag(false));
    say(
        IS_CASE_SENSITIVE,
        flag(matches!(data_type, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)),
    );
    if let Some((precision, scale)) = digits(data_type) {
        say(PRECISION, precision.to_string());
        say(SCALE, scale.to_string());
    }
    if let Some(table) = origin {
        say(CATALOG_NAME, CATALOG.to_owned());
        say(SCHEMA_NAME, table.schema().unwrap_or_default().to_owned());
        say(TABLE_NAME, table.table().to_owned());
    }
    Arc::new(Field::new(field.name(), data_type.clone(), field.is_nullable()).with_metadata(metadata))
}

fn flag(is_set: bool) -> String {
    u8::from(is_set).to_string()
}

/// Decimal digits, and how many of them are behind the point; of moments the characters of their text.
fn digits(data_type: &DataType) -> Option<(u8, i8)> {
    match data_type {
        DataType::Boolean => Some((1, 0)),
        DataType::Int8 | DataType::UInt8 => Some((3, 0)),
        DataType::Int16 | DataType::UInt16 => Some((5, 0)),
        DataType::Int32 | DataType::UInt32 => Some((10, 0)),
        DataType::Int64 => Some((19, 0)),
        DataType::UInt64 => Some((20, 0)),
        DataType::Float16 | DataType::Float32 => Some((7, 0)),
        DataType::Float64 => Some((15, 0)),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => Some((*precision, *scale)),
        DataType::Date32 | DataType::Date64 => Some((10, 0)),
        DataType::Time32(_) | DataType::Time64(_) => Some((15, 6)),
        DataType::Timestamp(_, _) => Some((26, 6)),
        _ => None,
    }
}

/// The table that a column is read from, if it is passed on as it is.
fn origin(plan: &LogicalPlan, index: usize) -> Option<&TableReference> {
    match plan {
        LogicalPlan::TableScan(scan) => Some(&scan.table_name),
        LogicalPlan::Projection(projection) => of_expr(projection.expr.get(index)?, &projection.input),
        LogicalPlan::Aggregate(aggregate) => of_expr(aggregate.group_expr.get(index)?, &aggregate.input),
        LogicalPlan::SubqueryAlias(alias) => origin(&alias.input, index),
        LogicalPlan::Filter(filter) => origin(&filter.input, index),
        LogicalPlan::Sort(sort) => origin(&sort.input, index),
        LogicalPlan::Limit(limit) => origin(&limit.input, index),
        LogicalPlan::Distinct(Distinct::All(input)) => origin(input, index),
        LogicalPlan::Window(window) => {
            (index < window.input.schema().fields().len()).then(|| origin(&window.input, index)).flatten()
        }
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match join.join_type {
                JoinType::RightSemi | JoinType::RightAnti => origin(&join.right, index),
                JoinType::LeftSemi | JoinType::LeftAnti => origin(&join.left, index),
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full if index >= left => {
                    origin(&join.right, index - left)
                }
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                    origin(&join.left, index)
                }
                JoinType::LeftMark | JoinType::RightMark => None,
            }
        }
        _ => None,
    }
}

fn of_expr<'a>(expr: &Expr, input: &'a LogicalPlan) -> Option<&'a TableReference> {
    match expr {
        Expr::Alias(alias) => of_expr(&alias.expr, input),
        Expr::Column(column) => origin(input, input.schema().maybe_index_of_column(column)?),
        _ => None,
    }
}
