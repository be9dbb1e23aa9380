//! How long a call takes, and how it is cut so that it can be told to stop.
//!
//! A call is not interrupted, so one that takes more steps than its arguments have bytes is made of few rows at a time. How many
//! follows from how long the ones before took; the result does not depend on it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};

use super::{FunctionAccount, estimate, patterns};
use crate::error::{Error, ErrorKind};
use crate::guard::function_table::Work;
use crate::guard::row_size::array_bytes;

/// Steps that one row may take: some seconds, in which its thread serves nobody else and cannot be told to stop.
const MOST_STEPS_OF_A_ROW: usize = 1 << 30;

/// Steps that a call may take before it is cut: some milliseconds.
const STEPS_OF_A_PIECE: usize = 1 << 22;

/// Bytes that a call of linear work may read before it is cut.
const BYTES_OF_A_PIECE: usize = 64 * 1024 * 1024;

/// A regular expression mostly takes far fewer steps than its length times the text's.
const PATTERN_STEPS: usize = 16;

/// Rows of a piece whose regular expressions differ from row to row: so many are kept compiled.
const MOST_PATTERNS: usize = 32;

/// What a compiled regular expression takes at the most, in bytes: the limit of the engine's library, and its caches.
const PATTERN_BYTES: usize = 16 * 1024 * 1024;

/// What each part of a regular expression is taken to become, in bytes: a class of characters such as `\w` is that large.
const COMPILED_BYTES: usize = 16 * 1024;

/// A piece after which the next ones are smaller, and one after which they are larger.
const SLOW: Duration = Duration::from_millis(100);
const QUICK: Duration = Duration::from_millis(10);

/// Steps of a call on so many rows; 0 for linear work.
///
/// # Errors
/// If one row takes too many.
pub(super) fn steps(work: Work, arguments: &[ColumnarValue], rows: usize) -> Result<usize> {
    let (left, right) = match (work, arguments) {
        (Work::Linear, _) => return Ok(0),
        (Work::Pattern, [text, pattern, ..]) | (Work::Pairs, [text, pattern]) => (text, pattern),
        // With one argument there is nothing to compare it with.
        (_, [_]) => return Ok(0),
        _ => return Ok(usize::MAX),
    };
    let compiled =
        if work == Work::Pattern && is_column(right) { STEPS_OF_A_PIECE / MOST_PATTERNS } else { 0 };
    let of_right = if work == Work::Pattern { patterns::weights } else { estimate::lengths };
    let lengths = estimate::lengths(left, rows).into_iter().zip(of_right(right, rows));
    let fewer = if work == Work::Pattern { PATTERN_STEPS } else { 1 };
    let (mut sum, mut longest) = (0_usize, 0);
    for (left, right) in lengths {
        let steps = left.saturating_mul(right) / fewer;
        longest = longest.max(steps);
        sum = sum.saturating_add(steps).saturating_add(compiled);
    }
    if longest > MOST_STEPS_OF_A_ROW {
        let text = "a function would compare texts or lists that are too long";
        return Err(Error::new(ErrorKind::ResourceExhausted, text).into());
    }
    Ok(sum)
}

/// What a call keeps while it works: regular expressions that differ from row to row, compiled.
pub(super) fn kept_bytes(work: Work, arguments: &[ColumnarValue], rows: usize) -> usize {
    match (work, arguments.get(1)) {
        (Work::Pattern, Some(pattern)) if is_column(pattern) => {
            let mut compiled: Vec<usize> = patterns::weights(pattern, rows)
                .into_iter()
                .map(|length| length.saturating_mul(COMPILED_BYTES).min(PATTERN_BYTES))
                .collect();
            compiled.sort_unstable_by(|left, right| right.cmp(left));
            compiled.truncate(MOST_PATTERNS);
            compiled.into_iter().fold(0, usize::saturating_add)
        }
        _ => 0,
    }
}

fn is_column(argument: &ColumnarValue) -> bool {
    matches!(argument, ColumnarValue::Array(_))
}

/// Calls a function, on few rows at a time if it takes long.
///
/// # Arguments
/// * `work` - of what kind it is, and how many [`steps`] the call takes if it is not linear.
///
/// # Errors
/// The function's; or that the statement has ended.
pub(super) fn in_pieces(
    function: &Arc<ScalarUDF>,
    (work, steps): (Work, usize),
    args: ScalarFunctionArgs,
    account: &FunctionAccount,
) -> Result<ColumnarValue> {
    let rows = args.number_rows;
    let (steps, of_a_piece) = match work {
        Work::Linear => {
            let bytes = args.args.iter().map(|argument| estimate::bytes(argument, rows));
            (bytes.fold(0, usize::saturating_add), BYTES_OF_A_PIECE)
        }
        Work::Pairs | Work::Pattern => (steps, STEPS_OF_A_PIECE),
    };
    if steps <= of_a_piece || rows < 2 {
        return function.invoke_with_args(args);
    }
    let most = match args.args.get(1) {
        Some(pattern) if work == Work::Pattern && is_column(pattern) => MOST_PATTERNS,
        _ => rows,
    };
    let mut pieces = Vec::new();
    let mut next = (rows / (steps / of_a_piece).max(1)).clamp(1, most);
    let mut start = 0;
    while start < rows {
        account.check_wanted()?;
        let length = next.min(rows - start);
        let began = Instant::now();
        let piece = function.invoke_with_args(slice(&args, start, length))?;
        pieces.push(piece.into_array(length)?);
        start += length;
        next = match began.elapsed() {
            taken if taken > SLOW => (next / 2).max(1),
            taken if taken < QUICK => next.saturating_mul(2).min(most),
            _ => next,
        };
    }
    let pieces: Vec<&dyn Array> = pieces.iter().map(ArrayRef::as_ref).collect();
    // While they are put together they are there twice.
    let twice = pieces.iter().map(|piece| array_bytes(*piece)).fold(0, usize::saturating_add);
    let _reservation = account.reserve(twice)?;
    Ok(ColumnarValue::Array(concat(&pieces)?))
}

fn slice(args: &ScalarFunctionArgs, start: usize, length: usize) -> ScalarFunctionArgs {
    let part = |argument: &ColumnarValue| match argument {
        ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(start, length)),
        ColumnarValue::Scalar(value) => ColumnarValue::Scalar(ScalarValue::clone(value)),
    };
    ScalarFunctionArgs {
        args: args.args.iter().map(part).collect(),
        arg_fields: args.arg_fields.clone(),
        number_rows: length,
        return_field: Arc::clone(&args.return_field),
        config_options: Arc::clone(&args.config_options),
    }
}
