//! Fuzz targets of the table room: [`path_jail`], [`deletion_vector`], [`parquet`] and [`checkpoint`]. All read what whoever
//! can write a table's files, or its entry in the catalog, chose to put there.

mod checkpoint;
mod deletion_vector;
mod parquet;
mod path_jail;
#[cfg(test)]
mod tests;

pub(crate) use self::checkpoint::checkpoint;
pub(crate) use self::deletion_vector::deletion_vector;
pub(crate) use self::parquet::parquet;
pub(crate) use self::path_jail::path_jail;

use std::fmt;

/// The value, which every input gives.
fn must<T, E: fmt::Debug>(answer: Result<T, E>) -> T {
    match answer {
        Ok(value) => value,
        Err(error) => unreachable!("{error:?}"),
    }
}
