//! Functions of numbers that the engine does not have: `sign` in the type of its argument, `width_bucket`, and numbers in other
//! bases.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::common::Result;

use super::kernel::{Arguments, Kernel, Kind, as_first, of_wholes, text, whole};
use super::refused;

pub(super) const KERNELS: &[Kernel] = &[
    Kernel { name: "sign", arguments: &[Kind::Number], required: 1, returns: as_first, call: sign },
    Kernel {
        name: "width_bucket",
        arguments: &[Kind::Double, Kind::Double, Kind::Double, Kind::Whole],
        required: 4,
        returns: whole,
        call: width_bucket,
    },
    Kernel {
        name: "from_base",
        arguments: &[Kind::Text, Kind::Whole],
        required: 2,
        returns: whole,
        call: from_base,
    },
    Kernel {
        name: "to_base",
        arguments: &[Kind::Whole, Kind::Whole],
        required: 2,
        returns: text,
        call: to_base,
    },
    Kernel {
        name: "bit_count",
        arguments: &[Kind::Whole, Kind::Whole],
        required: 2,
        returns: whole,
        call: bit_count,
    },
];

fn sign(arguments: &Arguments) -> Result<ArrayRef> {
    if arguments.array(0).0.data_type() == &DataType::Int64 {
        let numbers = arguments.wholes(0);
        return of_wholes(arguments.rows, |row| Ok(numbers.get(row).map(i64::signum)));
    }
    let numbers = arguments.doubles(0);
    let sign = |number: f64| if number == 0.0 || number.is_nan() { number } else { number.signum() };
    let signs = (0..arguments.rows).map(|row| numbers.get(row).map(sign));
    Ok(Arc::new(signs.collect::<Float64Array>()))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a bucket is at most the count"
)]
fn width_bucket(arguments: &Arguments) -> Result<ArrayRef> {
    let (values, low, high) = (arguments.doubles(0), arguments.doubles(1), arguments.doubles(2));
    let counts = arguments.wholes(3);
    of_wholes(arguments.rows, |row| {
        let (Some(value), Some(low), Some(high), Some(count)) =
            (values.get(row), low.get(row), high.get(row), counts.get(row))
        else {
            return Ok(None);
        };
        if count <= 0
            || count > i64::from(i32::MAX)
            || low == high
            || !(low - high).is_finite()
            || value.is_nan()
        {
            return Err(refused(
                "width_bucket takes a number, two different bounds and a number of buckets that is greater than 0",
            ));
        }
        // As Trino rounds: the product first.
        let (least, most) = (low.min(high), low.max(high));
        let bucket = match value {
            below if below < least => 0,
            above if above >= most => count + 1,
            inside => (count as f64 * (inside - least) / (most - least) + 1.0) as i64,
        };
        Ok(Some(if low > high { count - bucket + 1 } else { bucket }))
    })
}

/// The base of a number's digits.
fn radix(base: i64) -> Result<u32> {
    let base = u32::try_from(base).ok().filter(|base| (2..=36).contains(base));
    base.ok_or_else(|| refused("the base of a number is from 2 to 36"))
}

fn from_base(arguments: &Arguments) -> Result<ArrayRef> {
    let (digits, bases) = (arguments.texts(0), arguments.wholes(1));
    of_wholes(arguments.rows, |row| {
        let (Some(digits), Some(base)) = (digits.get(row), bases.get(row)) else { return Ok(None) };
        let number = i64::from_str_radix(digits, radix(base)?);
        number.map(Some).map_err(|_| refused("from_base meets a text that is no number of its base"))
    })
}

fn to_base(arguments: &Arguments) -> Result<ArrayRef> {
    let (numbers, bases) = (arguments.wholes(0), arguments.wholes(1));
    let mut texts = StringBuilder::new();
    for row in 0..arguments.rows {
        match (numbers.get(row), bases.get(row)) {
            (Some(number), Some(base)) => texts.append_value(digits(number, radix(base)?)),
            _ => texts.append_null(),
        }
    }
    Ok(Arc::new(texts.finish()))
}

fn digits(number: i64, radix: u32) -> String {
    let mut rest = number.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(rest % u64::from(radix)).unwrap_or_default();
        digits.push(char::from_digit(digit, radix).unwrap_or('0'));
        rest /= u64::from(radix);
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        digits.push('-');
    }
    digits.into_iter().rev().collect()
}

fn bit_count(arguments: &Arguments) -> Result<ArrayRef> {
    let (numbers, widths) = (arguments.wholes(0), arguments.wholes(1));
    of_wholes(arguments.rows, |row| {
        let (Some(number), Some(width)) = (numbers.get(row), widths.get(row)) else { return Ok(None) };
        let is_fitting = match width {
            2..64 => (-(1_i64 << (width - 1))..(1_i64 << (width - 1))).contains(&number),
            other => other == 64,
        };
        if !is_fitting {
            return Err(refused("bit_count takes a number and from 2 to 64 bits that hold it"));
        }
        let mask = if width == 64 { -1 } else { i64::MAX >> (63 - width) };
        Ok(Some(i64::from((number & mask).count_ones())))
    })
}
