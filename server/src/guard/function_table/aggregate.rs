//! The aggregate and window functions on offer, see [`function_table`](super).

use super::Collecting;

const fn one_value(name: &'static str) -> Collecting {
    Collecting { name, collects: false }
}

const fn all_values(name: &'static str) -> Collecting {
    Collecting { name, collects: true }
}

/// What an aggregate keeps of each group: a state, or all of its values.
pub(in crate::guard) const AGGREGATE: &[Collecting] = &[
    one_value("any_value"),
    one_value("approx_distinct"),
    one_value("approx_median"),
    one_value("approx_percentile_cont"),
    one_value("approx_percentile_cont_with_weight"),
    all_values("array_agg"),
    one_value("avg"),
    one_value("bit_and"),
    one_value("bit_or"),
    one_value("bit_xor"),
    one_value("bool_and"),
    one_value("bool_or"),
    one_value("corr"),
    one_value("count"),
    one_value("covar_pop"),
    one_value("covar_samp"),
    one_value("first_value"),
    one_value("grouping"),
    one_value("last_value"),
    one_value("max"),
    one_value("median"),
    one_value("min"),
    one_value("nth_value"),
    one_value("percentile_cont"),
    one_value("regr_avgx"),
    one_value("regr_avgy"),
    one_value("regr_count"),
    one_value("regr_intercept"),
    one_value("regr_r2"),
    one_value("regr_slope"),
    one_value("regr_sxx"),
    one_value("regr_sxy"),
    one_value("regr_syy"),
    one_value("stddev"),
    one_value("stddev_pop"),
    all_values("string_agg"),
    one_value("sum"),
    one_value("var"),
    one_value("var_pop"),
];

/// Functions that are for windows only.
pub(in crate::guard) const WINDOW: &[Collecting] = &[
    one_value("cume_dist"),
    one_value("dense_rank"),
    one_value("first_value"),
    one_value("lag"),
    one_value("last_value"),
    one_value("lead"),
    one_value("nth_value"),
    one_value("ntile"),
    one_value("percent_rank"),
    one_value("rank"),
    one_value("row_number"),
];
