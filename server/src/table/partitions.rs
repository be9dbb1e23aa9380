//! Partition values from their texts in the log, for tables that are partitioned by a decimal.
//!
//! The kernel reads a decimal only if it was written with all digits of its type: `1.1` under decimal(10, 2), and each value of a
//! column that was widened later, made the table unreadable. Other readers take any number that the type can hold.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, MapArray, StringArray, StructArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use delta_kernel::{DeltaResult, Error as KernelError};

use super::index::{LONGEST_PARTITION_VALUE, check_lengths};
use super::schema::TableColumns;

/// Whether the kernel would read the values of a table's partition columns too strictly.
pub(super) fn are_read_here(columns: &TableColumns) -> bool {
    columns.partitioned_by.iter().any(|position| columns.physical.field(*position).data_type().is_decimal())
}

/// The values of a partition column for each file.
///
/// # Arguments
/// * `constants` - what the kernel says of files beside their statistics.
/// * `name` - the column's name in the log.
///
/// # Errors
/// If a text is no value of the type.
pub(super) fn column(constants: &StructArray, name: &str, data_type: &DataType) -> DeltaResult<ArrayRef> {
    let values = constants
        .column_by_name("partitionValues")
        .and_then(|values| values.as_map_opt())
        .ok_or_else(|| KernelError::generic("partition values are not a map"))?;
    let texts: StringArray = (0..values.len()).map(|file| text(values, file, name)).collect();
    let texts: ArrayRef = Arc::new(texts);
    check_lengths(&texts, LONGEST_PARTITION_VALUE, "a partition value")?;
    match data_type {
        DataType::Decimal128(precision, scale) => {
            let parsed = |text: Option<&str>| text.map(|text| decimal(text, *precision, *scale)).transpose();
            let decimals =
                texts.as_string::<i32>().iter().map(parsed).collect::<DeltaResult<Decimal128Array>>()?;
            Ok(Arc::new(decimals.with_precision_and_scale(*precision, *scale)?))
        }
        other => {
            let strict = CastOptions { safe: false, ..CastOptions::default() };
            Ok(cast_with_options(&texts, other, &strict)?)
        }
    }
}

/// "An empty string translates to a null partition value", says the protocol.
fn text(values: &MapArray, file: usize, name: &str) -> Option<String> {
    if values.is_null(file) {
        return None;
    }
    let entries = values.value(file);
    let (names, texts) =
        (entries.column(0).as_string_opt::<i32>()?, entries.column(1).as_string_opt::<i32>()?);
    let place = (0..names.len()).find(|place| names.value(*place) == name)?;
    (texts.is_valid(place) && !texts.value(place).is_empty()).then(|| texts.value(place).to_owned())
}

fn decimal(text: &str, precision: u8, scale: i8) -> DeltaResult<i128> {
    let wrong = || KernelError::generic("a partition value is no decimal of its column's type");
    let digits = text.trim_start_matches(['-', '+']);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    let fraction = fraction.trim_end_matches('0');
    let places = usize::try_from(scale).map_err(|_| wrong())?;
    let is_number = has_digits && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    if !is_number || fraction.len() > places || text.len() > digits.len() + 1 {
        return Err(wrong());
    }
    let value: i128 = format!("0{whole}{fraction:0<places$}").parse().map_err(|_| wrong())?;
    if value >= 10_i128.pow(u32::from(precision)) {
        return Err(wrong());
    }
    Ok(if text.starts_with('-') { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_read_with_as_many_digits_as_were_written() {
        for (text, value) in [
            ("1.1", 110),
            ("1.10", 110),
            ("-1", -100),
            ("0.05", 5),
            ("1.100", 110),
            ("99999999.99", 9_999_999_999),
        ] {
            assert_eq!(decimal(text, 10, 2).ok(), Some(value), "{text}");
        }
        for text in ["", "1.105", "x", "100000000", "--1", "1e3", "."] {
            assert_eq!(decimal(text, 10, 2).ok(), None, "{text}");
        }
    }
}
