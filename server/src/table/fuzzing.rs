//! Fuzz targets of the table room: [`path_jail`] and [`deletion_vector`]. Both read what whoever can write a table's log, or
//! its entry in the catalog, chose to put there.

mod deletion_vector;
mod path_jail;

pub(crate) use self::deletion_vector::deletion_vector;
pub(crate) use self::path_jail::path_jail;

use std::fmt;

/// The value, which every input gives.
fn must<T, E: fmt::Debug>(answer: Result<T, E>) -> T {
    match answer {
        Ok(value) => value,
        Err(error) => unreachable!("{error:?}"),
    }
}
