//! What is charged, when, and for how long. Results are measured, estimates compared with them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use arrow::array::{ArrayRef, Date32Array, Int64Array, ListArray, StringArray, StringViewArray};
use arrow::datatypes::Int64Type;
use datafusion::common::ScalarValue;
use datafusion::common::config::ConfigOptions;
use datafusion::execution::memory_pool::GreedyMemoryPool;

use super::*;
use crate::guard::functions;

const MEBIBYTE: usize = 1 << 20;

fn function(name: &str) -> Arc<ScalarUDF> {
    functions::scalar().into_iter().find(|function| function.name() == name).unwrap()
}

fn accounted_function(name: &str, account: &Arc<FunctionAccount>) -> AccountedFunction {
    let (inner, growth) = match name {
        "||" => (Arc::new(ScalarUDF::from(ConcatOperator::new())), Growth::Sum),
        _ => (function(name), Growth::of(name).unwrap()),
    };
    AccountedFunction { inner, growth, account: Arc::clone(account) }
}

fn account(bytes: usize) -> (Arc<dyn MemoryPool>, Arc<FunctionAccount>) {
    let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(bytes));
    let account = FunctionAccount::new(Arc::clone(&pool));
    account.is_running.store(true, Ordering::Relaxed);
    (pool, account)
}

fn call(function: &AccountedFunction, args: &[ColumnarValue], rows: usize) -> Result<ColumnarValue> {
    let arg_fields: Vec<FieldRef> =
        args.iter().map(|arg| Arc::new(Field::new("a", arg.data_type(), true))).collect();
    let scalars: Vec<Option<&ScalarValue>> = args
        .iter()
        .map(|arg| match arg {
            ColumnarValue::Scalar(value) => Some(value),
            ColumnarValue::Array(_) => None,
        })
        .collect();
    let return_field = function
        .return_field_from_args(ReturnFieldArgs { arg_fields: &arg_fields, scalar_arguments: &scalars })?;
    function.invoke_with_args(ScalarFunctionArgs {
        args: args.to_vec(),
        arg_fields,
        number_rows: rows,
        return_field,
        config_options: Arc::new(ConfigOptions::default()),
    })
}

fn text(value: &str) -> ColumnarValue {
    ColumnarValue::Scalar(ScalarValue::Utf8(Some(value.to_owned())))
}

fn number(value: i64) -> ColumnarValue {
    ColumnarValue::Scalar(ScalarValue::Int64(Some(value)))
}

fn column(array: impl Array + 'static) -> ColumnarValue {
    ColumnarValue::Array(Arc::new(array))
}

fn texts(rows: usize, length: usize) -> ColumnarValue {
    column(StringArray::from(vec!["x".repeat(length); rows]))
}

#[test]
fn what_would_not_fit_is_refused_before_it_is_made() {
    let (pool, account) = account(MEBIBYTE);
    let pages = column(StringViewArray::from(vec!["x".repeat(2000); 1000]));
    for (name, args) in [
        ("repeat", vec![text("x"), number(1_000_000_000)]),
        ("repeat", vec![texts(1000, 10), column(Int64Array::from_iter_values(0..1000))]),
        ("lpad", vec![texts(1000, 1), number(2_000_000)]),
        ("rpad", vec![text("x"), number(i64::from(i32::MAX)), text("ü")]),
        ("concat", vec![pages.clone(), pages.clone()]),
        ("concat_ws", vec![text(&"-".repeat(10_000)), texts(1000, 1), texts(1000, 1)]),
        ("replace", vec![texts(1000, 100), text("x"), text(&"y".repeat(1000))]),
        ("regexp_replace", vec![texts(1000, 100), text("x"), text(&"y".repeat(1000)), text("g")]),
        ("range", vec![number(0), number(i64::MAX)]),
        ("generate_series", vec![number(i64::MIN), number(i64::MAX), number(3)]),
        ("array_repeat", vec![number(1), number(1_000_000_000)]),
        ("||", vec![pages, text("y")]),
    ] {
        let refused = call(&accounted_function(name, &account), &args, 1000);
        assert!(matches!(refused, Err(DataFusionError::ResourcesExhausted(_))), "{name}: {refused:?}");
        assert_eq!(pool.reserved(), 0, "{name}");
    }
}

#[test]
fn an_estimate_is_never_less_than_the_result() {
    let (pool, account) = account(usize::MAX / 2);
    let lists = || {
        let rows = (0..500).map(|row| Some((0..row % 50).map(Some).collect::<Vec<Option<i64>>>()));
        column(ListArray::from_iter_primitive::<Int64Type, _, _>(rows))
    };
    let days =
        |days: &[i32]| column(Date32Array::from(days.iter().copied().cycle().take(500).collect::<Vec<_>>()));
    let month = ColumnarValue::Scalar(ScalarValue::new_interval_mdn(1, 0, 0));
    for (name, args) in [
        ("repeat", vec![texts(500, 7), column(Int64Array::from_iter_values(0..500))]),
        ("lpad", vec![texts(500, 7), number(300), text("ü")]),
        ("rpad", vec![texts(500, 7), number(300), text("ü")]),
        ("concat", vec![texts(500, 700), text("abc"), texts(500, 7)]),
        ("concat_ws", vec![text("----------"), texts(500, 700), text("abc"), texts(500, 7)]),
        ("replace", vec![texts(500, 50), text("x"), text("abcdefghij")]),
        ("regexp_replace", vec![texts(500, 50), text("(x)"), text("\\1\\1\\1\\1\\1\\1"), text("g")]),
        ("translate", vec![texts(500, 500), text("x"), text("ü")]),
        ("overlay", vec![texts(500, 500), texts(500, 500), number(3)]),
        ("range", vec![number(-40), column(Int64Array::from_iter_values(0..500)), number(3)]),
        ("generate_series", vec![number(900), number(-7), number(-2)]),
        ("generate_series", vec![days(&[0, 3000]), days(&[2900]), month]),
        ("array_repeat", vec![texts(500, 50), number(30)]),
        ("array_concat", vec![lists(), lists(), lists()]),
        ("array_to_string", vec![lists(), text("----------")]),
        ("string_to_array", vec![texts(500, 500), text("x")]),
        ("arrays_zip", vec![lists(), lists()]),
        ("make_array", vec![texts(500, 500), text("x"), texts(500, 500)]),
        ("||", vec![texts(500, 500), text("abc")]),
    ] {
        let function = accounted_function(name, &account);
        let estimate = function.growth.estimate(&args, 500);
        let result = call(&function, &args, 500).unwrap_or_else(|error| panic!("{name}: {error}"));
        let made = array_bytes(result.into_array(500).unwrap().as_ref());
        assert!(made > 0 && made <= estimate, "{name}: {made} bytes, {estimate} estimated");
        assert_eq!(pool.reserved(), 0, "{name}: the result is gone and still charged");
    }
}

#[test]
fn a_result_is_charged_as_long_as_a_part_of_it_is_held() {
    let (pool, account) = account(64 * MEBIBYTE);
    let result = call(&accounted_function("repeat", &account), &[texts(1000, 10), number(100)], 1000);
    let whole = result.unwrap().into_array(1000).unwrap();
    let charged = pool.reserved();
    assert!((MEBIBYTE * 9 / 10..2 * MEBIBYTE).contains(&charged), "{charged}");
    let part: ArrayRef = whole.slice(7, 1);
    drop(whole);
    assert_eq!(pool.reserved(), charged);
    assert_eq!(part.to_data().len(), 1);
    drop(part);
    assert_eq!(pool.reserved(), 0);
}

#[test]
fn a_constant_that_grows_is_left_for_the_run() {
    let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(MEBIBYTE));
    let account = FunctionAccount::new(pool);
    let repeat = accounted_function("repeat", &account);
    assert!(call(&repeat, &[text("ab"), number(1000)], 1).is_err());
    let small = call(&repeat, &[text("ab"), number(1)], 1).unwrap().into_array(1).unwrap();
    assert_eq!(small.len(), 1);
}

#[test]
fn every_growing_function_is_one_that_the_server_offers() {
    for name in estimate::names() {
        assert_eq!(function(name).name(), name);
    }
}
