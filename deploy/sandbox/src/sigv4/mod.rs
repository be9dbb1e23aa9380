//! AWS Signature Version 4 over an `Authorization` header: reading it and checking it.
//!
//! STS, IAM, Glue and Lake Formation are checked here; S3, with its streaming variants, is checked by `s3s`.
//! Invariants: the body that is hashed is the body that is served; signatures are compared in constant time; the
//! signed headers include `host`, and a signature older or newer than fifteen minutes counts for nothing.

mod canonical;

use chrono::{DateTime, NaiveDateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use http::request::Parts;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use canonical::canonical_request;
pub(crate) use canonical::percent_encode;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE_FORMAT: &str = "%Y%m%dT%H%M%SZ";
const ALLOWED_SKEW_SECONDS: i64 = 15 * 60;

/// Why a request is not taken as signed by the key it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthFailure {
    /// No signature at all.
    Missing,
    /// An `Authorization` header that cannot be read, or one that leaves `host` unsigned.
    Malformed,
    /// The access key is not known, or its session token is absent or wrong.
    UnknownKey,
    /// The session behind the key is over.
    Expired,
    /// The signature was made by another secret or over another request.
    Mismatch,
    /// The request was signed too long ago or too far in the future.
    Skewed,
    /// The credential scope names another Region.
    WrongRegion,
}

/// The credential scope of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) access_key: String,
    /// `YYYYMMDD`.
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

/// A parsed `Authorization` header.
pub(crate) struct Authorization {
    pub(crate) scope: Scope,
    signed_headers: Vec<String>,
    signature: String,
}

impl Scope {
    /// Reads `<key>/<date>/<region>/<service>/aws4_request`.
    pub(crate) fn parse(credential: &str) -> Option<Self> {
        let mut parts = credential.split('/');
        let mut next = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
        let scope = Self { access_key: next()?, date: next()?, region: next()?, service: next()? };
        let is_complete = next().as_deref() == Some("aws4_request") && next().is_none();
        is_complete.then_some(scope)
    }

    fn path(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

impl Authorization {
    /// Reads the header; `None` when it is absent or no SigV4 header.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
        let fields = value.strip_prefix(ALGORITHM)?;
        let field = |name: &str| {
            fields.split(',').map(str::trim).find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
        };
        Some(Self {
            scope: Scope::parse(field("Credential")?)?,
            signed_headers: field("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: field("Signature")?.to_owned(),
        })
    }

    /// Checks that `secret` signed exactly this request at about `now`.
    ///
    /// # Errors
    /// What is wrong with the signature; see [`AuthFailure`].
    pub(crate) fn verify(
        &self,
        parts: &Parts,
        body: &[u8],
        secret: &str,
        now: DateTime<Utc>,
    ) -> Result<(), AuthFailure> {
        let stamp = parts
            .headers
            .get("x-amz-date")
            .and_then(|value| value.to_str().ok())
            .ok_or(AuthFailure::Malformed)?;
        let is_recent = is_recent(stamp, now).ok_or(AuthFailure::Malformed)?;
        let covers_host = self.signed_headers.iter().any(|name| name == "host");
        if !covers_host || !stamp.starts_with(&self.scope.date) {
            return Err(AuthFailure::Malformed);
        }
        if !is_recent {
            return Err(AuthFailure::Skewed);
        }
        let canonical = canonical_request(parts, &self.signed_headers, &sha256_hex(body))?;
        let expected = signature(secret, &self.scope, stamp, &canonical);
        let is_same: bool = expected.as_bytes().ct_eq(self.signature.as_bytes()).into();
        if is_same { Ok(()) } else { Err(AuthFailure::Mismatch) }
    }
}

/// Whether a time stamp of a signature is close enough to `now`; `None` if it is no time stamp.
pub(crate) fn is_recent(stamp: &str, now: DateTime<Utc>) -> Option<bool> {
    let signed_at = NaiveDateTime::parse_from_str(stamp, DATE_FORMAT).ok()?.and_utc();
    Some((now - signed_at).num_seconds().abs() <= ALLOWED_SKEW_SECONDS)
}

fn signature(secret: &str, scope: &Scope, stamp: &str, canonical: &str) -> String {
    let text = format!("{ALGORITHM}\n{stamp}\n{}\n{}", scope.path(), sha256_hex(canonical.as_bytes()));
    let date_key = hmac(format!("AWS4{secret}").as_bytes(), scope.date.as_bytes());
    let region_key = hmac(&date_key, scope.region.as_bytes());
    let service_key = hmac(&region_key, scope.service.as_bytes());
    let signing_key = hmac(&service_key, b"aws4_request");
    hex::encode(hmac(&signing_key, text.as_bytes()))
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length, so the error arm cannot be reached; an empty MAC would match nothing.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn sha256_hex(data: &[u8]) -> String {
    hex::encode(Sha256::digest(data))
}

#[cfg(test)]
mod tests;
