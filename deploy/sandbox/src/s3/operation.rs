//! Which S3 operation a request is, before anything else looks at it: for counters and for faults.
//!
//! Access is not decided by this name but by the one `s3s` finds, so a wrong guess here miscounts and no more.

use http::Method;

/// The operation's name, or `Other` for those that the sandbox does not serve.
pub(crate) fn operation_name(method: &Method, path: &str, query: &str, is_copy: bool) -> &'static str {
    let key = path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
    let is_bucket_named = path.len() > 1;
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    match (method.as_str(), is_bucket_named, !key.is_empty()) {
        ("GET", false, _) => "ListBuckets",
        ("GET", true, false) if has("location") => "GetBucketLocation",
        ("GET", true, false) if query.split('&').any(|pair| pair == "list-type=2") => "ListObjectsV2",
        ("GET", true, false) => "ListObjects",
        ("HEAD", true, false) => "HeadBucket",
        ("PUT", true, false) => "CreateBucket",
        ("DELETE", true, false) => "DeleteBucket",
        ("POST", true, false) if has("delete") => "DeleteObjects",
        ("GET", true, true) if has("uploadId") => "ListParts",
        ("GET", true, true) => "GetObject",
        ("HEAD", true, true) => "HeadObject",
        ("PUT", true, true) if has("uploadId") => "UploadPart",
        ("PUT", true, true) if is_copy => "CopyObject",
        ("PUT", true, true) => "PutObject",
        ("DELETE", true, true) if has("uploadId") => "AbortMultipartUpload",
        ("DELETE", true, true) => "DeleteObject",
        ("POST", true, true) if has("uploads") => "CreateMultipartUpload",
        ("POST", true, true) if has("uploadId") => "CompleteMultipartUpload",
        _ => "Other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_by_method_path_and_query() {
        let cases = [
            ("GET", "/", "", "ListBuckets"),
            ("GET", "/b", "list-type=2&prefix=a", "ListObjectsV2"),
            ("GET", "/b/", "prefix=list-type", "ListObjects"),
            ("GET", "/b/a/c", "", "GetObject"),
            ("HEAD", "/b/a", "", "HeadObject"),
            ("PUT", "/b/a", "partNumber=1&uploadId=x", "UploadPart"),
            ("POST", "/b/a", "uploads=", "CreateMultipartUpload"),
            ("POST", "/b", "delete", "DeleteObjects"),
        ];
        for (method, path, query, expected) in cases {
            let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
            assert_eq!(operation_name(&method, path, query, false), expected, "{method} {path}?{query}");
        }
    }
}
