//! XdbcTypeInfo: the SQL types, as ODBC's SQLGetTypeInfo lists them. Excel and Power BI ask through ODBC.
//!
//! Only types that a table of the lake or an expression can have. Dates and times follow ODBC's habit of a common
//! type with a subcode.

use arrow::array::RecordBatch;
use arrow_flight::sql::metadata::{XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder};
use arrow_flight::sql::{Nullable, Searchable, XdbcDataType, XdbcDatetimeSubcode};

use crate::error::Error;

/// Digits of a decimal number in base ten, and of a binary one in base two.
const DECIMAL_RADIX: i32 = 10;
const BINARY_RADIX: i32 = 2;

/// Digits after the decimal point of a second: timestamps have nanoseconds at the finest.
const MAX_SECOND_DIGITS: i32 = 9;

/// The list of types.
pub(super) struct XdbcTypes(XdbcTypeInfoData);

impl XdbcTypes {
    /// Builds the list.
    ///
    /// # Errors
    /// Only a defect.
    pub(super) fn new() -> Result<Self, Error> {
        let mut builder = XdbcTypeInfoDataBuilder::new();
        for row in types() {
            builder.append(row);
        }
        builder
            .build()
            .map(Self)
            .map_err(|error| Error::internal(format!("the type list cannot be built: {error}")))
    }

    /// The types of one data type, or all.
    ///
    /// # Errors
    /// Only a defect.
    pub(super) fn select(&self, data_type: Option<i32>) -> Result<RecordBatch, Error> {
        let selected = self.0.record_batch(data_type);
        selected.map_err(|error| Error::internal(format!("the type list cannot be read: {error}")))
    }
}

fn types() -> Vec<XdbcTypeInfo> {
    vec![
        XdbcTypeInfo {
            unsigned_attribute: None,
            num_prec_radix: None,
            ..number("BOOLEAN", XdbcDataType::XdbcBit, 1)
        },
        number("TINYINT", XdbcDataType::XdbcTinyint, 8),
        number("SMALLINT", XdbcDataType::XdbcSmallint, 16),
        number("INTEGER", XdbcDataType::XdbcInteger, 32),
        number("BIGINT", XdbcDataType::XdbcBigint, 64),
        number("REAL", XdbcDataType::XdbcReal, 24),
        number("DOUBLE", XdbcDataType::XdbcDouble, 53),
        XdbcTypeInfo {
            create_params: Some(vec!["precision".to_owned(), "scale".to_owned()]),
            minimum_scale: Some(0),
            maximum_scale: Some(38),
            num_prec_radix: Some(DECIMAL_RADIX),
            ..number("DECIMAL", XdbcDataType::XdbcDecimal, 38)
        },
        XdbcTypeInfo { case_sensitive: true, ..quoted("VARCHAR", XdbcDataType::XdbcVarchar, "'", i32::MAX) },
        quoted("VARBINARY", XdbcDataType::XdbcVarbinary, "X'", i32::MAX),
        moment("DATE", XdbcDataType::XdbcDate, XdbcDatetimeSubcode::XdbcSubcodeYear, "YYYY-MM-DD", false),
        moment("TIME", XdbcDataType::XdbcTime, XdbcDatetimeSubcode::XdbcSubcodeTime, "hh:mm:ss", true),
        moment(
            "TIMESTAMP",
            XdbcDataType::XdbcTimestamp,
            XdbcDatetimeSubcode::XdbcSubcodeTimestamp,
            "YYYY-MM-DD hh:mm:ss",
            true,
        ),
    ]
}

fn basic(name: &str, data_type: XdbcDataType, column_size: i32) -> XdbcTypeInfo {
    XdbcTypeInfo {
        type_name: name.to_owned(),
        data_type,
        sql_data_type: data_type,
        column_size: Some(column_size),
        nullable: Nullable::NullabilityNullable,
        searchable: Searchable::Full,
        local_type_name: Some(name.to_owned()),
        ..XdbcTypeInfo::default()
    }
}

fn number(name: &str, data_type: XdbcDataType, column_size: i32) -> XdbcTypeInfo {
    XdbcTypeInfo {
        unsigned_attribute: Some(false),
        auto_increment: Some(false),
        num_prec_radix: Some(BINARY_RADIX),
        ..basic(name, data_type, column_size)
    }
}

fn quoted(name: &str, data_type: XdbcDataType, prefix: &str, column_size: i32) -> XdbcTypeInfo {
    XdbcTypeInfo {
        literal_prefix: Some(prefix.to_owned()),
        literal_suffix: Some("'".to_owned()),
        ..basic(name, data_type, column_size)
    }
}

/// `form` gives the length of the type's text; fractions of a second come on top.
fn moment(
    name: &str,
    data_type: XdbcDataType,
    subcode: XdbcDatetimeSubcode,
    form: &str,
    has_fractions: bool,
) -> XdbcTypeInfo {
    let fraction = if has_fractions { 1 + MAX_SECOND_DIGITS } else { 0 };
    let column_size = i32::try_from(form.len()).unwrap_or_default() + fraction;
    XdbcTypeInfo {
        sql_data_type: XdbcDataType::XdbcDatetime,
        datetime_subcode: Some(subcode),
        minimum_scale: has_fractions.then_some(0),
        maximum_scale: has_fractions.then_some(MAX_SECOND_DIGITS),
        ..quoted(name, data_type, &format!("{name} '"), column_size)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

    use super::*;

    #[test]
    fn a_data_type_selects_its_own_rows() {
        let types = XdbcTypes::new().unwrap();
        assert_eq!(types.select(Some(XdbcDataType::XdbcVarchar as i32)).unwrap().num_rows(), 1);
        assert_eq!(types.select(Some(12_345)).unwrap().num_rows(), 0);
        assert!(types.select(None).unwrap().num_rows() > 10);
    }
}
