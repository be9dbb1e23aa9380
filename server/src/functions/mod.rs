//! The functions that people and tools bring from Athena, Trino, Spark and ODBC, and that the engine does not have.
//!
//! Most are another spelling of what the engine has: [`spellings`] is the table of those, and [`spelled`] writes them into a
//! statement before it is planned, so that every rule for functions holds for what they mean. The others are computed here,
//! row by row, each by a [`kernel::Kernel`] or around a function of the engine ([`by_type`], [`sequence`]).
//!
//! A function means what Trino's documentation says. A name that the engine has keeps the engine's meaning; `server/README.md`
//! lists where the two differ.
//!
//! Nothing here decides who sees what. Which functions a query may call is the gate's list (`guard/function_table`), in which
//! each of these has its row.

mod by_type;
mod cast_names;
mod date_formats;
mod dates;
mod json;
mod json_text;
mod kernel;
mod lists;
mod numbers;
mod patterns;
mod sequence;
mod spelled;
mod spellings;
mod texts;
mod typeof_name;
mod urls;

use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::logical_expr::ScalarUDF;

pub(crate) use self::cast_names::CastNames;
pub(crate) use self::spelled::{SessionNames, with_current_schema, with_session_names, with_spellings};
pub(crate) use self::spellings::names as spelled_names;
use crate::error::{Error, ErrorKind};

/// The functions that are computed here. A name that the engine has too is meant to take its place.
pub(crate) fn scalar() -> Vec<Arc<ScalarUDF>> {
    let tables = [
        dates::KERNELS,
        date_formats::KERNELS,
        json::KERNELS,
        lists::KERNELS,
        numbers::KERNELS,
        patterns::KERNELS,
        texts::KERNELS,
        typeof_name::KERNELS,
        urls::KERNELS,
    ];
    let kernels = tables.into_iter().flatten().map(kernel::function);
    kernels.chain(by_type::functions()).chain([sequence::function()]).map(Arc::new).collect()
}

/// An error whose text every user may see.
fn refused(text: &'static str) -> DataFusionError {
    Error::new(ErrorKind::InvalidRequest, text).into()
}
