//! What is charged, when, and for how long. Results are measured, estimates compared with them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Int64Array, ListArray, StringArray, StringViewArray,
};
use arrow::datatypes::{Field, FieldRef, Int64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DFSchema, DataFusionError, ScalarValue};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlanBuilder, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, col, lit,
};

use super::call::AccountedFunction;
use super::operators::ConcatOperator;
use super::*;
use crate::guard::function_table::{self, Output, Work};
use crate::guard::functions;
use crate::guard::row_size::array_bytes;

const MEBIBYTE: usize = 1 << 20;

fn function(name: &str) -> Arc<ScalarUDF> {
    functions::scalar().into_iter().find(|function| function.name() == name).unwrap()
}

fn accounted_function(name: &str, account: &Arc<FunctionAccount>) -> AccountedFunction {
    let (inner, output, work) = match name {
        "||" => (Arc::new(ScalarUDF::from(ConcatOperator::new())), Output::Sum, Work::Linear),
        _ => {
            let row = function_table::scalar(name).unwrap();
            (function(name), row.output, row.work)
        }
    };
    AccountedFunction { inner, output, work, account: Arc::clone(account) }
}

fn account(bytes: usize) -> (Arc<dyn MemoryPool>, Arc<FunctionAccount>) {
    let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(bytes));
    let account = FunctionAccount::new(Arc::clone(&pool), Ended::default());
    // So many calls that each may take next to nothing without a charge.
    account.run(FREE_BYTES / 256);
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
        let estimate = estimate::most(function.output, &args, 500);
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
    let account = FunctionAccount::new(pool, Ended::default());
    let repeat = accounted_function("repeat", &account);
    assert!(call(&repeat, &[text("ab"), number(1000)], 1).is_err());
    let small = call(&repeat, &[text("ab"), number(1)], 1).unwrap().into_array(1).unwrap();
    assert_eq!(small.len(), 1);
}

#[test]
fn what_a_call_may_take_without_a_charge_is_less_the_more_calls_there_are() {
    let (pool, account) = account(64 * MEBIBYTE);
    account.run(1);
    let upper = accounted_function("upper", &account);
    let few = call(&upper, &[texts(1000, 100)], 1000).unwrap();
    assert_eq!(pool.reserved(), 0);
    account.run(1000);
    let many = call(&upper, &[texts(1000, 100)], 1000).unwrap();
    assert!(pool.reserved() >= 100_000, "{}", pool.reserved());
    drop((few, many));
    assert_eq!(pool.reserved(), 0);
}

#[test]
fn parts_of_texts_that_are_views_are_charged_as_views() {
    let (pool, account) = account(64 * MEBIBYTE);
    let pages = column(StringViewArray::from(vec!["x".repeat(20_000); 1000]));
    let part = call(&accounted_function("substr", &account), &[pages, number(2)], 1000).unwrap();
    assert_eq!(pool.reserved(), 16 * 1000);
    drop(part);
}

#[test]
fn patterns_that_differ_from_row_to_row_are_compiled_a_few_at_a_time() {
    let (pool, account) = account(256 * MEBIBYTE);
    let patterns: Vec<String> = (0..500).map(|number| format!("^.{number}$")).collect();
    let texts = column(StringArray::from_iter_values((0..500).map(|number| format!("x{number}"))));
    let like = accounted_function("regexp_like", &account);
    let result = call(&like, &[texts, column(StringArray::from(patterns))], 500).unwrap();
    let result = result.into_array(500).unwrap();
    assert_eq!(result.as_boolean().true_count(), 500);
    drop(result);
    assert_eq!(pool.reserved(), 0);
}

#[test]
fn patterns_that_differ_from_row_to_row_are_charged() {
    let (_, account) = account(8 * MEBIBYTE);
    let patterns: Vec<String> = (100..600).map(|number| format!("\\pL{{{number}}}")).collect();
    let like = accounted_function("regexp_like", &account);
    let refused = call(&like, &[texts(500, 1), column(StringArray::from(patterns))], 500);
    assert!(matches!(refused, Err(DataFusionError::ResourcesExhausted(_))), "{refused:?}");
}

#[test]
fn a_call_that_takes_long_stops_when_its_statement_has_ended() {
    let (_, account) = account(64 * MEBIBYTE);
    let arguments = [texts(1000, 1000), texts(1000, 1000)];
    account.ended.set();
    assert!(call(&accounted_function("levenshtein", &account), &arguments, 1000).is_err());
    let short = [texts(3, 3), texts(3, 3)];
    assert!(call(&accounted_function("levenshtein", &account), &short, 3).is_ok());
}

#[test]
fn a_call_in_pieces_gives_what_one_of_all_rows_gives() {
    let (_, account) = account(64 * MEBIBYTE);
    let left: Vec<String> = (0..300).map(|row| "ab".repeat(row % 200)).collect();
    let right: Vec<String> = (0..300).map(|row| "ba".repeat((row * 7) % 200)).collect();
    let arguments = [column(StringArray::from(left)), column(StringArray::from(right))];
    let function = accounted_function("levenshtein", &account);
    let whole = function.inner.clone();
    let pieces = call(&function, &arguments, 300).unwrap().into_array(300).unwrap();
    let alone = AccountedFunction { inner: whole, work: Work::Linear, output: Output::Fixed, account };
    let whole = call(&alone, &arguments, 300).unwrap().into_array(300).unwrap();
    assert_eq!(&pieces, &whole);
}

#[test]
fn a_chain_of_concatenations_is_one_call_with_the_name_and_type_that_it_had() {
    let (_, account) = account(MEBIBYTE);
    let operands = (0..50).map(|_| col("a"));
    let concat = |left: Expr, right| {
        Expr::BinaryExpr(datafusion::logical_expr::BinaryExpr::new(
            Box::new(left),
            datafusion::logical_expr::Operator::StringConcat,
            Box::new(right),
        ))
    };
    let chain = operands.fold(lit("x"), concat);
    let rows = LogicalPlanBuilder::empty(true).project([lit("y").alias("a")]).unwrap();
    let plan = rows.project([chain.clone()]).unwrap().build().unwrap();
    let exchanged = accounted(plan.clone(), &account).unwrap();
    assert_eq!(exchanged.schema(), plan.schema());
    let LogicalPlan::Projection(projection) = &exchanged else { panic!("{exchanged}") };
    let Expr::ScalarFunction(call) = &projection.expr[0] else { panic!("{exchanged}") };
    assert_eq!(call.args.len(), 51);
    let schema: &DFSchema = projection.input.schema();
    assert_eq!(projection.expr[0].get_type(schema).unwrap(), chain.get_type(schema).unwrap());
}

#[test]
fn a_chain_of_concatenations_is_null_where_an_operand_is() {
    let (_, account) = account(MEBIBYTE);
    let operand = |texts: [Option<&str>; 3]| column(StringArray::from(texts.to_vec()));
    let operands = [
        operand([Some("a"), Some("b"), None]),
        operand([Some("c"), None, Some("d")]),
        operand([Some("e"), Some("f"), Some("g")]),
    ];
    let result = call(&accounted_function("||", &account), &operands, 3).unwrap().into_array(3).unwrap();
    assert_eq!(result.as_string::<i32>(), &StringArray::from(vec![Some("ace"), None, None]));
}
