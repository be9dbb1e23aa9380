//! What went wrong while a table's log or files were read, as a client may hear it.
//!
//! Errors of S3, Delta and Parquet name paths, keys and values. Their words go to the log; the client gets one of a few
//! constants. What S3 or the lease said (the grant was revoked, the policy changed, a file is missing) is noted where it
//! happens, with its type, and wins over whatever the readers above made of it.

use std::error::Error as StdError;

use datafusion::error::DataFusionError;

use super::jail::{OutsideTable, ShortFile, Trouble};
use crate::access::Grant;
use crate::error::{Error, ErrorKind};

/// What the kernel says when it finds neither commit nor checkpoint.
const NO_LOG: &str = "No files in log segment";

/// What the kernel says, among other words, when the checkpoint that it was led to is gone.
const NO_CHECKPOINT: &str = "didn't find any checkpoints";

/// Longest name of a Delta feature that is repeated to a client, in bytes.
const LONGEST_FEATURE: usize = 64;

/// A failure while the Delta log was read.
pub(super) fn log(grant: &Grant, trouble: &Trouble, error: &delta_kernel::Error) -> Error {
    let no_log = || {
        let is_missing = matches!(innermost(error), delta_kernel::Error::Generic(text) if text == NO_LOG);
        is_missing
            .then(|| Error::new(ErrorKind::DataInvalid, "there is no Delta log at the table's location"))
    };
    let no_checkpoint = || {
        let is_missing = matches!(innermost(error), delta_kernel::Error::InvalidCheckpoint(text) if text.contains(NO_CHECKPOINT));
        let text =
            "the table's _last_checkpoint names a checkpoint that is missing; its owner must repair it";
        is_missing.then(|| Error::new(ErrorKind::DataInvalid, text))
    };
    let named = ours(error)
        .or_else(|| unsupported_feature(error))
        .or_else(|| trouble.last())
        .or_else(no_log)
        .or_else(no_checkpoint);
    finish(grant, named, error)
}

/// A failure while an older version of a table was read.
pub(super) fn old_version(grant: &Grant, trouble: &Trouble, error: &delta_kernel::Error) -> Error {
    let named = ours(error)
        .or_else(|| unsupported_feature(error))
        .or_else(|| trouble.last().filter(|error| error.kind() != ErrorKind::DataInvalid))
        .unwrap_or_else(|| no_such_version(grant));
    finish(grant, Some(named), error)
}

/// There is no such version, or it can no longer be read.
pub(super) fn no_such_version(grant: &Grant) -> Error {
    Error::new(ErrorKind::InvalidRequest, "the table has no such version, or its log is gone")
        .echoing(&grant.table().to_string())
}

/// A failure while a scan was planned or ran.
pub(super) fn scan(grant: &Grant, trouble: &Trouble, error: &DataFusionError) -> Error {
    finish(grant, ours(error).or_else(|| trouble.last()), error)
}

/// An error of this server that the readers above carried along.
fn ours(error: &(dyn StdError + 'static)) -> Option<Error> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(ours) = error.downcast_ref::<Error>() {
            return Some(ours.clone());
        }
        current = error.source();
    }
    None
}

/// A log that says more of a file than this server keeps.
pub(super) fn too_long(what: &str) -> Error {
    Error::new(ErrorKind::DataInvalid, "the table's log has a path or a partition value that is too long")
        .because(what.to_owned())
}

/// A file that is written as this server does not read, by the feature of Delta that allows it.
pub(super) fn unsupported_file(feature: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "the table uses a Delta feature that this server does not read")
        .echoing(feature)
}

/// A path of the log leads out of the table.
///
/// # Arguments
/// * `what` - whose path, for the log.
pub(super) fn outside(what: &str) -> Error {
    Error::new(ErrorKind::DataInvalid, OUTSIDE).because(format!("the path of {what} is not in the table"))
}

/// A deletion vector, or the log's description of it, is not what the protocol says.
pub(super) fn broken_vector(reason: String) -> Error {
    Error::new(ErrorKind::DataInvalid, "a deletion vector of the table is broken; its owner must repair it")
        .because(reason)
}

/// Carries our error through DataFusion's plans; [`scan`] finds it again.
impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}

const OUTSIDE: &str = "the table's log names a file outside the table's folder";

const NO_ACCESS: &str = "AWS gives no access to the table's files";

/// What an error of S3, of the lease or of the jail means.
pub(super) fn of_store(error: &object_store::Error) -> Error {
    if let Some(ours) = error.source().and_then(|source| source.downcast_ref::<Error>()) {
        return ours.clone();
    }
    let is_escape = error.source().is_some_and(|source| source.is::<OutsideTable>());
    let (kind, public) = match error {
        _ if is_escape => (ErrorKind::DataInvalid, OUTSIDE),
        _ if is_short(error) => (
            ErrorKind::DataInvalid,
            "a file of the table is shorter than the table's log says; its owner must repair it",
        ),
        object_store::Error::NotFound { .. } => (
            ErrorKind::DataInvalid,
            "a file of the table is missing; the table may have been rewritten, try again",
        ),
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            (ErrorKind::PermissionDenied, NO_ACCESS)
        }
        _ if has_status(error, "403") => (ErrorKind::PermissionDenied, NO_ACCESS),
        _ => (ErrorKind::Unavailable, "the table's files cannot be read now; try again later"),
    };
    Error::new(kind, public)
}

/// Whether S3 answered with a status that the library has no error for. It has none for refused listings, and keeps the status
/// in its words only.
fn has_status(error: &object_store::Error, status: &str) -> bool {
    let words = format!("status code: {status} ");
    matches!(error, object_store::Error::Generic { source, .. } if source.to_string().contains(&words))
}

/// Whether a file ended before what was asked of it. S3 says so itself where nothing of it is left: status 416.
fn is_short(error: &object_store::Error) -> bool {
    let is_noted = error.source().is_some_and(|source| source.is::<ShortFile>());
    is_noted || has_status(error, "416")
}

/// The refusal of a table whose protocol asks for what the kernel cannot do; it names the feature.
fn unsupported_feature(error: &delta_kernel::Error) -> Option<Error> {
    let named =
        Error::new(ErrorKind::Unsupported, "the table uses a Delta feature that this server does not read");
    let text = match innermost(error) {
        delta_kernel::Error::Unsupported(text) => text,
        delta_kernel::Error::InvalidProtocol(_) => return Some(named.echoing("protocol")),
        _ => return None,
    };
    let is_name = |name: &&str| {
        !name.is_empty()
            && name.len() <= LONGEST_FEATURE
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let feature = text.split('\'').nth(1).filter(is_name);
    let reader_version = text.strip_prefix("Unsupported minimum reader version ").filter(is_name);
    Some(match (feature, reader_version) {
        (Some(feature), _) => named.echoing(feature),
        (_, Some(version)) => named.echoing(&format!("reader version {version}")),
        _ => named,
    })
}

fn innermost(error: &delta_kernel::Error) -> &delta_kernel::Error {
    match error {
        delta_kernel::Error::Backtraced { source, .. } => innermost(source),
        other => other,
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
