//! What is counted of a call to AWS.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

use aws_smithy_types::body::SdkBody;

use super::*;

#[test]
fn an_answer_tells_how_an_attempt_has_ended() {
    for (status, body, expected) in [
        (400_u16, r#"{"__type":"ThrottlingException","Message":"Rate exceeded"}"#, AwsOutcome::Throttled),
        (400, r#"{"__type":"AccessDeniedException"}"#, AwsOutcome::Denied),
        (403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>", AwsOutcome::Denied),
        (400, r#"{"__type":"EntityNotFoundException"}"#, AwsOutcome::NotFound),
        (503, "", AwsOutcome::Unavailable),
        (400, r#"{"__type":"InvalidInputException"}"#, AwsOutcome::Refused),
    ] {
        let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        assert_eq!(outcome_of(&response), expected, "{status} {body}");
    }
}
