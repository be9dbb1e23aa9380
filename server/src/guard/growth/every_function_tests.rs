//! Every function of the table is called with arguments of many kinds: what comes out is never more than was estimated.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array, ListArray,
    MapArray, StringArray, StringViewArray, StructArray, TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};

use super::call::made_bytes;
use super::estimate;
use crate::guard::function_table::{self, Output, Role};
use crate::guard::functions;
use crate::guard::row_size::array_bytes;

const ROWS: usize = 64;

/// Calls that go well, of each function.
const CALLS: usize = 40;

/// Calls that are tried for that.
const TRIED: usize = 1_500;

/// Functions that planning replaces by others, those over types that no column here has, and those that chance gives no fit to.
const NEVER_CALLED: [&str; 20] = [
    "array_add",
    "array_subtract",
    "arrow_cast",
    "arrow_try_cast",
    "cast_to_type",
    "coalesce",
    "cosine_distance",
    "current_date",
    "current_time",
    "date_bin",
    "inner_product",
    "make_time",
    "map",
    "map_entries",
    "now",
    "nvl",
    "nvl2",
    "try_cast_to_type",
    "union_extract",
    "union_tag",
];

/// A generator that makes the same numbers in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

fn text(numbers: &mut Numbers) -> String {
    let parts = [
        "a",
        "ab,c",
        "ŉΐİ",
        "Ⱥ",
        "xyz ",
        "1",
        "2024-01-02",
        "(a)",
        ".",
        "%Y-%m-%d %H:%M:%S",
        "md5",
        "hex",
        "",
    ];
    let times = numbers.below(12);
    (0..times).map(|_| parts[numbers.below(parts.len())]).collect()
}

fn word(numbers: &mut Numbers) -> &'static str {
    let words =
        ["a", ",", "", "md5", "hex", "base64", "year", "day", "%c %+ %A %B", "(.)(.)?", "g", "ΐ", "second"];
    words[numbers.below(words.len())]
}

fn lists(numbers: &mut Numbers) -> ListArray {
    let row = |numbers: &mut Numbers| {
        (numbers.below(8) > 0).then(|| {
            let length = numbers.below(20);
            (0..length)
                .map(|_| (numbers.below(9) > 0).then(|| i64::try_from(numbers.below(5)).unwrap()))
                .collect::<Vec<_>>()
        })
    };
    let rows: Vec<_> = (0..ROWS).map(|_| row(numbers)).collect();
    ListArray::from_iter_primitive::<Int64Type, _, _>(rows)
}

fn of_texts(numbers: &mut Numbers) -> ArrayRef {
    let lists = lists(numbers);
    arrow::compute::cast(&lists, &DataType::new_list(DataType::Utf8, true)).unwrap()
}

fn maps(numbers: &mut Numbers) -> ArrayRef {
    let entries = (0..ROWS).map(|row| (format!("k{}", row % 7), i64::try_from(numbers.below(100)).unwrap()));
    let (keys, values): (Vec<String>, Vec<i64>) = entries.unzip();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let offsets: Vec<u32> = (0..=u32::try_from(ROWS).unwrap()).collect();
    Arc::new(MapArray::new_from_strings(keys.into_iter(), &Int64Array::from(values), &offsets).unwrap())
}

fn column(numbers: &mut Numbers) -> ArrayRef {
    let whole = |numbers: &mut Numbers| i64::try_from(numbers.below(60)).unwrap() - 10;
    match numbers.below(12) {
        0 => Arc::new(StringArray::from_iter_values((0..ROWS).map(|_| text(numbers)))),
        1 | 2 => Arc::new(StringViewArray::from_iter_values((0..ROWS).map(|_| text(numbers)))),
        3 | 4 => Arc::new(Int64Array::from_iter_values((0..ROWS).map(|_| whole(numbers)))),
        5 => Arc::new(Float64Array::from_iter_values((0..ROWS).map(|_| 0.5))),
        6 => Arc::new(BooleanArray::from(vec![true; ROWS])),
        7 => {
            Arc::new(Date32Array::from_iter_values((0..ROWS).map(|_| i32::try_from(whole(numbers)).unwrap())))
        }
        8 => Arc::new(TimestampNanosecondArray::from_iter_values(
            (0..ROWS).map(|_| whole(numbers) * 1_000_000_007),
        )),
        9 => Arc::new(lists(numbers)),
        10 => of_texts(numbers),
        _ => match numbers.below(3) {
            0 => maps(numbers),
            1 => Arc::new(BinaryArray::from_iter_values((0..ROWS).map(|_| text(numbers).into_bytes()))),
            _ => {
                let field: FieldRef = Arc::new(Field::new("a", DataType::Utf8, true));
                let texts = StringArray::from_iter_values((0..ROWS).map(|_| text(numbers)));
                Arc::new(StructArray::from(vec![(field, Arc::new(texts) as ArrayRef)]))
            }
        },
    }
}

fn argument(numbers: &mut Numbers) -> ColumnarValue {
    match numbers.below(10) {
        0..=3 => ColumnarValue::Array(column(numbers)),
        4..=6 => ColumnarValue::Scalar(ScalarValue::Utf8(Some(word(numbers).to_owned()))),
        7 | 8 => {
            ColumnarValue::Scalar(ScalarValue::Int64(Some(i64::try_from(numbers.below(12)).unwrap() - 2)))
        }
        _ => ColumnarValue::Scalar(ScalarValue::try_from_array(&column(numbers), 3).unwrap()),
    }
}

/// Arguments of functions that refuse most texts and numbers, so that chance gives no fit to them.
fn fitting(name: &str) -> Option<Vec<ColumnarValue>> {
    let of = |text: fn(usize) -> String| -> ColumnarValue {
        ColumnarValue::Array(Arc::new(StringViewArray::from_iter_values((0..ROWS).map(text))))
    };
    let text = |text: &str| ColumnarValue::Scalar(ScalarValue::Utf8(Some(text.to_owned())));
    let whole = |number: i64| ColumnarValue::Scalar(ScalarValue::Int64(Some(number)));
    let days = || ColumnarValue::Array(Arc::new(Date32Array::from_iter_values(0..64)));
    let json = || of(|row| format!("{{\"a\": [\"{}\", {row}]}}", "x".repeat(row)));
    Some(match name {
        "json_extract" | "json_extract_scalar" | "get_json_object" | "json_size" => {
            vec![json(), text("$.a[0]")]
        }
        "json_parse" | "is_json_scalar" => vec![json()],
        "date_add" => vec![text("month"), whole(3), days()],
        "date_diff" => vec![text("month"), days(), days()],
        "date_parse" => vec![of(|row| format!("2024-01-{:02}", row % 31 + 1)), text("%Y-%m-%d")],
        "from_base" => vec![of(|row| row.to_string()), whole(16)],
        "slice" => vec![ColumnarValue::Array(Arc::new(lists(&mut Numbers(1)))), whole(2), whole(5)],
        "width_bucket" => {
            let double = |number: f64| ColumnarValue::Scalar(ScalarValue::Float64(Some(number)));
            vec![double(0.5), double(0.0), double(1.0), whole(4)]
        }
        _ => return None,
    })
}

/// The bytes of a call's result and what was estimated; `None` if the function does not take the arguments.
fn called(function: &ScalarUDF, arguments: Vec<ColumnarValue>) -> Option<(usize, usize)> {
    let given: Vec<FieldRef> = arguments
        .iter()
        .map(|argument| Arc::new(Field::new("a", argument.data_type(), true)) as FieldRef)
        .collect();
    let fields = fields_with_udf(&given, function).ok()?;
    let arguments: Vec<ColumnarValue> = arguments
        .into_iter()
        .zip(&fields)
        .map(|(argument, field)| argument.cast_to(field.data_type(), None).ok())
        .collect::<Option<_>>()?;
    let scalars: Vec<Option<&ScalarValue>> = arguments
        .iter()
        .map(|argument| match argument {
            ColumnarValue::Scalar(value) => Some(value),
            ColumnarValue::Array(_) => None,
        })
        .collect();
    let types = ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &scalars };
    let return_field = function.return_field_from_args(types).ok()?;
    let call = ScalarFunctionArgs {
        args: arguments,
        arg_fields: fields,
        number_rows: ROWS,
        return_field,
        config_options: Arc::new(ConfigOptions::default()),
    };
    let row = function_table::scalar(function.name()).unwrap();
    let most = estimate::of_call(row.output, &call);
    let given: Vec<ArrayRef> = call
        .args
        .iter()
        .filter_map(|argument| match argument {
            ColumnarValue::Array(array) => Some(ArrayRef::clone(array)),
            ColumnarValue::Scalar(_) => None,
        })
        .collect();
    let result = function.invoke_with_args(call).ok()?.into_array(ROWS).ok()?;
    let made = if row.output == Output::Field { 0 } else { own_bytes(&result, &given) };
    Some((made.max(made_bytes(row.output, &result)), most))
}

/// Bytes of a result, those that its views share with what was given left out.
fn own_bytes(result: &ArrayRef, given: &[ArrayRef]) -> usize {
    if result.data_type() != &DataType::Utf8View {
        return array_bytes(result.as_ref());
    }
    let shared: Vec<*const u8> = given
        .iter()
        .flat_map(|array| array.to_data().buffers().iter().map(|buffer| buffer.as_ptr()).collect::<Vec<_>>())
        .collect();
    let views = result.as_string_view();
    // A scalar is made an array of before it is looked at.
    let own = views.data_buffers().iter().filter(|buffer| !shared.contains(&buffer.as_ptr()));
    let own: usize = own.map(|buffer| buffer.len()).sum();
    array_bytes(result.as_ref()).min(views.len() * size_of::<u128>() + own)
}

#[test]
fn no_function_makes_more_than_its_row_in_the_table_says() {
    let mut problems = Vec::new();
    let mut never = BTreeSet::new();
    for function in functions::scalar() {
        let mut numbers = Numbers(function.name().len() as u64);
        let mut calls = 0;
        for _ in 0..TRIED {
            let arity = numbers.below(5);
            let by_chance = |numbers: &mut Numbers| (0..arity).map(|_| argument(numbers)).collect();
            let arguments = fitting(function.name()).unwrap_or_else(|| by_chance(&mut numbers));
            // Some functions end with a panic for arguments that planning keeps away from them.
            let call = std::panic::AssertUnwindSafe(|| called(&function, arguments));
            let Ok(Some((made, most))) = std::panic::catch_unwind(call) else { continue };
            if made > most {
                problems.push(format!("{}: {made} bytes, {most} estimated", function.name()));
                break;
            }
            calls += 1;
            if calls == CALLS {
                break;
            }
        }
        if calls == 0 {
            never.insert(function.name().to_owned());
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let expected: BTreeSet<String> = NEVER_CALLED.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(never, expected);
    let casts = function_table::SCALAR.iter().filter(|row| matches!(row.role, Role::Casts | Role::Chooses));
    assert!(casts.into_iter().all(|row| NEVER_CALLED.contains(&row.name)));
}
