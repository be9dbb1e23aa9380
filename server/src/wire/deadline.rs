//! The client's deadline, from the `grpc-timeout` header.
//!
//! tonic applies the header to a call only until its response headers are sent, which for a result stream is before
//! the first row. So it is read here once, travels in the request context, and the result stream obeys it too.

use std::time::Duration;

use tonic::metadata::MetadataMap;

const HEADER: &str = "grpc-timeout";

/// The gRPC specification allows this many digits before the unit.
const MAX_DIGITS: usize = 8;

const SECONDS_PER_MINUTE: u64 = 60;
const SECONDS_PER_HOUR: u64 = 60 * 60;

/// How long the client is willing to wait. `None` without the header, or with one that breaks the specification:
/// a deadline is the client's own offer, so an unreadable one is no reason to refuse the call.
pub(super) fn client_timeout(metadata: &MetadataMap) -> Option<Duration> {
    parse(metadata.get(HEADER)?.to_str().ok()?)
}

fn parse(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let digits = &text[..text.len() - unit.len_utf8()];
    let well_formed =
        !digits.is_empty() && digits.len() <= MAX_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    if !well_formed {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(amount * SECONDS_PER_HOUR)),
        'M' => Some(Duration::from_secs(amount * SECONDS_PER_MINUTE)),
        'S' => Some(Duration::from_secs(amount)),
        'm' => Some(Duration::from_millis(amount)),
        'u' => Some(Duration::from_micros(amount)),
        'n' => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_the_specification_is_read() {
        let expected = [
            ("1H", Duration::from_secs(3600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("4m", Duration::from_millis(4)),
            ("5u", Duration::from_micros(5)),
            ("99999999n", Duration::from_nanos(99_999_999)),
        ];
        for (text, duration) in expected {
            assert_eq!(parse(text), Some(duration), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_deadline() {
        for text in ["", "S", "1", "1s", "-1S", "+1S", "1.5S", "999999999S", "1ü", "ü", "1 S"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
