//! The evaluator against answers written by hand: one that errs in the same way as the server would prove nothing.

use super::*;
use crate::oracle::filter::Place;

fn number(unscaled: i128, scale: u32) -> Constant {
    Constant::Number(Number { unscaled, scale })
}

fn text(value: &str) -> Constant {
    Constant::Text(value.to_owned())
}

fn says(test: &Test, cell: Cell) -> Option<bool> {
    let place = Place { column: 0, field: None };
    evaluate(&Tree::Leaf(FieldTest { place, test: test.clone() }), &[cell])
}

fn word(value: &str) -> Cell {
    Cell::Text(value.to_owned())
}

/// A tree whose operands are TRUE, FALSE and unknown as given.
fn operand(verdict: Option<bool>) -> Filter {
    let column = match verdict {
        Some(true) => 0,
        Some(false) => 1,
        None => 2,
    };
    let test = Test::Compare(Comparison::Equal, Constant::Boolean(true));
    Tree::Leaf(FieldTest { place: Place { column, field: None }, test })
}

#[test]
fn connectives_have_three_values() {
    const VALUES: [Option<bool>; 3] = [Some(true), Some(false), None];
    // By the row of the left and the column of the right operand, in the order of `VALUES`.
    let and = [[Some(true), Some(false), None], [Some(false); 3], [None, Some(false), None]];
    let or = [[Some(true); 3], [Some(true), Some(false), None], [Some(true), None, None]];
    let row = [Cell::Boolean(true), Cell::Boolean(false), Cell::Null];
    for (left, (all_of, any_of)) in VALUES.into_iter().zip(and.into_iter().zip(or)) {
        for (right, (all, any)) in VALUES.into_iter().zip(all_of.into_iter().zip(any_of)) {
            let operands = vec![operand(left), operand(right)];
            assert_eq!(evaluate(&Tree::All(operands.clone()), &row), all, "{left:?} AND {right:?}");
            assert_eq!(evaluate(&Tree::Any(operands), &row), any, "{left:?} OR {right:?}");
        }
    }
    for (verdict, negated) in VALUES.into_iter().zip([Some(false), Some(true), None]) {
        assert_eq!(evaluate(&Tree::Not(Box::new(operand(verdict))), &row), negated);
    }
}

#[test]
fn null_is_unknown_to_every_test_but_the_one_for_null() {
    let tests = [
        Test::Compare(Comparison::NotEqual, number(1, 0)),
        Test::Between(number(1, 0), number(2, 0)),
        Test::OneOf(vec![number(1, 0)]),
        Test::Like("%".to_owned()),
    ];
    for test in tests {
        assert_eq!(says(&test, Cell::Null), None, "{test:?}");
    }
    assert_eq!(says(&Test::Null, Cell::Null), Some(true));
    assert_eq!(says(&Test::Null, Cell::Whole(0)), Some(false));
}

#[test]
fn a_field_of_a_null_struct_is_null() {
    let place = Place { column: 0, field: Some(1) };
    let filter = Tree::Leaf(FieldTest { place, test: Test::Null });
    assert_eq!(evaluate(&filter, &[Cell::Null]), Some(true));
    assert_eq!(evaluate(&filter, &[Cell::Record(vec![Cell::Null, word("x")])]), Some(false));
}

#[test]
fn decimals_are_compared_without_rounding() {
    let above = Test::Compare(Comparison::Greater, number(99_995, 3));
    assert_eq!(says(&above, Cell::Decimal(9_999)), Some(false));
    assert_eq!(says(&above, Cell::Decimal(10_000)), Some(true));
    let equal = Test::Compare(Comparison::Equal, number(15, 1));
    assert_eq!(says(&equal, Cell::Decimal(150)), Some(true));
    assert_eq!(says(&equal, Cell::Double(1.5)), Some(true));
}

#[test]
fn zero_has_no_sign_and_nan_compares_with_nothing() {
    let zero = Test::Compare(Comparison::Equal, number(0, 0));
    assert_eq!(says(&zero, Cell::Double(-0.0)), Some(true));
    assert_eq!(says(&zero, Cell::Double(f64::NAN)), None);
    assert_eq!(says(&Test::Null, Cell::Double(f64::NAN)), Some(false));
}

#[test]
fn bounds_belong_to_a_range_and_keep_their_order() {
    let range = |low, high| Test::Between(number(low, 0), number(high, 0));
    assert_eq!(says(&range(1, 5), Cell::Whole(5)), Some(true));
    assert_eq!(says(&range(1, 5), Cell::Whole(1)), Some(true));
    assert_eq!(says(&range(5, 1), Cell::Whole(3)), Some(false));
}

#[test]
fn text_is_compared_by_its_bytes() {
    let below = |constant: &str| Test::Compare(Comparison::Less, text(constant));
    assert_eq!(says(&below("a"), word("B")), Some(true));
    assert_eq!(says(&below("z"), word("\u{e9}")), Some(false));
    assert_eq!(says(&Test::OneOf(vec![text("a"), text("b ")]), word("b")), Some(false));
}

#[test]
fn patterns_match_whole_values_character_by_character() {
    for (pattern, value, verdict) in [
        ("%", "", true),
        ("_", "", false),
        ("_", "\u{e9}", true),
        ("a%", "abc", true),
        ("a%", "Abc", false),
        ("%b%", "abc", true),
        ("%c", "abcc", true),
        ("a_c", "abc", true),
        ("a_c", "abbc", false),
        ("a", "ab", false),
        ("%_%_%", "a", false),
        ("a%b_", "a%bx", true),
        ("", "", true),
        ("%a%a%", "banana", true),
    ] {
        let test = Test::Like(pattern.to_owned());
        assert_eq!(says(&test, word(value)), Some(verdict), "{value:?} LIKE {pattern:?}");
    }
}
