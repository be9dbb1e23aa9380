//! S3 as one grant's credentials open it.
//!
//! Invariants
//! - A store is made for one grant and asks that grant's lease before every request; it reads no environment variable
//!   and knows no other source of credentials, so a refusal can never fall back to the server's own rights (R16).
//! - Each answer of the lease must open the table's root, compared by path segments, before it signs anything.
//! - All stores share one pool of HTTP connections, whose work runs on the I/O runtime.
//! - Retries have one owner: `object_store`, configured here. Listings are made ready for it, see [`WholeListings`].

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService, SpawnedReqwestConnector,
};
use object_store::{BackoffConfig, ClientOptions, CredentialProvider, ObjectStore, RetryConfig};
use tokio::runtime::Handle;

use super::location::TableLocation;
use crate::access::{CredentialLease, Grant};
use crate::error::{Error, ErrorKind};
use crate::mutant::Mutant;
use crate::settings::AwsSettings;

/// Idle connections are closed before S3 closes them (about 20 s), so that none is used as it goes away.
const POOL_IDLE: std::time::Duration = std::time::Duration::from_secs(15);

/// Connections kept open per host; enough for parallel column reads of several queries.
const POOL_SIZE: usize = 256;

/// Tells a listing from a read.
const LISTING: &str = "list-type=2";

/// Makes stores. One per server.
pub(super) struct S3 {
    region: String,
    endpoint: Option<String>,
    http: SharedConnector,
    options: ClientOptions,
    retries: RetryConfig,
}

impl S3 {
    /// # Arguments
    /// * `io` - the runtime that sends and receives.
    ///
    /// # Errors
    /// If the HTTP client cannot be made, for example without root certificates.
    pub(super) fn new(settings: &AwsSettings, io: Handle) -> Result<Self, Error> {
        let endpoint = settings.s3_endpoint_url.as_ref().or(settings.endpoint_url.as_ref());
        // A slash at the end would become an empty first segment of every key.
        let endpoint = endpoint.map(|url| url.as_str().trim_end_matches('/').to_owned());
        let options = ClientOptions::new()
            .with_allow_http(endpoint.as_deref().is_some_and(|url| url.starts_with("http://")))
            .with_connect_timeout(settings.connect_timeout)
            .with_timeout(settings.call_timeout)
            .with_pool_idle_timeout(POOL_IDLE)
            .with_pool_max_idle_per_host(POOL_SIZE);
        let client = SpawnedReqwestConnector::new(io)
            .connect(&options)
            .map_err(|error| Error::internal(format!("S3 client: {error}")))?;
        Ok(Self {
            region: settings.region.clone(),
            endpoint,
            http: SharedConnector(HttpClient::new(WholeListings(client))),
            options,
            retries: RetryConfig {
                max_retries: usize::try_from(settings.max_attempts.saturating_sub(1)).unwrap_or_default(),
                retry_timeout: settings.call_timeout * settings.max_attempts.max(1),
                backoff: BackoffConfig::default(),
            },
        })
    }

    /// The bucket of `location` as `grant` opens it. Makes no call.
    ///
    /// # Errors
    /// If the bucket's address cannot be formed.
    pub(super) fn store(
        &self,
        grant: &Grant,
        location: &TableLocation,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        let lease = Mutant::CredentialsOfFirstGrant.first_of(Arc::clone(grant.lease()));
        let credentials = LeasedCredentials { lease, location: location.clone() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(location.bucket())
            .with_region(&self.region)
            .with_credentials(Arc::new(credentials))
            .with_http_connector(self.http.clone())
            .with_client_options(self.options.clone())
            .with_retry(self.retries.clone());
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
        }
        let store = builder.build().map_err(|error| Error::internal(format!("S3 store: {error}")))?;
        Ok(Arc::new(store))
    }
}

/// Receives a listing to its end before it hands it on. `object_store` goes on with an object whose content breaks off, and
/// asks again for an answer that did not begin; a listing that breaks off it gives up.
#[derive(Debug)]
struct WholeListings(HttpClient);

#[async_trait]
impl HttpService for WholeListings {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_listing = request.uri().query().is_some_and(|query| query.contains(LISTING));
        let answer = self.0.execute(request).await?;
        if !is_listing {
            return Ok(answer);
        }
        let (head, content) = answer.into_parts();
        let content = content.bytes().await.map_err(|error| match error.kind() {
            HttpErrorKind::Timeout => error,
            _ => HttpError::new(HttpErrorKind::Interrupted, error),
        })?;
        Ok(HttpResponse::from_parts(head, HttpResponseBody::from(content)))
    }
}

/// Gives every store the same client and so the same connections.
#[derive(Clone, Debug)]
struct SharedConnector(HttpClient);

impl HttpConnector for SharedConnector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

/// A lease as object_store asks for credentials: before each request.
struct LeasedCredentials {
    lease: Arc<CredentialLease>,
    location: TableLocation,
}

impl fmt::Debug for LeasedCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LeasedCredentials")
    }
}

#[async_trait]
impl CredentialProvider for LeasedCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let vended = self.lease.current().await.map_err(refused)?;
        let paths = vended.vended_paths();
        let opens_the_table = paths.is_empty() || paths.iter().any(|path| self.location.is_opened_by(path));
        if !opens_the_table {
            let error =
                Error::new(ErrorKind::DataInvalid, "AWS gives no credentials for the table's location")
                    .because(format!("vended paths {paths:?} do not cover {:?}", self.location));
            return Err(refused(error));
        }
        Ok(Arc::new(AwsCredential {
            key_id: vended.access_key_id().to_owned(),
            secret_key: vended.secret_access_key().expose().to_owned(),
            token: Some(vended.session_token().expose().to_owned()),
        }))
    }
}

fn refused(error: Error) -> object_store::Error {
    object_store::Error::Generic { store: "lease", source: Box::new(error) }
}
