//! Columns that were widened: older files have the narrower type. Each change that Delta allows has a table of its own.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array, Int16Array,
    TimestampMicrosecondArray,
};
use serde_json::json;

use crate::delta::lake::Lake;
use crate::delta::schema::TableSchema;
use crate::delta::writer::{TableWriter, batch, field, field_with, ints, longs, metadata, protocol};
use crate::support::run;

fn decimals(value: i128, precision: u8, scale: i8) -> ArrayRef {
    Arc::new(Decimal128Array::from(vec![value]).with_precision_and_scale(precision, scale).unwrap())
}

fn doubles(value: f64) -> ArrayRef {
    Arc::new(Float64Array::from(vec![value]))
}

/// One change of a column's type: a value from before and one from after it, each in a file of its own.
struct Widening {
    from: &'static str,
    to: &'static str,
    before: ArrayRef,
    after: ArrayRef,
    /// Both values, the one from before first.
    values: [&'static str; 2],
    /// A predicate on column `v` that is true for the value from before alone, and one for the other.
    predicates: [&'static str; 2],
}

async fn assert_read(name: &str, change: Widening) {
    let configuration = || json!({"delta.enableTypeWidening": "true"});
    let types = json!({"delta.typeChanges": [{"fromType": change.from, "toType": change.to}]});
    let narrow = [field("id", "long"), field("v", change.from)];
    let wide = [field("id", "long"), field_with("v", change.to, types)];
    let version = protocol(&["typeWidening", "timestampNtz"]);
    let mut table = TableWriter::new(&[version, metadata(&narrow, &[], configuration())]);
    let before = table.data("before.parquet", &batch(&[("id", longs(&[1])), ("v", change.before)]));
    table.commit(&[before]);
    let after = table.data("after.parquet", &batch(&[("id", longs(&[2])), ("v", change.after)]));
    table.commit(&[metadata(&wide, &[], configuration()), after]);

    let files = table.finish();
    let lake = Lake::shared().await;
    lake.add(name, &files).await;
    let [old, new] = change.values;
    let [only_old, only_new] = change.predicates;
    let rows = [format!("1 | {old}"), format!("2 | {new}")];
    lake.assert_answers(
        "analyst",
        name,
        &[
            ("select * from {}", &[rows[0].as_str(), rows[1].as_str()]),
            (&format!("select id from {{}} where {only_old}"), &["1"]),
            (&format!("select id from {{}} where {only_new}"), &["2"]),
        ],
    )
    .await;
    let answer = lake.rows("analyst", name, "select * from {}").await;
    assert_eq!(answer.columns, TableSchema::of(&files).unwrap().columns);
}

/// A test per change, named by it.
macro_rules! widenings {
    ($($test:ident: $widening:expr,)*) => {
        mod older_files_are_read_as_the_wider_type {
            use super::*;

            $(
                #[test]
                fn $test() {
                    run(assert_read(concat!("widened_", stringify!($test)), $widening));
                }
            )*
        }
    };
}

widenings! {
    byte_to_int: Widening {
        from: "byte",
        to: "integer",
        before: Arc::new(Int8Array::from(vec![-128])),
        after: ints(&[300]),
        values: ["-128", "300"],
        predicates: ["v = -128", "v > 127"],
    },
    short_to_long: Widening {
        from: "short",
        to: "long",
        before: Arc::new(Int16Array::from(vec![32767])),
        after: longs(&[40_000]),
        values: ["32767", "40000"],
        predicates: ["v = 32767", "v > 32767"],
    },
    int_to_long: Widening {
        from: "integer",
        to: "long",
        before: ints(&[-2_147_483_648]),
        after: longs(&[3_000_000_000]),
        values: ["-2147483648", "3000000000"],
        predicates: ["v = -2147483648", "v > 2999999999"],
    },
    int_to_double: Widening {
        from: "integer",
        to: "double",
        before: ints(&[-3]),
        after: doubles(2.25),
        values: ["-3.0", "2.25"],
        predicates: ["v < -2.5", "v = 2.25"],
    },
    int_to_decimal: Widening {
        from: "integer",
        to: "decimal(12,2)",
        before: ints(&[7]),
        after: decimals(123_456_789_012, 12, 2),
        values: ["7.00", "1234567890.12"],
        predicates: ["v = 7", "v > 7.01"],
    },
    float_to_double: Widening {
        from: "float",
        to: "double",
        before: Arc::new(Float32Array::from(vec![1.5])),
        after: doubles(0.1),
        values: ["1.5", "0.1"],
        predicates: ["v > 1", "v = 0.1"],
    },
    date_to_timestamp_ntz: Widening {
        from: "date",
        to: "timestamp_ntz",
        before: Arc::new(Date32Array::from(vec![-1])),
        after: Arc::new(TimestampMicrosecondArray::from(vec![86_400_000_001])),
        values: ["1969-12-31 00:00:00", "1970-01-02 00:00:00.000001"],
        predicates: ["v < timestamp '1970-01-01 00:00:00'", "v > timestamp '1970-01-02 00:00:00'"],
    },
    decimal_precision: Widening {
        from: "decimal(5,2)",
        to: "decimal(12,2)",
        before: decimals(-99_999, 5, 2),
        after: decimals(999_999_999_999, 12, 2),
        values: ["-999.99", "9999999999.99"],
        predicates: ["v = -999.99", "v > 1000"],
    },
    decimal_scale: Widening {
        from: "decimal(5,2)",
        to: "decimal(20,6)",
        before: decimals(12_345, 5, 2),
        after: decimals(1, 20, 6),
        values: ["123.450000", "0.000001"],
        predicates: ["v = 123.45", "v < 0.00001"],
    },
}
