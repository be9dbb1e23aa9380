//! Calls to AWS: how many, how they ended, how often they were tried again, and how long they took.

use std::time::Duration;

use super::instruments::{Counter, Histogram, Page};

/// An operation of AWS that this server calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AwsOperation {
    AssumeRole,
    GetUnfilteredTableMetadata,
    GetDatabases,
    GetTables,
    GetTemporaryGlueTableCredentials,
}

/// Each with its service and its name.
const OPERATIONS: [(AwsOperation, &str, &str); 5] = [
    (AwsOperation::AssumeRole, "sts", "AssumeRole"),
    (AwsOperation::GetUnfilteredTableMetadata, "glue", "GetUnfilteredTableMetadata"),
    (AwsOperation::GetDatabases, "glue", "GetDatabases"),
    (AwsOperation::GetTables, "glue", "GetTables"),
    (AwsOperation::GetTemporaryGlueTableCredentials, "lakeformation", "GetTemporaryGlueTableCredentials"),
];

impl AwsOperation {
    /// The operation of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        OPERATIONS.iter().find(|(_, _, known)| *known == name).map(|(operation, ..)| *operation)
    }
}

/// How a call, or one attempt at it, has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AwsOutcome {
    Ok,
    /// Nobody may do this, or not this role.
    Denied,
    /// There is no such thing.
    NotFound,
    /// Too many calls.
    Throttled,
    /// No answer, or that of a service which fails.
    Unavailable,
    /// Any other answer.
    Refused,
}

const OUTCOMES: [(AwsOutcome, &str); 6] = [
    (AwsOutcome::Ok, "ok"),
    (AwsOutcome::Denied, "denied"),
    (AwsOutcome::NotFound, "not_found"),
    (AwsOutcome::Throttled, "throttled"),
    (AwsOutcome::Unavailable, "unavailable"),
    (AwsOutcome::Refused, "refused"),
];

/// The numbers of one operation.
#[derive(Default)]
struct Operation {
    calls: [Counter; OUTCOMES.len()],
    retries: Counter,
    throttled: Counter,
}

/// All calls to AWS.
#[derive(Default)]
pub(crate) struct AwsCalls {
    operations: [Operation; OPERATIONS.len()],
    duration: Histogram,
}

impl AwsCalls {
    fn of(&self, operation: AwsOperation) -> impl Iterator<Item = &Operation> {
        let known = OPERATIONS.iter().zip(&self.operations);
        known.filter(move |((known, ..), _)| *known == operation).map(|(_, numbers)| numbers)
    }

    /// Counts an attempt at a call.
    pub(crate) fn record_attempt(&self, operation: AwsOperation, is_retry: bool, outcome: AwsOutcome) {
        for numbers in self.of(operation) {
            numbers.retries.add(u64::from(is_retry));
            numbers.throttled.add(u64::from(outcome == AwsOutcome::Throttled));
        }
    }

    /// Counts a call that has ended.
    pub(crate) fn record_call(&self, operation: AwsOperation, outcome: AwsOutcome, duration: Duration) {
        self.duration.record(duration);
        for numbers in self.of(operation) {
            let counters = OUTCOMES.iter().zip(&numbers.calls);
            counters.filter(|((known, _), _)| *known == outcome).for_each(|(_, counter)| counter.add(1));
        }
    }

    pub(super) fn render(&self, page: &mut Page) {
        let labelled = || OPERATIONS.iter().zip(&self.operations);
        page.head("lakegate_aws_calls_total", "counter", "Calls to AWS, with all attempts at one as one.");
        for ((_, service, operation), numbers) in labelled() {
            for ((_, outcome), counter) in OUTCOMES.iter().zip(&numbers.calls) {
                let labels =
                    format!("{{service=\"{service}\",operation=\"{operation}\",outcome=\"{outcome}\"}}");
                page.sample("lakegate_aws_calls_total", &labels, counter.get());
            }
        }
        let mut counters = |name: &str, help: &str, counter: fn(&Operation) -> &Counter| {
            page.head(name, "counter", help);
            for ((_, service, operation), numbers) in labelled() {
                let labels = format!("{{service=\"{service}\",operation=\"{operation}\"}}");
                page.sample(name, &labels, counter(numbers).get());
            }
        };
        counters("lakegate_aws_retries_total", "Attempts at a call after the first.", |numbers| {
            &numbers.retries
        });
        counters("lakegate_aws_throttled_total", "Attempts that AWS has throttled.", |numbers| {
            &numbers.throttled
        });
        page.histogram(
            "lakegate_aws_call_seconds",
            "Time of a call to AWS, retries included.",
            &self.duration,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_retries_and_throttling_are_counted_by_operation() {
        let calls = AwsCalls::default();
        calls.record_attempt(AwsOperation::GetTables, false, AwsOutcome::Throttled);
        calls.record_attempt(AwsOperation::GetTables, true, AwsOutcome::Ok);
        calls.record_call(AwsOperation::GetTables, AwsOutcome::Ok, Duration::from_millis(3));
        let mut page = Page::default();
        calls.render(&mut page);
        for line in [
            "lakegate_aws_calls_total{service=\"glue\",operation=\"GetTables\",outcome=\"ok\"} 1",
            "lakegate_aws_calls_total{service=\"sts\",operation=\"AssumeRole\",outcome=\"throttled\"} 0",
            "lakegate_aws_retries_total{service=\"glue\",operation=\"GetTables\"} 1",
            "lakegate_aws_throttled_total{service=\"glue\",operation=\"GetTables\"} 1",
            "lakegate_aws_call_seconds_count 1",
        ] {
            assert!(page.0.lines().any(|found| found == line), "{line} not in {}", page.0);
        }
    }
}
