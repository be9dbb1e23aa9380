//! How JDBC and ODBC group functions: numeric, string, system, and date and time.
//!
//! The registry of the engine decides what exists; these lists only say to which group a name belongs. A name that the
//! registry lacks is not offered, and one that no list has is usable in SQL and merely not announced.

/// Numeric functions.
pub(super) const NUMERIC: &str = "\
    abs acos acosh asin asinh atan atan2 atanh cbrt ceil cos cosh cot degrees exp factorial floor gcd \
    isnan iszero lcm ln log log10 log2 nanvl pi pow power radians random round signum sin sinh sqrt tan \
    tanh trunc";

/// String functions.
pub(super) const STRING: &str = "\
    ascii bit_length btrim char_length character_length chr concat concat_ws contains decode encode \
    ends_with find_in_set initcap instr left length levenshtein lower lpad ltrim md5 octet_length \
    overlay position regexp_count regexp_like regexp_match regexp_replace repeat replace reverse right \
    rpad rtrim sha224 sha256 sha384 sha512 split_part starts_with strpos substr substr_index substring \
    to_hex translate trim upper";

/// What is left in JDBC's view: conditions and types.
pub(super) const SYSTEM: &str = "\
    arrow_typeof coalesce greatest ifnull least nullif nvl nvl2";

/// Date and time functions.
pub(super) const DATETIME: &str = "\
    current_date current_time current_timestamp date_bin date_format date_part date_trunc datepart \
    datetrunc from_unixtime make_date now to_char to_date to_local_time to_timestamp to_timestamp_micros \
    to_timestamp_millis to_timestamp_nanos to_timestamp_seconds to_unixtime today";

/// The names of a group that the registry has.
pub(super) fn offered(group: &str, registry: &[String]) -> Vec<String> {
    let is_registered = |name: &&str| registry.iter().any(|registered| registered.eq_ignore_ascii_case(name));
    group.split(' ').filter(is_registered).map(str::to_owned).collect()
}
