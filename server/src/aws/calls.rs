//! Counts calls to AWS where the SDK makes them, with the attempts that its retries hide from everybody else.
//!
//! An attempt's outcome is told by its answer: status and error code. The code is looked for in the answer's text, because
//! the SDK gives the error that it reads from it to the caller alone.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use super::failure::{self, FailureKind};
use crate::telemetry::metrics::{AwsOperation, AwsOutcome, Metrics};

/// How much of an answer is looked at for its error code, in bytes.
const CODE_WITHIN: usize = 4096;

/// Codes that mean throttling.
const THROTTLING: [&str; 6] = [
    "ThrottlingException",
    "ThrottledException",
    "Throttling",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
];

/// Other codes that tell an outcome which the status does not.
const OTHER_CODES: [&str; 3] = ["AccessDeniedException", "AccessDenied", "EntityNotFoundException"];

/// The SDK's interceptor that counts.
pub(super) struct CallCounter(Arc<Metrics>);

impl CallCounter {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self(metrics)
    }
}

impl fmt::Debug for CallCounter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CallCounter")
    }
}

/// A call that goes on.
#[derive(Clone, Debug)]
struct Call {
    began: Instant,
    attempts: usize,
}

impl Storable for Call {
    type Storer = StoreReplace<Self>;
}

impl Intercept for CallCounter {
    fn name(&self) -> &'static str {
        "CallCounter"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        cfg.interceptor_state().store_put(Call { began: Instant::now(), attempts: 0 });
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(operation), Some(call)) = (operation(cfg), cfg.load::<Call>().cloned()) {
            self.0.aws_calls.record_attempt(operation, call.attempts > 0, outcome(context));
            cfg.interceptor_state().store_put(Call { attempts: call.attempts + 1, ..call });
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(operation), Some(call)) = (operation(cfg), cfg.load::<Call>()) {
            self.0.aws_calls.record_call(operation, outcome(context), call.began.elapsed());
        }
        Ok(())
    }
}

fn operation(cfg: &ConfigBag) -> Option<AwsOperation> {
    AwsOperation::named(cfg.load::<Metadata>()?.name())
}

fn outcome(context: &FinalizerInterceptorContextRef<'_>) -> AwsOutcome {
    match (context.output_or_error(), context.response()) {
        (Some(Ok(_)), _) => AwsOutcome::Ok,
        (_, Some(response)) => outcome_of(response),
        (_, None) => AwsOutcome::Unavailable,
    }
}

fn outcome_of(response: &HttpResponse) -> AwsOutcome {
    let body = response.body().bytes().unwrap_or_default();
    let text = String::from_utf8_lossy(&body[..body.len().min(CODE_WITHIN)]);
    if THROTTLING.iter().any(|code| text.contains(code)) {
        return AwsOutcome::Throttled;
    }
    let code = OTHER_CODES.into_iter().find(|code| text.contains(code)).unwrap_or_default();
    match failure::classify(code, response.status().as_u16()) {
        FailureKind::AccessDenied => AwsOutcome::Denied,
        FailureKind::NotFound => AwsOutcome::NotFound,
        FailureKind::Unavailable => AwsOutcome::Unavailable,
        _ => AwsOutcome::Refused,
    }
}

#[cfg(test)]
mod tests;
