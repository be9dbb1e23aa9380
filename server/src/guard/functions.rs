//! The functions that a query may call: an explicit list, so that a new DataFusion version cannot add a dangerous one.
//!
//! A function gets on the list if it is a pure computation on its arguments. One whose result can be much larger than they are
//! is charged for it before it runs: see [`growth`](super::growth). One that makes a type of several has it bounded: see
//! [`constructors`]. A test names every function that DataFusion brings and that is on neither list; it fails until someone decides.

use std::sync::Arc;

use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

use super::constructors;
use crate::mutant::Mutant;

/// Scalar functions on offer: conditions and types, numbers, text, digests and encodings, times, arrays and maps.
const SCALAR: &str = "
    arrow_cast arrow_field arrow_try_cast arrow_typeof cast_to_type coalesce get_field greatest
    least named_struct nullif nvl nvl2 struct try_cast_to_type union_extract union_tag with_metadata

    abs acos acosh asin asinh atan atan2 atanh cbrt ceil cos cosh cot degrees exp factorial floor
    gcd isnan iszero lcm ln log log10 log2 nanvl pi power radians random round signum sin sinh sqrt
    tan tanh trunc

    ascii bit_length btrim character_length chr concat concat_ws contains ends_with find_in_set
    initcap left levenshtein lower lpad ltrim octet_length overlay regexp_count regexp_instr regexp_like
    regexp_match regexp_replace repeat replace reverse right rpad rtrim split_part starts_with strpos substr
    substr_index to_hex translate upper uuid

    decode digest encode md5 sha224 sha256 sha384 sha512

    current_date current_time date_bin date_part date_trunc from_unixtime make_date make_time now
    to_char to_date to_local_time to_time to_timestamp to_timestamp_micros to_timestamp_millis
    to_timestamp_nanos to_timestamp_seconds to_unixtime

    array_add array_any_value array_append array_avg array_compact array_concat array_dims
    array_distance array_distinct array_element array_except array_has array_has_all array_has_any
    array_intersect array_length array_max array_min array_ndims array_normalize array_pop_back
    array_pop_front array_position array_positions array_prepend array_product array_remove
    array_remove_all array_remove_n array_repeat array_replace array_replace_all array_replace_n
    array_resize array_reverse array_scale array_slice array_sort array_subtract array_sum array_to_string array_union
    arrays_zip cardinality cosine_distance empty flatten generate_series inner_product make_array map map_entries
    map_extract map_keys map_values range string_to_array
";

/// Aggregate functions on offer.
const AGGREGATE: &str = "
    any_value approx_distinct approx_median approx_percentile_cont
    approx_percentile_cont_with_weight array_agg avg bit_and bit_or bit_xor bool_and bool_or corr
    count covar_pop covar_samp first_value grouping last_value max median min nth_value
    percentile_cont regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx
    regr_sxy regr_syy stddev stddev_pop string_agg sum var var_pop
";

/// Window functions on offer.
const WINDOW: &str = "
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank
    row_number
";

/// The scalar functions on offer.
pub(super) fn scalar() -> Vec<Arc<ScalarUDF>> {
    let mut functions = SessionStateDefaults::default_scalar_functions();
    functions.retain(|function| lists(SCALAR, function.name()));
    functions.into_iter().map(constructors::bounded).collect()
}

/// The aggregate functions on offer.
pub(super) fn aggregate() -> Vec<Arc<AggregateUDF>> {
    let mut functions = SessionStateDefaults::default_aggregate_functions();
    functions.retain(|function| lists(AGGREGATE, function.name()));
    functions
}

/// The window functions on offer.
pub(super) fn window() -> Vec<Arc<WindowUDF>> {
    let mut functions = SessionStateDefaults::default_window_functions();
    functions.retain(|function| lists(WINDOW, function.name()));
    functions
}

fn lists(names: &str, name: &str) -> bool {
    names.split_whitespace().any(|listed| listed == name) || Mutant::AllFunctionsOffered.is_on()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Functions that DataFusion brings and that are left out, with the reason.
    const LEFT_OUT: &[(&str, &str)] = &[
        ("arrow_metadata", "shows field metadata"),
        ("file_row_index", "shows positions of hidden and deleted rows"),
        ("input_file_name", "shows S3 keys"),
        ("version", "shows the engine's version"),
    ];

    #[test]
    fn every_function_of_the_engine_was_decided_on() {
        let scalar = SessionStateDefaults::default_scalar_functions();
        let aggregate = SessionStateDefaults::default_aggregate_functions();
        let window = SessionStateDefaults::default_window_functions();
        let names: BTreeSet<String> = scalar
            .iter()
            .map(|function| function.name())
            .chain(aggregate.iter().map(|function| function.name()))
            .chain(window.iter().map(|function| function.name()))
            .map(str::to_owned)
            .collect();
        let left_out = LEFT_OUT.iter().map(|(name, _)| *name);
        let decided: BTreeSet<String> = [SCALAR, AGGREGATE, WINDOW]
            .into_iter()
            .flat_map(str::split_whitespace)
            .chain(left_out)
            .map(str::to_owned)
            .collect();
        let undecided: Vec<&String> = names.difference(&decided).collect();
        let unknown: Vec<&String> = decided.difference(&names).collect();
        assert!(undecided.is_empty() && unknown.is_empty(), "undecided {undecided:?}, unknown {unknown:?}");
    }

    #[test]
    fn what_is_left_out_is_not_offered_under_another_name() {
        let left_out: BTreeSet<&str> = LEFT_OUT.iter().map(|(name, _)| *name).collect();
        for function in scalar() {
            let names = std::iter::once(function.name()).chain(function.aliases().iter().map(String::as_str));
            for name in names {
                assert!(!left_out.contains(name), "{name}");
            }
        }
    }
}
