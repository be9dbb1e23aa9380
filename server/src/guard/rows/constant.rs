//! Constants of a filter, given the type of their column once and for all.
//!
//! Nothing is rounded on the way: whole numbers and decimals are placed on the exact scale of their column, where a
//! constant may be one of its values, lie between two of them, or outside of them all.

use arrow::datatypes::DataType;
use chrono::NaiveDate;
use datafusion::common::ScalarValue;

use super::RowPolicyError;
use crate::access::filter::Literal;
use crate::mutant::Mutant;

/// Days from 0001-01-01 to 1970-01-01, as chrono counts them.
const EPOCH_DAY: i32 = 719_163;

/// Fraction digits that write any f32 exactly: the smallest one is 2^-149.
const F32_FRACTION_DIGITS: usize = 149;

/// The values of an integer or decimal column: `min` to `max` in steps of one, each divided by `10^scale`.
pub(super) struct Domain<'a> {
    data_type: &'a DataType,
    min: i128,
    max: i128,
    scale: u8,
    /// Whether a constant with a point has the column's type.
    takes_decimals: bool,
}

/// Where a constant lies in a [`Domain`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// It is this value.
    At(i128),
    /// It is larger than this value and smaller than the next one; both exist.
    After(i128),
    /// It is smaller than all values.
    Below,
    /// It is larger than all values.
    Above,
}

impl<'a> Domain<'a> {
    /// The domain of an integer or decimal type; `None` for others.
    pub(super) fn of(data_type: &'a DataType) -> Option<Self> {
        let whole = |min: i128, max: i128| Self { data_type, min, max, scale: 0, takes_decimals: false };
        match data_type {
            DataType::Int8 => Some(whole(i8::MIN.into(), i8::MAX.into())),
            DataType::Int16 => Some(whole(i16::MIN.into(), i16::MAX.into())),
            DataType::Int32 => Some(whole(i32::MIN.into(), i32::MAX.into())),
            DataType::Int64 => Some(whole(i64::MIN.into(), i64::MAX.into())),
            DataType::Decimal128(precision, scale) => {
                let scale = u8::try_from(*scale).ok()?;
                let max = 10_i128.checked_pow(u32::from(*precision))? - 1;
                Some(Self { data_type, min: -max, max, scale, takes_decimals: true })
            }
            _ => None,
        }
    }

    /// The smallest value.
    pub(super) fn min(&self) -> i128 {
        self.min
    }

    /// Places a constant.
    ///
    /// # Errors
    /// It is no number, or has a point and the column has none.
    pub(super) fn place(&self, literal: &Literal) -> Result<Place, RowPolicyError> {
        let (unscaled, scale) = match literal {
            Literal::Integer(value) => (*value, 0),
            Literal::Decimal(value) if self.takes_decimals => (value.unscaled(), value.scale()),
            _ => return Err(RowPolicyError::ConstantType),
        };
        if scale <= self.scale {
            let factor = 10_i128.checked_pow(u32::from(self.scale - scale));
            // Too large for 128 bits is too large for the column, in the direction of its sign.
            let beyond = if unscaled < 0 { Place::Below } else { Place::Above };
            let value = factor.and_then(|factor| unscaled.checked_mul(factor));
            return Ok(value.map_or(beyond, |value| self.clamp(Place::At(value))));
        }
        let divisor =
            10_i128.checked_pow(u32::from(scale - self.scale)).ok_or(RowPolicyError::ConstantType)?;
        let floor = unscaled.div_euclid(divisor);
        let is_exact = unscaled.rem_euclid(divisor) == 0 || Mutant::ConstantsRounded.is_on();
        Ok(self.clamp(if is_exact { Place::At(floor) } else { Place::After(floor) }))
    }

    fn clamp(&self, place: Place) -> Place {
        match place {
            Place::At(value) | Place::After(value) if value < self.min => Place::Below,
            Place::At(value) if value > self.max => Place::Above,
            Place::After(value) if value >= self.max => Place::Above,
            inside => inside,
        }
    }

    /// A value of the domain as a constant of the column's type.
    pub(super) fn scalar(&self, value: i128) -> Result<ScalarValue, RowPolicyError> {
        let scalar = match self.data_type {
            DataType::Int8 => i8::try_from(value).ok().map(ScalarValue::from),
            DataType::Int16 => i16::try_from(value).ok().map(ScalarValue::from),
            DataType::Int32 => i32::try_from(value).ok().map(ScalarValue::from),
            DataType::Int64 => i64::try_from(value).ok().map(ScalarValue::from),
            DataType::Decimal128(precision, scale) => {
                Some(ScalarValue::Decimal128(Some(value), *precision, *scale))
            }
            _ => None,
        };
        scalar.ok_or(RowPolicyError::ConstantType)
    }
}

/// A constant of a FLOAT or DOUBLE column. It is finite and, if zero, positive.
pub(super) fn float(literal: &Literal, data_type: &DataType) -> Result<f64, RowPolicyError> {
    let text = match literal {
        Literal::Integer(value) => value.to_string(),
        Literal::Decimal(value) => value.to_string(),
        _ => return Err(RowPolicyError::ConstantType),
    };
    if *data_type == DataType::Float64 {
        return text.parse().map_err(|_| RowPolicyError::ConstantType);
    }
    let value: f32 = text.parse().map_err(|_| RowPolicyError::ConstantType)?;
    let exact = format!("{:.F32_FRACTION_DIGITS$}", f64::from(value));
    if without_trailing_zeros(&exact) != without_trailing_zeros(&text) {
        return Err(RowPolicyError::InexactFloat);
    }
    Ok(f64::from(value))
}

fn without_trailing_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// A float as a constant of its column's type.
pub(super) fn float_scalar(value: f64, data_type: &DataType) -> ScalarValue {
    match data_type {
        // Exact: `float` made it from an f32.
        DataType::Float32 => ScalarValue::Float32(Some(value as f32)),
        _ => ScalarValue::Float64(Some(value)),
    }
}

/// A constant of a text column, in the column's layout.
pub(super) fn text(literal: &Literal, data_type: &DataType) -> Result<ScalarValue, RowPolicyError> {
    match literal {
        Literal::String(value) => Ok(text_scalar(value, data_type)),
        _ => Err(RowPolicyError::ConstantType),
    }
}

/// Text in the layout of a column.
pub(super) fn text_scalar(value: &str, data_type: &DataType) -> ScalarValue {
    let value = Some(value.to_owned());
    match data_type {
        DataType::Utf8View => ScalarValue::Utf8View(value),
        DataType::LargeUtf8 => ScalarValue::LargeUtf8(value),
        _ => ScalarValue::Utf8(value),
    }
}

/// A constant of a BOOLEAN column; `'true'` is none.
pub(super) fn boolean(literal: &Literal) -> Result<ScalarValue, RowPolicyError> {
    match literal {
        Literal::Boolean(value) => Ok(ScalarValue::from(*value)),
        _ => Err(RowPolicyError::ConstantType),
    }
}

/// A constant of a DATE column: exactly `YYYY-MM-DD`, and a day that exists.
pub(super) fn date(literal: &Literal) -> Result<ScalarValue, RowPolicyError> {
    let Literal::String(text) = literal else {
        return Err(RowPolicyError::ConstantType);
    };
    let days = iso_date(text).ok_or(RowPolicyError::Date)?;
    Ok(ScalarValue::Date32(Some(days)))
}

/// Days since 1970-01-01.
fn iso_date(text: &str) -> Option<i32> {
    let has_form = text.len() == 10
        && text.bytes().enumerate().all(|(position, byte)| match position {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !has_form {
        return None;
    }
    let year = text.get(0..4)?.parse().ok()?;
    let month = text.get(5..7)?.parse().ok()?;
    let day = text.get(8..10)?.parse().ok()?;
    let date = NaiveDate::from_ymd_opt(year, month, day).filter(|_| year > 0)?;
    Some(chrono::Datelike::num_days_from_ce(&date) - EPOCH_DAY)
}
