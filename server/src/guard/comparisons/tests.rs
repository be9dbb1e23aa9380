//! What is compared with columns of Delta's types.

use super::*;

#[test]
fn a_double_is_the_decimal_that_was_written() {
    for (number, value, precision, scale) in [
        (144_993.93, 14_499_393, 8, 2),
        (-0.05, -5, 2, 2),
        (2.0, 2, 1, 0),
        (0.0, 0, 1, 0),
        (1e20, 100_000_000_000_000_000_000, 21, 0),
    ] {
        assert_eq!(
            as_written(number),
            Some(ScalarValue::Decimal128(Some(value), precision, scale)),
            "{number}"
        );
    }
    for number in [f64::NAN, f64::INFINITY, 1e300, 1e-300] {
        assert_eq!(as_written(number), None, "{number}");
    }
}

#[test]
fn a_comparison_that_no_decimal_could_hold_stays_as_it_is() {
    let half = ScalarValue::Decimal128(Some(5), 1, 1);
    assert!(fits_beside(&half, 12, 2) && fits_beside(&half, 37, 0));
    assert!(!fits_beside(&half, 38, 0));
}
