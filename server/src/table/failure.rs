//! What went wrong while a table's log or files were read, as a client may hear it.
//!
//! Errors of S3, Delta and Parquet name paths, keys and values. Their words go to the log; the client gets one of a few
//! constants. What S3 or the lease said (the grant was revoked, the policy changed, a file is missing) is noted where it
//! happens, with its type, and wins over whatever the readers above made of it.

use std::error::Error as StdError;

use datafusion::error::DataFusionError;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::TransactionError;

use super::jail::{OutsideTable, Trouble};
use crate::access::Grant;
use crate::error::{Error, ErrorKind};

/// A failure while the Delta log was read.
pub(super) fn log(grant: &Grant, trouble: &Trouble, error: &DeltaTableError) -> Error {
    let no_log = match error {
        DeltaTableError::NotATable(_) => {
            Some(Error::new(ErrorKind::DataInvalid, "there is no Delta log at the table's location"))
        }
        _ => None,
    };
    let named = unsupported_feature(error).or_else(|| trouble.last()).or(no_log);
    finish(grant, named, error)
}

/// A failure while a scan was planned or ran.
pub(super) fn scan(grant: &Grant, trouble: &Trouble, error: &DataFusionError) -> Error {
    let feature = match error {
        DataFusionError::External(inner) => {
            inner.downcast_ref::<DeltaTableError>().and_then(unsupported_feature)
        }
        _ => None,
    };
    finish(grant, feature.or_else(|| trouble.last()), error)
}

/// What an error of S3, of the lease or of the jail means.
pub(super) fn of_store(error: &object_store::Error) -> Error {
    if let Some(ours) = error.source().and_then(|source| source.downcast_ref::<Error>()) {
        return ours.clone();
    }
    let is_escape = error.source().is_some_and(|source| source.is::<OutsideTable>());
    let (kind, public) = match error {
        _ if is_escape => (ErrorKind::DataInvalid, "the table's log names a file outside the table's folder"),
        object_store::Error::NotFound { .. } => (
            ErrorKind::DataInvalid,
            "a file of the table is missing; the table may have been rewritten, try again",
        ),
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            (ErrorKind::PermissionDenied, "AWS gives no access to the table's files")
        }
        _ => (ErrorKind::Unavailable, "the table's files cannot be read now; try again later"),
    };
    Error::new(kind, public)
}

fn unsupported_feature(error: &DeltaTableError) -> Option<Error> {
    let named =
        Error::new(ErrorKind::Unsupported, "the table uses a Delta feature that this server does not read");
    match error {
        DeltaTableError::Transaction { source: TransactionError::UnsupportedTableFeatures(features) } => {
            Some(named.echoing(&format!("{features:?}")))
        }
        DeltaTableError::KernelError(kernel) => is_unsupported(kernel).then_some(named),
        _ => None,
    }
}

fn is_unsupported(error: &delta_kernel::Error) -> bool {
    match error {
        delta_kernel::Error::Unsupported(_) => true,
        delta_kernel::Error::Backtraced { source, .. } => is_unsupported(source),
        _ => false,
    }
}

fn finish(grant: &Grant, named: Option<Error>, error: &(dyn StdError + 'static)) -> Error {
    let unknown = || {
        Error::new(
            ErrorKind::DataInvalid,
            "the table cannot be read; its owner or your administrator must act",
        )
    };
    let named = named.unwrap_or_else(unknown);
    let noted = named.internal_text().to_owned();
    named.because(format!("table {}: {noted} {}", grant.table(), chain(error)))
}

/// An error and all its causes, for the log.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut current = error.source();
    while let Some(cause) = current {
        text.push_str("; caused by: ");
        text.push_str(&cause.to_string());
        current = cause.source();
    }
    text
}
