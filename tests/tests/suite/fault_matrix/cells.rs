//! The cells of the matrix: what a client is told, or why there is no such cell.

use lakegate_sandbox::{Fault, FaultKind, FaultService};
use tonic::{Code, Status};

/// What is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target {
    Sts,
    Glue,
    LakeFormation,
    S3List,
    S3Get,
}

/// How it is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Break {
    Throttle,
    InternalError,
    Slow,
    Reset,
    Truncate,
    Expire,
    Revoke,
}

/// When it breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Moment {
    /// While the statement is described.
    Planning,
    /// Between the description and the first rows.
    FirstBatch,
    /// After the first rows, in a request that reads further ones.
    MidScan,
    /// After the first rows, in a request that renews what further ones need.
    Renewal,
}

pub(super) const TARGETS: [Target; 5] =
    [Target::Sts, Target::Glue, Target::LakeFormation, Target::S3List, Target::S3Get];

pub(super) const BREAKS: [Break; 7] = [
    Break::Throttle,
    Break::InternalError,
    Break::Slow,
    Break::Reset,
    Break::Truncate,
    Break::Expire,
    Break::Revoke,
];

pub(super) const MOMENTS: [Moment; 4] =
    [Moment::Planning, Moment::FirstBatch, Moment::MidScan, Moment::Renewal];

/// What a cell demands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Demand {
    /// The statement fails with this code.
    Fails(Code),
    /// The statement fails with this code, or answers with all rows because what it holds is still good.
    FailsOrAnswersAll(Code),
    /// There is no such cell, because of this.
    Impossible(&'static str),
}

/// What is demanded when `target` breaks like that at that moment.
pub(super) fn demand(target: Target, broken: Break, moment: Moment) -> Demand {
    use Demand::{Fails, FailsOrAnswersAll, Impossible};
    match (target, moment) {
        (Target::Sts | Target::Glue | Target::LakeFormation, Moment::MidScan) => {
            return Impossible("rows are read from S3 alone; what else is asked meanwhile is renewal");
        }
        (Target::S3List, Moment::MidScan | Moment::Renewal) => {
            return Impossible("a running scan knows its files and lists none");
        }
        (Target::Glue, Moment::Renewal) => {
            return Impossible(
                "a policy that is still believed is not asked for; the statement's own watch asks again",
            );
        }
        (Target::S3Get, Moment::Renewal) => return Impossible("S3 renews nothing"),
        _ => {}
    }
    match (broken, target) {
        // Refusals are told apart from what may pass, and a hidden table from nothing at all.
        (Break::Revoke, Target::Sts | Target::S3List | Target::S3Get) => Fails(Code::PermissionDenied),
        (Break::Revoke, Target::Glue | Target::LakeFormation) => Fails(Code::NotFound),
        _ if moment == Moment::Renewal => FailsOrAnswersAll(Code::Unavailable),
        _ => Fails(Code::Unavailable),
    }
}

impl Demand {
    /// Whether an answer, its rows counted, meets it.
    pub(super) fn is_met(self, answer: &Result<usize, Status>, all_rows: usize) -> bool {
        match (self, answer) {
            (Self::Fails(code) | Self::FailsOrAnswersAll(code), Err(status)) => status.code() == code,
            (Self::FailsOrAnswersAll(_), Ok(rows)) => *rows == all_rows,
            (Self::Fails(_), Ok(_)) | (Self::Impossible(_), _) => false,
        }
    }
}

impl Target {
    /// The fault that breaks it.
    ///
    /// # Arguments
    /// * `keys` - prefix of the keys of S3.
    pub(super) fn fault(self, broken: Break, keys: &str) -> Fault {
        let (service, operation, key_prefix) = match self {
            Self::Sts => (FaultService::Sts, "AssumeRole", None),
            Self::Glue => (FaultService::Glue, "GetUnfilteredTableMetadata", None),
            Self::LakeFormation => (FaultService::LakeFormation, "GetTemporaryGlueTableCredentials", None),
            Self::S3List => (FaultService::S3, "list", Some(keys.to_owned())),
            Self::S3Get => (FaultService::S3, "get", Some(keys.to_owned())),
        };
        let (kind, milliseconds) = broken.kind();
        Fault { operation: Some(operation.to_owned()), key_prefix, milliseconds, ..Fault::new(kind, service) }
    }
}

impl Break {
    fn kind(self) -> (FaultKind, Option<u64>) {
        match self {
            Self::Throttle => (FaultKind::Throttle, None),
            Self::InternalError => (FaultKind::InternalError, None),
            Self::Slow => (FaultKind::Latency, Some(60_000)),
            Self::Reset => (FaultKind::Reset, None),
            Self::Truncate => (FaultKind::Truncate, None),
            Self::Expire => (FaultKind::Expire, None),
            Self::Revoke => (FaultKind::Revoke, None),
        }
    }
}
