//! Quotients of decimals, rounded as their type says.
//!
//! The engine's fault: it cuts what does not fit into the scale of the result, and multiplies within 128 bits before it divides,
//! so that a quotient of long decimals overflows though it would fit.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, Datum, PrimitiveArray};
use arrow::compute::{try_binary, try_unary};
use arrow::datatypes::{ArrowNativeType, DataType, Decimal128Type, Decimal256Type, DecimalType, i256};
use arrow::error::ArrowError;

/// A number that decimals are made of.
pub(super) trait Digits: ArrowNativeTypeOp {
    /// The number with room for the products of two of its kind.
    fn wide(self) -> i256;

    /// The number in fewer bits, if it fits.
    fn of_wide(wide: i256) -> Option<Self>;
}

impl Digits for i128 {
    fn wide(self) -> i256 {
        i256::from_i128(self)
    }

    fn of_wide(wide: i256) -> Option<Self> {
        wide.to_i128()
    }
}

impl Digits for i256 {
    fn wide(self) -> i256 {
        self
    }

    fn of_wide(wide: i256) -> Option<Self> {
        Some(wide)
    }
}

/// `dividend × factor ÷ divisor`, halves rounded away from zero.
///
/// # Errors
/// Of division by zero, and if the quotient has no room.
pub(super) fn rounded<N: Digits>(dividend: N, factor: N, divisor: N) -> Result<N, ArrowError> {
    if let Ok(product) = dividend.mul_checked(factor) {
        return halves_up(product, divisor);
    }
    let quotient = halves_up(dividend.wide().mul_checked(factor.wide())?, divisor.wide())?;
    N::of_wide(quotient).ok_or_else(overflow)
}

fn halves_up<N: ArrowNativeTypeOp>(dividend: N, divisor: N) -> Result<N, ArrowError> {
    let quotient = dividend.div_checked(divisor)?;
    let rest = dividend.sub_wrapping(quotient.mul_wrapping(divisor));
    if rest.is_zero() {
        return Ok(quotient);
    }
    let is_negative = dividend.is_lt(N::ZERO) != divisor.is_lt(N::ZERO);
    // Negative, because that side has room for all.
    let below = |number: N| if number.is_lt(N::ZERO) { number } else { number.neg_wrapping() };
    let (rest, divisor) = (below(rest), below(divisor));
    if rest.is_gt(divisor.sub_wrapping(rest)) {
        return Ok(quotient);
    }
    if is_negative { quotient.sub_checked(N::ONE) } else { quotient.add_checked(N::ONE) }
}

/// An overflow, in words that nobody sees: clients hear the kind of error alone.
pub(super) fn overflow() -> ArrowError {
    ArrowError::ArithmeticOverflow("a number has more digits than its type".to_owned())
}

/// `left ÷ right`, element by element.
///
/// # Arguments
/// * `result` - the quotients' type, as the engine announces it.
///
/// # Errors
/// Of division by zero, and if a quotient has no room.
pub(super) fn divided(
    left: &dyn Datum,
    right: &dyn Datum,
    result: &DataType,
) -> Result<ArrayRef, ArrowError> {
    match result {
        DataType::Decimal128(_, scale) => divided_as::<Decimal128Type>(left, right, result, *scale),
        DataType::Decimal256(_, scale) => divided_as::<Decimal256Type>(left, right, result, *scale),
        _ => arrow::compute::kernels::numeric::div(left, right),
    }
}

fn divided_as<T: DecimalType>(
    left: &dyn Datum,
    right: &dyn Datum,
    result: &DataType,
    scale: i8,
) -> Result<ArrayRef, ArrowError>
where
    T::Native: Digits,
{
    let ((left_array, left_is_one), (right_array, right_is_one)) = (left.get(), right.get());
    let power = i16::from(scale) - i16::from(scale_of(left_array)) + i16::from(scale_of(right_array));
    let Ok(power) = u32::try_from(power) else {
        return arrow::compute::kernels::numeric::div(left, right);
    };
    let factor = T::Native::usize_as(10).pow_checked(power)?;
    let (lefts, rights) = (left_array.as_primitive::<T>(), right_array.as_primitive::<T>());
    let quotients: PrimitiveArray<T> = match (left_is_one, right_is_one) {
        (true, false) if lefts.is_null(0) => PrimitiveArray::new_null(rights.len()),
        (false, true) if rights.is_null(0) => PrimitiveArray::new_null(lefts.len()),
        (true, false) => {
            let dividend = lefts.value(0);
            try_unary(rights, |divisor| rounded(dividend, factor, divisor))?
        }
        (false, true) => {
            let divisor = rights.value(0);
            try_unary(lefts, |dividend| rounded(dividend, factor, divisor))?
        }
        _ => try_binary(lefts, rights, |dividend, divisor| rounded(dividend, factor, divisor))?,
    };
    within(Arc::new(quotients.with_data_type(result.clone())))
}

fn scale_of(array: &dyn Array) -> i8 {
    match array.data_type() {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale,
        _ => 0,
    }
}

/// The same decimals, if each has no more digits than its type.
///
/// # Errors
/// If one has more.
pub(super) fn within(decimals: ArrayRef) -> Result<ArrayRef, ArrowError> {
    let is_within = match decimals.data_type() {
        DataType::Decimal128(precision, _) => {
            let decimals = decimals.as_primitive::<Decimal128Type>();
            fits(decimals, *precision, i128::wrapping_abs)
        }
        DataType::Decimal256(precision, _) => {
            let decimals = decimals.as_primitive::<Decimal256Type>();
            fits(decimals, *precision, i256::wrapping_abs)
        }
        _ => true,
    };
    if is_within { Ok(decimals) } else { Err(overflow()) }
}

fn fits<T: ArrowPrimitiveType>(
    decimals: &PrimitiveArray<T>,
    precision: u8,
    magnitude: impl Fn(T::Native) -> T::Native,
) -> bool
where
    T::Native: ArrowNativeTypeOp,
{
    let Ok(bound) = T::Native::usize_as(10).pow_checked(u32::from(precision)) else { return true };
    // The magnitude of the smallest number is negative: there is none.
    let has_room = |value: T::Native| {
        let magnitude = magnitude(value);
        magnitude.is_lt(bound) && magnitude.is_ge(T::Native::ZERO)
    };
    let values = decimals.values();
    if values.iter().fold(true, |all, value| all & has_room(*value)) {
        return true;
    }
    // What stands below a NULL is no value.
    decimals.iter().flatten().all(has_room)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn halves_are_rounded_away_from_zero() {
        for (dividend, divisor, quotient) in
            [(2, 3, 1), (-2, 3, -1), (1, 2, 1), (-1, 2, -1), (1, -2, -1), (1, 3, 0), (-1, -2, 1), (6, 3, 2)]
        {
            assert_eq!(rounded(dividend, 1_i128, divisor).unwrap(), quotient, "{dividend} / {divisor}");
        }
        assert_eq!(rounded(i128::MAX, 10, 20).unwrap(), i128::MAX / 2 + 1);
        assert_eq!(rounded(i128::MIN, 1, 3).unwrap(), i128::MIN / 3 - 1);
        assert!(rounded(i128::MAX, 10, 1).is_err());
        assert!(rounded(1, 1, 0_i128).is_err());
    }
}
