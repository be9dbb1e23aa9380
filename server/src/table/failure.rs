//! What went wrong while a table's log or files were read, as a client may hear it.
//!
//! Errors of S3, Delta and Parquet name paths, keys and values. Their words go to the log; the client gets one of a few
//! constants. A refusal of the lease (the grant was revoked, the policy changed) wins over whatever it caused.

use std::error::Error as StdError;

use datafusion::error::DataFusionError;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::TransactionError;

use super::jail::is_escape;
use crate::access::Grant;
use crate::error::{Error, ErrorKind};

/// A failure while the Delta log was read.
pub(super) fn log(grant: &Grant, error: DeltaTableError) -> Error {
    let named = match &error {
        DeltaTableError::NotATable(_) => Some(Error::new(
            ErrorKind::DataInvalid,
            "there is no Delta log at the table's location",
        )),
        _ => unsupported_feature(&error),
    };
    match named {
        Some(named) => finish(grant, named, &error),
        None => classify(grant, &error),
    }
}

/// A failure of S3 outside the log reader.
pub(super) fn store(grant: &Grant, error: object_store::Error) -> Error {
    classify(grant, &error)
}

/// A failure while a scan was planned or ran.
pub(super) fn scan(grant: &Grant, error: DataFusionError) -> Error {
    match find::<DeltaTableError>(&error).and_then(unsupported_feature) {
        Some(named) => finish(grant, named, &error),
        None => classify(grant, &error),
    }
}

fn unsupported_feature(error: &DeltaTableError) -> Option<Error> {
    let feature = match error {
        DeltaTableError::Transaction {
            source: TransactionError::UnsupportedTableFeatures(features),
        } => format!("{features:?}"),
        DeltaTableError::KernelError(delta_kernel::Error::Unsupported(_)) => String::new(),
        _ => return None,
    };
    let named = Error::new(
        ErrorKind::Unsupported,
        "the table uses a Delta feature that this server does not read",
    );
    Some(if feature.is_empty() { named } else { named.echoing(&feature) })
}

fn classify(grant: &Grant, error: &(dyn StdError + 'static)) -> Error {
    if let Some(ours) = find::<Error>(error) {
        return ours.clone();
    }
    if is_escape(error) {
        let escape = Error::new(ErrorKind::DataInvalid, "the table's log names a file outside the table's folder");
        return finish(grant, escape, error);
    }
    let public = match find::<object_store::Error>(error) {
        Some(object_store::Error::NotFound { .. }) => (
            ErrorKind::DataInvalid,
            "a file of the table is missing; the table may have been rewritten, try again",
        ),
        Some(object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }) => {
            (ErrorKind::PermissionDenied, "AWS gives no access to the table's files")
        }
        Some(object_store::Error::Generic { .. }) => (ErrorKind::Unavailable, "the table's files cannot be read now; try again later"),
        _ => (ErrorKind::DataInvalid, "the table cannot be read; its owner or your administrator must act"),
    };
    finish(grant, Error::new(public.0, public.1), error)
}

fn finish(grant: &Grant, named: Error, error: &dyn StdError) -> Error {
    named.because(format!("table {}: {}", grant.table(), chain(error)))
}

/// The first error of a type in a chain of causes.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // A shared error hides the type of what it shares.
        let shared = error.downcast_ref::<DataFusionError>().and_then(|error| match error {
            DataFusionError::Shared(shared) => find::<T>(shared.as_ref()),
            DataFusionError::External(inner) => find::<T>(inner.as_ref()),
            _ => None,
        });
        if shared.is_some() {
            return shared;
        }
        current = error.source();
    }
    None
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
