//! Who may do what on S3. Everything that is not allowed here by name is denied.
//!
//! The administrator may do everything, the server user nothing, a role session what its policies say, and a vended
//! key may read below its prefix, if the role of the registered location may: `GetObject`, `HeadObject`, and listings whose prefix lies inside, compared by
//! whole path segments, so that a key for `a/` says nothing about `ab/`.

use std::sync::Arc;

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::{CopyObjectInput, CopySource, DeleteObjectsInput, ListObjectsInput, ListObjectsV2Input};
use s3s::path::S3Path;
use s3s::{S3Request, S3Result, s3_error};

use crate::iam;
use crate::sigv4::AuthFailure;
use crate::state::{Caller, Identity, State, TableScope};

const TOKEN: &str = "x-amz-security-token";

/// The secrets of the account's keys.
pub(super) struct Keys(pub(super) Arc<State>);

/// The access checks.
pub(super) struct Access(pub(super) Arc<State>);

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let account = self.0.read();
        let secret = account.keys.secret(access_key).ok_or_else(|| s3_error!(InvalidAccessKeyId))?;
        Ok(SecretKey::from(secret))
    }
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        self.note(cx.s3_op().name(), cx.s3_path());
        let access_key = cx.credentials().map(|credentials| credentials.access_key.clone());
        let access_key =
            access_key.ok_or_else(|| s3_error!(AccessDenied, "Anonymous access is not allowed"))?;
        let token = session_token(cx)?;
        let caller = self
            .0
            .read()
            .keys
            .caller(&access_key, token.as_deref(), self.0.clock.now())
            .map_err(auth_error)?;
        if let Some(request) = Request::of(cx.s3_op().name(), cx.s3_path())? {
            self.require(&caller, &request)?;
        }
        cx.extensions_mut().insert(caller);
        Ok(())
    }

    async fn list_objects(&self, request: &mut S3Request<ListObjectsInput>) -> S3Result<()> {
        self.require_listing(caller(request)?, &request.input.bucket, request.input.prefix.as_deref())
    }

    async fn list_objects_v2(&self, request: &mut S3Request<ListObjectsV2Input>) -> S3Result<()> {
        self.require_listing(caller(request)?, &request.input.bucket, request.input.prefix.as_deref())
    }

    async fn delete_objects(&self, request: &mut S3Request<DeleteObjectsInput>) -> S3Result<()> {
        let bucket = request.input.bucket.as_str();
        for object in &request.input.delete.objects {
            let deletion = Request::Object { action: "s3:DeleteObject", bucket, key: &object.key };
            self.require(caller(request)?, &deletion)?;
        }
        Ok(())
    }

    async fn copy_object(&self, request: &mut S3Request<CopyObjectInput>) -> S3Result<()> {
        let CopySource::Bucket { bucket, key, .. } = &request.input.copy_source else {
            return Err(s3_error!(NotImplemented, "The sandbox copies from buckets only"));
        };
        let reading = Request::Object { action: "s3:GetObject", bucket, key };
        let writing = Request::Object {
            action: "s3:PutObject",
            bucket: &request.input.bucket,
            key: &request.input.key,
        };
        self.require(caller(request)?, &reading)?;
        self.require(caller(request)?, &writing)
    }
}

/// What a request wants, in the terms of identity policies.
enum Request<'a> {
    Object { action: &'static str, bucket: &'a str, key: &'a str },
    Bucket { action: &'static str, bucket: &'a str },
    List { bucket: &'a str, prefix: &'a str },
    Account { action: &'static str },
}

impl<'a> Request<'a> {
    /// The request behind an operation of `s3s`; `None` for those whose own hook above decides, once the input has
    /// been read.
    fn of(operation: &str, path: &'a S3Path) -> S3Result<Option<Self>> {
        let object = |action| match path.as_object() {
            Some((bucket, key)) => Ok(Some(Self::Object { action, bucket, key })),
            None => Err(s3_error!(InvalidRequest)),
        };
        let bucket = |action| match path.as_bucket() {
            Some(bucket) => Ok(Some(Self::Bucket { action, bucket })),
            None => Err(s3_error!(InvalidRequest)),
        };
        match operation {
            "ListObjects" | "ListObjectsV2" | "DeleteObjects" | "CopyObject" => Ok(None),
            "GetObject" | "HeadObject" => object("s3:GetObject"),
            "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => {
                object("s3:PutObject")
            }
            "DeleteObject" => object("s3:DeleteObject"),
            "AbortMultipartUpload" => object("s3:AbortMultipartUpload"),
            "ListParts" => object("s3:ListMultipartUploadParts"),
            "CreateBucket" => bucket("s3:CreateBucket"),
            "DeleteBucket" => bucket("s3:DeleteBucket"),
            "HeadBucket" => bucket("s3:ListBucket"),
            "GetBucketLocation" => bucket("s3:GetBucketLocation"),
            "ListBuckets" => Ok(Some(Self::Account { action: "s3:ListAllMyBuckets" })),
            _ => Err(s3_error!(NotImplemented, "The sandbox does not serve this S3 operation")),
        }
    }

    fn action_and_resource(&self) -> (&'static str, String) {
        match self {
            Self::Object { action, bucket, key } => (action, format!("arn:aws:s3:::{bucket}/{key}")),
            Self::Bucket { action, bucket } => (action, format!("arn:aws:s3:::{bucket}")),
            Self::List { bucket, .. } => ("s3:ListBucket", format!("arn:aws:s3:::{bucket}")),
            Self::Account { action } => (action, "*".to_owned()),
        }
    }
}

impl Access {
    /// For those who record requests. Listings are noted where their prefix is known.
    fn note(&self, operation: &str, path: &S3Path) {
        if !matches!(operation, "ListObjects" | "ListObjectsV2") {
            let (bucket, key) = path.as_object().unwrap_or((path.as_bucket().unwrap_or_default(), ""));
            self.0.note_s3(operation, bucket, key);
        }
    }

    fn require_listing(&self, caller: &Caller, bucket: &str, prefix: Option<&str>) -> S3Result<()> {
        let prefix = prefix.unwrap_or_default();
        self.0.note_s3("ListObjects", bucket, prefix);
        self.require(caller, &Request::List { bucket, prefix })
    }

    fn require(&self, caller: &Caller, request: &Request<'_>) -> S3Result<()> {
        let (action, resource) = request.action_and_resource();
        let account = self.0.read();
        let is_allowed = match &caller.identity {
            Identity::Table(scope) => {
                let role = account.roles.by_arn(&scope.location_role);
                opens(scope, request) && role.is_some_and(|role| role.allows(action, &resource))
            }
            Identity::User(_) | Identity::Role(_) => iam::is_allowed(&account, caller, action, &resource),
        };
        if is_allowed { Ok(()) } else { Err(s3_error!(AccessDenied, "Access Denied")) }
    }
}

/// Whether a vended key opens the request.
fn opens(scope: &TableScope, request: &Request<'_>) -> bool {
    let is_inside = |bucket: &str, path: &str| {
        let below = path.strip_prefix(scope.prefix.as_str()).is_some_and(|rest| rest.starts_with('/'));
        bucket == scope.bucket && (scope.prefix.is_empty() || below)
    };
    match request {
        Request::Object { action: "s3:GetObject", bucket, key } => is_inside(bucket, key),
        Request::List { bucket, prefix } => is_inside(bucket, prefix),
        Request::Object { .. } | Request::Bucket { .. } | Request::Account { .. } => false,
    }
}

/// The caller that [`Access::check`] found.
fn caller<T>(request: &S3Request<T>) -> S3Result<&Caller> {
    request.extensions.get::<Caller>().ok_or_else(|| s3_error!(AccessDenied, "Access Denied"))
}

/// The session token from the header or, in a presigned URL, the query.
fn session_token(cx: &S3AccessContext<'_>) -> S3Result<Option<String>> {
    if let Some(value) = cx.headers().get(TOKEN) {
        let token = value.to_str().map_err(|_| s3_error!(InvalidToken))?;
        return Ok(Some(token.to_owned()));
    }
    let query = cx.uri().query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    Ok(pairs.find(|(name, _)| name.eq_ignore_ascii_case(TOKEN)).map(|(_, value)| value.into_owned()))
}

fn auth_error(failure: AuthFailure) -> s3s::S3Error {
    match failure {
        AuthFailure::Expired => s3_error!(ExpiredToken, "The provided token has expired."),
        _ => s3_error!(InvalidToken, "The provided token is malformed or otherwise invalid."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(prefix: &str) -> TableScope {
        TableScope {
            bucket: "lake".into(),
            prefix: prefix.into(),
            principal: "p".into(),
            location_role: "r".into(),
        }
    }

    fn get<'a>(bucket: &'a str, key: &'a str) -> Request<'a> {
        Request::Object { action: "s3:GetObject", bucket, key }
    }

    #[test]
    fn a_vended_key_reads_below_its_prefix_by_whole_segments() {
        let scope = scope("sales/a");
        assert!(opens(&scope, &get("lake", "sales/a/part-0.parquet")));
        assert!(!opens(&scope, &get("lake", "sales/ab/part-0.parquet")));
        assert!(!opens(&scope, &get("lake", "sales/a")));
        assert!(!opens(&scope, &get("other", "sales/a/part-0.parquet")));
    }

    #[test]
    fn a_vended_key_lists_only_inside_its_prefix() {
        let scope = scope("sales/a");
        for (prefix, expected) in
            [("sales/a/", true), ("sales/a/_delta_log/", true), ("sales/a", false), ("", false)]
        {
            assert_eq!(opens(&scope, &Request::List { bucket: "lake", prefix }), expected, "{prefix}");
        }
    }

    #[test]
    fn a_vended_key_writes_nothing() {
        let put = Request::Object { action: "s3:PutObject", bucket: "lake", key: "sales/a/x" };
        let delete = Request::Object { action: "s3:DeleteObject", bucket: "lake", key: "sales/a/x" };
        assert!(!opens(&scope("sales/a"), &put));
        assert!(!opens(&scope("sales/a"), &delete));
        assert!(!opens(&scope(""), &put));
        assert!(!opens(&scope(""), &Request::Bucket { action: "s3:DeleteBucket", bucket: "lake" }));
    }
}
