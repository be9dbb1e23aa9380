//! Fuzz targets: functions that take any bytes, call what meets such bytes in production, and assert what must hold of it.
//!
//! Each stands in the room whose private parts it needs, and says there what it asserts. They are compiled for tests and for
//! libFuzzer (`cfg(fuzzing)`) only. `make test` runs each over its seeds, `tests/fuzz/corpus/<target>/`, and over a fixed
//! number of mutations of them; `make fuzz` has libFuzzer search for as long as it is told. An input that fails becomes a
//! seed together with the repair.

#[cfg(test)]
mod mutate;
#[cfg(test)]
mod tests;

/// The row-filter language, and the rows that a filter shows.
pub fn row_filter(data: &[u8]) {
    crate::guard::fuzzing::row_filter(data);
}

/// Sealed tickets, handles and tokens.
pub fn ticket(data: &[u8]) {
    crate::wire::fuzzing::ticket(data);
}

/// Paths of a Delta log, up to the request that leaves for S3.
pub fn path_jail(data: &[u8]) {
    crate::table::fuzzing::path_jail(data);
}

/// The SQL gate.
pub fn sql(data: &[u8]) {
    crate::sql::fuzzing::sql(data);
}

/// Parquet files against the schema of a table.
pub fn parquet(data: &[u8]) {
    crate::table::fuzzing::parquet(data);
}

/// Commits and checkpoints of a log.
pub fn checkpoint(data: &[u8]) {
    crate::table::fuzzing::checkpoint(data);
}

/// Deletion vectors.
pub fn deletion_vector(data: &[u8]) {
    crate::table::fuzzing::deletion_vector(data);
}

/// Bound parameters, as they are sent.
pub fn parameters(data: &[u8]) {
    crate::wire::fuzzing::parameters(data);
}
