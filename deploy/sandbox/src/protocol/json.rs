//! JSON bodies (Glue and Lake Formation): inputs, error bodies, paging and time stamps.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{ApiError, ErrorCode};

/// One page of a listing.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the next page starts; `None` on the last one.
    pub(crate) next_token: Option<String>,
}

/// The typed input of an operation; an empty body counts as `{}`.
///
/// # Errors
/// `SerializationException` when the body is no JSON, `InvalidInputException` when a member is missing or mistyped.
pub(crate) fn input<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => ApiError::invalid_input(format!("Invalid request: {error}")),
        _ => ApiError::new(ErrorCode::SerializationException, "The request body is not valid JSON"),
    })
}

/// `{"__type": …, "message": …}`, and no message at all for a bare error.
pub(super) fn error_body(error: &ApiError) -> String {
    let body = if error.message.is_empty() {
        json!({"__type": error.code.as_str()})
    } else {
        json!({"__type": error.code.as_str(), "message": error.message})
    };
    body.to_string()
}

/// AWS JSON time stamps are seconds since the epoch.
pub(crate) fn epoch_seconds(time: DateTime<Utc>) -> i64 {
    time.timestamp()
}

/// Cuts the page out of `items` that `max_results` (1 to `limit`, `limit` when absent) and `next_token` ask for.
///
/// # Errors
/// `InvalidInputException` for a page size outside the limits or a token that this function did not make.
pub(crate) fn page<T>(
    items: Vec<T>,
    max_results: Option<i64>,
    next_token: Option<&str>,
    limit: usize,
) -> Result<Page<T>, ApiError> {
    let size = match max_results {
        None => limit,
        Some(asked) => usize::try_from(asked)
            .ok()
            .filter(|size| (1..=limit).contains(size))
            .ok_or_else(|| ApiError::invalid_input(format!("MaxResults must be between 1 and {limit}")))?,
    };
    let start = match next_token {
        None | Some("") => 0,
        Some(token) => {
            decode_token(token).ok_or_else(|| ApiError::invalid_input("NextToken is not valid"))?
        }
    };
    let end = start.saturating_add(size);
    let next_token = (end < items.len()).then(|| hex::encode(end.to_string()));
    let items = items.into_iter().skip(start).take(size).collect();
    Ok(Page { items, next_token })
}

fn decode_token(token: &str) -> Option<usize> {
    let bytes = hex::decode(token).ok()?;
    std::str::from_utf8(&bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn pages_cover_every_item_once_and_the_last_has_no_token() {
        let items: Vec<u32> = (0..5).collect();
        let first = page(items.clone(), Some(2), None, 100).unwrap();
        let second = page(items.clone(), Some(2), first.next_token.as_deref(), 100).unwrap();
        let third = page(items, Some(2), second.next_token.as_deref(), 100).unwrap();
        assert_eq!((first.items, second.items, third.items), (vec![0, 1], vec![2, 3], vec![4]));
        assert_eq!(third.next_token, None);
    }

    #[test]
    fn page_sizes_and_tokens_outside_the_contract_are_refused() {
        for (size, token) in [(Some(0), None), (Some(101), None), (None, Some("zz")), (None, Some("ff"))] {
            assert!(page(vec![1], size, token, 100).is_err(), "{size:?} {token:?}");
        }
    }

    #[test]
    fn a_bare_error_carries_no_message() {
        let body = error_body(&ApiError::denied(""));
        assert_eq!(body, r#"{"__type":"AccessDeniedException"}"#);
    }
}
