//! `typeof`: the type of a value by its name in SQL. (`arrow_typeof` says the same of the type in memory.)

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::Result;

use super::kernel::{Arguments, Kernel, Kind, text};

pub(super) const KERNELS: &[Kernel] =
    &[Kernel { name: "typeof", arguments: &[Kind::Any], required: 1, returns: text, call: type_of }];

fn type_of(arguments: &Arguments) -> Result<ArrayRef> {
    let name = name_of(arguments.array(0).0.data_type());
    Ok(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(name, arguments.rows))))
}

fn digits(unit: TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

/// A type by its name in SQL.
pub(super) fn name_of(data_type: &DataType) -> String {
    let plain = match data_type {
        DataType::Null => "unknown",
        DataType::Boolean => "boolean",
        DataType::Int8 => "tinyint",
        DataType::Int16 => "smallint",
        DataType::Int32 => "integer",
        DataType::Int64 => "bigint",
        DataType::Float32 => "real",
        DataType::Float64 => "double",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "varbinary"
        }
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => return format!("decimal({precision},{scale})"),
        DataType::Timestamp(unit, zone) => {
            let zone = if zone.is_some() { " with time zone" } else { "" };
            return format!("timestamp({}){zone}", digits(*unit));
        }
        DataType::Time32(unit) | DataType::Time64(unit) => return format!("time({})", digits(*unit)),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            return format!("array({})", name_of(item.data_type()));
        }
        DataType::Dictionary(_, value) => return name_of(value),
        DataType::Struct(fields) => {
            let part = |field: &Arc<arrow::datatypes::Field>| {
                format!("{} {}", field.name(), name_of(field.data_type()))
            };
            let parts: Vec<String> = fields.iter().map(part).collect();
            return format!("row({})", parts.join(", "));
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                return format!("map({}, {})", name_of(pair[0].data_type()), name_of(pair[1].data_type()));
            }
            _ => "map",
        },
        other => return other.to_string().to_lowercase(),
    };
    plain.to_owned()
}
