//! The SQL name of a column's type, as `information_schema` tells it.

use arrow::datatypes::{DataType, FieldRef, Fields};

/// For example `decimal(12,2)` or `array(varchar)`. A type that has no SQL name is shown as arrow's.
pub(crate) fn sql_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "varchar".to_owned(),
        DataType::Binary | DataType::BinaryView | DataType::LargeBinary => "varbinary".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone".to_owned(),
        DataType::List(item) => format!("array({})", sql_type(item.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) => format!("map({})", listed(pair, |field| sql_type(field.data_type()))),
            other => other.to_string(),
        },
        DataType::Struct(fields) => {
            let named = |field: &FieldRef| format!("{} {}", field.name(), sql_type(field.data_type()));
            format!("row({})", listed(fields, named))
        }
        other => other.to_string(),
    }
}

fn listed(fields: &Fields, word: impl Fn(&FieldRef) -> String) -> String {
    fields.iter().map(word).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::hive_type;
    use super::*;

    #[test]
    fn types_of_the_catalog_have_sql_names() {
        for (hive, sql) in [
            ("int", "integer"),
            ("string", "varchar"),
            ("varchar(10)", "varchar"),
            ("decimal(12,2)", "decimal(12,2)"),
            ("array<map<string,bigint>>", "array(map(varchar, bigint))"),
            ("struct<a:int,b:date>", "row(a integer, b date)"),
        ] {
            assert_eq!(hive_type::parse(hive).map(|data_type| sql_type(&data_type)).as_deref(), Some(sql));
        }
    }
}
