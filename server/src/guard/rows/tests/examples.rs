//! The documented examples of row filters over one table of all types that they are documented for: what each becomes, or
//! why it is refused.

use super::*;
use crate::access::filter::FilterError;

/// What a filter becomes, or who refuses it.
#[derive(Debug, PartialEq)]
enum Becomes {
    AllRows,
    Expression(&'static str),
    /// Not of the language.
    NotRead,
    /// Of the language, and without a meaning for this table.
    Refused(RowPolicyError),
}

use Becomes::{AllRows, Expression, NotRead, Refused};

fn schema() -> Schema {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let address = Field::new("address", DataType::Struct(Fields::from(vec![text("zip")])), true);
    let customer = vec![Field::new("customerid", DataType::Int64, true), text("name"), address];
    Schema::new(vec![
        text("country"),
        Field::new("id", DataType::Int64, true),
        Field::new("year", DataType::Int32, true),
        Field::new("month", DataType::Int32, true),
        Field::new("amount", DataType::Decimal128(12, 2), true),
        Field::new("score", DataType::Float64, true),
        Field::new("active", DataType::Boolean, true),
        text("email"),
        text("last"),
        text("name"),
        text("region"),
        text("dt"),
        Field::new("timestamp", DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None), true),
        Field::new("customer", DataType::Struct(Fields::from(customer)), true),
    ])
}

/// The examples, in the order of the knowledge sheet from which they come.
const EXAMPLES: [(&str, Becomes); 40] = [
    ("country = 'US'", Expression("country = Utf8(\"US\")")),
    ("country <> 'US'", Expression("country != Utf8(\"US\")")),
    ("country != 'US'", Expression("country != Utf8(\"US\")")),
    ("year > 2010 and country != 'US'", Expression("year > Int32(2010) AND country != Utf8(\"US\")")),
    (
        "(year > 2010 and country = 'US') or (month < 8 and id > 23)",
        Expression("year > Int32(2010) AND country = Utf8(\"US\") OR month < Int32(8) AND id > Int64(23)"),
    ),
    (
        "(country between 'Z' and 'U') and (year = 2018)",
        Expression("country >= Utf8(\"Z\") AND country <= Utf8(\"U\") AND year = Int32(2018)"),
    ),
    (
        "(country like '%ited%') and (year > 2000)",
        Expression("country LIKE Utf8(\"%ited%\") AND year > Int32(2000)"),
    ),
    ("country LIKE 'U_'", Expression("country LIKE Utf8(\"U_\")")),
    (r"email LIKE '50\%%'", NotRead),
    ("country IN ('US','CA','MX')", Expression("country IN ([Utf8(\"US\"), Utf8(\"CA\"), Utf8(\"MX\")])")),
    ("NOT (country IN ('US','CA'))", Expression("NOT country IN ([Utf8(\"US\"), Utf8(\"CA\")])")),
    ("country NOT IN ('US', NULL)", NotRead),
    ("email IS NULL", Expression("email IS NULL")),
    ("email IS NOT NULL AND active = true", Expression("NOT email IS NULL AND active = Boolean(true)")),
    ("year IS NULL", Expression("year IS NULL")),
    ("NOT email = 'a@b.c'", Expression("NOT email = Utf8(\"a@b.c\")")),
    ("id >= 1000 AND id < 2000", Expression("id >= Int64(1000) AND id < Int64(2000)")),
    ("id = '23'", Refused(RowPolicyError::ConstantType)),
    // Between two cents: above the lower one.
    ("amount > 99.995", Expression("amount > Decimal128(99.99,12,2)")),
    (
        "amount BETWEEN 0 AND 100",
        Expression("amount >= Decimal128(0.00,12,2) AND amount <= Decimal128(100.00,12,2)"),
    ),
    ("score >= -1.5", Expression("score >= Float64(-1.5)")),
    ("score = 0", Expression("score IN ([Float64(0), Float64(-0)])")),
    ("active = false", Expression("active = Boolean(false)")),
    ("\"last\" = 'Doe'", Expression("last = Utf8(\"Doe\")")),
    ("\"Last\" = 'Doe'", Expression("last = Utf8(\"Doe\")")),
    ("customer.customerid <> 1", Expression("get_field(customer, Utf8(\"customerid\")) != Int64(1)")),
    (
        "\"customer\".\"address\".\"zip\" LIKE '9%'",
        Expression("get_field(get_field(customer, Utf8(\"address\")), Utf8(\"zip\")) LIKE Utf8(\"9%\")"),
    ),
    (
        "dt >= '2024-01-01' AND dt < '2025-01-01'",
        Expression("dt >= Utf8(\"2024-01-01\") AND dt < Utf8(\"2025-01-01\")"),
    ),
    ("\"timestamp\" > '2026-05-01 00:00:00'", Refused(RowPolicyError::UnsupportedType)),
    ("name = 'O''Brien'", Expression("name = Utf8(\"O'Brien\")")),
    ("true", AllRows),
    ("TRUE", AllRows),
    ("1 = 1", NotRead),
    ("", NotRead),
    ("upper(country) = 'US'", NotRead),
    ("country = region", NotRead),
    ("id IN (SELECT id FROM t)", NotRead),
    ("id = 1 -- x", NotRead),
    ("id = 1; DROP TABLE t", NotRead),
    // The engine prints no parentheses behind NOT.
    ("NOT (active = true OR email IS NULL)", Expression("NOT active = Boolean(true) OR email IS NULL")),
];

#[test]
fn each_documented_example_becomes_what_is_stated_or_is_refused() {
    for (text, expected) in EXAMPLES {
        let parsed: Result<ParsedFilter, FilterError> = filter::parse(text);
        match (parsed, expected) {
            (Err(_), NotRead) | (Ok(ParsedFilter::AllRows), AllRows) => {}
            (Ok(ParsedFilter::Rows(filter)), expected) => {
                match (RowPolicy::compile(Some(&filter), &[], &schema()), expected) {
                    (Ok(policy), Expression(expected)) => {
                        assert_eq!(policy.pruning_expr().unwrap().to_string(), expected, "{text}");
                    }
                    (Err(refusal), Refused(expected)) => assert_eq!(refusal, expected, "{text}"),
                    (Ok(_), expected) => panic!("{text} is translated and not {expected:?}"),
                    (Err(refusal), expected) => panic!("{text} is refused ({refusal}) and not {expected:?}"),
                }
            }
            (parsed, expected) => panic!("{text}: read {}, and not {expected:?}", parsed.is_ok()),
        }
    }
}
