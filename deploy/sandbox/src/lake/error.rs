//! Why the sample lake could not be made.
//!
//! An account that already holds a piece of the lake is told apart from every other refusal, because
//! the cure differs: start the sandbox afresh instead of looking for a fault.

use std::error::Error;
use std::fmt;

use arrow::datatypes::DataType;
use aws_sdk_glue::error::{BuildError, DisplayErrorContext, ProvideErrorMetadata, SdkError};
use deltalake::DeltaTableError;

/// The codes by which S3, IAM, Glue and Lake Formation say that a thing is there already.
const EXISTS_CODES: [&str; 4] =
    ["AlreadyExistsException", "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "EntityAlreadyExists"];

/// Why [`seed`](super::seed) stopped.
#[derive(Debug)]
#[non_exhaustive]
pub enum SeedError {
    /// The scale factor is not a number from 0.001 to 1000.
    ScaleFactor {
        /// The refused value.
        given: f64,
    },
    /// The endpoint is not of the form `http://host:port`.
    Endpoint {
        /// The refused value.
        given: String,
    },
    /// The account is not empty: it was seeded before, or an earlier run stopped half-way.
    AlreadyExists {
        /// The call that was refused, such as `iam:CreateRole`.
        operation: &'static str,
        /// The thing that is there already.
        resource: String,
    },
    /// A service refused a call.
    Refused {
        /// The refused call, such as `lakeformation:GrantPermissions`.
        operation: &'static str,
        /// The thing the call was about.
        resource: String,
        /// Code and message as the service sent them.
        reason: String,
    },
    /// A call got no well-formed answer.
    Unreachable {
        /// The call, such as `s3:CreateBucket`.
        operation: &'static str,
        /// What the transport reported.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A request could not be built from our own constants: a fault of this module.
    Request(Box<dyn Error + Send + Sync>),
    /// Writing a Delta table failed, S3 included.
    Delta(Box<DeltaTableError>),
    /// Generating rows failed.
    Rows(arrow::error::ArrowError),
    /// A sample table uses a type for which no Hive type is known.
    ColumnType {
        /// The column.
        column: String,
        /// Its Arrow type.
        data_type: DataType,
    },
    /// A generator thread died.
    Worker(tokio::task::JoinError),
}

impl SeedError {
    /// Classifies a refusal by its error code.
    pub(super) fn refused(
        operation: &'static str,
        resource: &str,
        code: Option<&str>,
        reason: String,
    ) -> SeedError {
        let resource = resource.to_owned();
        if code.is_some_and(|code| EXISTS_CODES.contains(&code)) {
            return SeedError::AlreadyExists { operation, resource };
        }
        SeedError::Refused { operation, resource, reason }
    }

    /// Classifies what an AWS SDK client returned.
    pub(super) fn from_sdk<E, R>(operation: &'static str, resource: &str, error: SdkError<E, R>) -> SeedError
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
        R: fmt::Debug + Send + Sync + 'static,
    {
        let Some(service_error) = error.as_service_error() else {
            return SeedError::Unreachable { operation, source: Box::new(error) };
        };
        let code = service_error.code().map(str::to_owned);
        let reason = DisplayErrorContext(service_error).to_string();
        SeedError::refused(operation, resource, code.as_deref(), reason)
    }

    /// A fault in a request that is made of constants.
    pub(super) fn request(source: impl Error + Send + Sync + 'static) -> SeedError {
        SeedError::Request(Box::new(source))
    }
}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SeedError::ScaleFactor { given } => write!(f, "scale factor {given} is not within 0.001 to 1000"),
            SeedError::Endpoint { given } => {
                write!(f, "endpoint {given:?} is not of the form http://host:port")
            }
            SeedError::AlreadyExists { operation, resource } => write!(
                f,
                "{operation}: {resource} exists already; the sample lake is made once, in an empty account"
            ),
            SeedError::Refused { operation, resource, reason } => {
                write!(f, "{operation} on {resource} was refused: {reason}")
            }
            SeedError::Unreachable { operation, source } => write!(f, "{operation} got no answer: {source}"),
            SeedError::Request(source) => write!(f, "a request could not be built: {source}"),
            SeedError::Delta(source) => write!(f, "writing a Delta table failed: {source}"),
            SeedError::Rows(source) => write!(f, "generating rows failed: {source}"),
            SeedError::ColumnType { column, data_type } => {
                write!(f, "column {column} has type {data_type}, for which no Hive type is known")
            }
            SeedError::Worker(source) => write!(f, "a generator thread died: {source}"),
        }
    }
}

impl Error for SeedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            SeedError::Unreachable { source, .. } | SeedError::Request(source) => Some(source.as_ref()),
            SeedError::Delta(source) => Some(source.as_ref()),
            SeedError::Rows(source) => Some(source),
            SeedError::Worker(source) => Some(source),
            SeedError::ScaleFactor { .. }
            | SeedError::Endpoint { .. }
            | SeedError::AlreadyExists { .. }
            | SeedError::Refused { .. }
            | SeedError::ColumnType { .. } => None,
        }
    }
}

impl From<DeltaTableError> for SeedError {
    fn from(source: DeltaTableError) -> SeedError {
        SeedError::Delta(Box::new(source))
    }
}

impl From<arrow::error::ArrowError> for SeedError {
    fn from(source: arrow::error::ArrowError) -> SeedError {
        SeedError::Rows(source)
    }
}

impl From<tokio::task::JoinError> for SeedError {
    fn from(source: tokio::task::JoinError) -> SeedError {
        SeedError::Worker(source)
    }
}

impl From<BuildError> for SeedError {
    fn from(source: BuildError) -> SeedError {
        SeedError::request(source)
    }
}
