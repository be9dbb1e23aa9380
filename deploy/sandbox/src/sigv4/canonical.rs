//! The canonical form of a request, which is what a SigV4 signature covers.

use http::HeaderMap;
use http::request::Parts;

use super::AuthFailure;

/// Builds the canonical request from the headers that the signature names.
///
/// # Errors
/// [`AuthFailure::Mismatch`] when a signed header is not in the request: it cannot be what was signed.
pub(super) fn canonical_request(
    parts: &Parts,
    signed_headers: &[String],
    payload_hash: &str,
) -> Result<String, AuthFailure> {
    let mut headers = String::new();
    for name in signed_headers {
        let value = header_value(&parts.headers, name).ok_or(AuthFailure::Mismatch)?;
        headers.push_str(&format!("{name}:{value}\n"));
    }
    // Outside S3 the path is encoded once more than on the wire.
    let path = percent_encode(parts.uri.path(), true);
    let query = canonical_query(parts.uri.query().unwrap_or_default());
    let names = signed_headers.join(";");
    Ok(format!("{}\n{path}\n{query}\n{headers}\n{names}\n{payload_hash}", parts.method))
}

fn header_value(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect::<Result<_, _>>()
        .ok()?;
    (!values.is_empty()).then(|| values.join(","))
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (percent_encode(&name, false), percent_encode(&value, false)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Percent-encodes all but the unreserved characters of RFC 3986 and, when asked, the slash.
pub(crate) fn percent_encode(text: &str, keep_slash: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte))
            }
            b'/' if keep_slash => encoded.push('/'),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
