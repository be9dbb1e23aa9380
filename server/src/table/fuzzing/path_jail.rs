//! Fuzz target of the jail: where do a table's location and a path in its log lead?
//!
//! ```text
//! location of the table ⏎ a path: of a data file, of a deletion vector, or any that a reader asks the store for
//! ```
//!
//! What counts is the request that leaves for S3. The store is the one of production behind the jail, and instead of the
//! network there is a recorder: each request must name the table's bucket and a key below the table's prefix, after the
//! decoding that S3 does.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use delta_kernel::actions::deletion_vector::{DeletionVectorDescriptor, DeletionVectorStorageType};
use futures::StreamExt;
use futures::executor::block_on;
use object_store::aws::AmazonS3Builder;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt};
use url::{Url, form_urlencoded};

use super::must;
use crate::table::jail::{JailedStore, Trouble};
use crate::table::location::TableLocation;

/// The end of a relative deletion vector's path: an identifier of the form that the kernel insists on.
const VECTOR_ID: &str = "vBn[lx{q8@P<9BNH/isA";

/// Text is read as described in the file's head. Other bytes: nothing to do.
pub(crate) fn path_jail(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (table, path) = text.split_once('\n').unwrap_or((text, ""));
    let Some(location) = TableLocation::parse(table) else { return };
    let root = must(location.url());
    assert_eq!(root.host_str(), Some(location.bucket()), "the root's bucket");
    assert_eq!(must(Path::from_url_path(root.path())), *location.prefix(), "the root's folder");

    let recorder = Recorder::default();
    let store = jailed(&location, &recorder);
    for object in objects(&location, &root, path) {
        assert!(lies_below(object.as_ref(), location.prefix().as_ref()), "{object} is outside");
        let _ = block_on(store.get_range(&object, 0..1));
        let wanted = format!("/{}/{object}", location.bucket());
        assert_eq!(recorder.keys(), [wanted], "another object is asked for");
    }
    for asked in asked(path) {
        let _ = block_on(store.get_range(&asked, 0..1));
        let _ = block_on(store.head(&asked));
        let folder = format!("/{}/{}", location.bucket(), location.prefix());
        assert!(recorder.keys().iter().all(|key| lies_below(key, &folder)), "{asked} is let out");
        let _ = block_on(store.list(Some(&asked)).next());
        let _ = block_on(store.list_with_offset(Some(&asked), &asked).next());
        let _ = block_on(store.list_with_delimiter(Some(&asked)));
        let folder = format!("{}/", location.prefix());
        assert!(
            recorder.prefixes(&location).iter().all(|prefix| prefix.starts_with(&folder)),
            "{asked} is listed"
        );
    }
    let _ = block_on(store.list(None).next());
    let _ = block_on(store.list_with_delimiter(None));
    assert!(recorder.prefixes(&location).is_empty(), "the whole bucket is listed");
}

/// The objects of the table that a text means, in each place of a log where it may stand.
fn objects(location: &TableLocation, root: &Url, path: &str) -> Vec<Path> {
    let vector = |kind, text: &str| {
        let descriptor = DeletionVectorDescriptor::try_new(kind, text, Some(1), 4, 1).ok()?;
        location.object(&descriptor.absolute_path(root).ok()??)
    };
    [
        location.resolve(root, path),
        Url::parse(path).ok().and_then(|url| location.object(&url)),
        vector(DeletionVectorStorageType::PersistedAbsolute, path),
        vector(DeletionVectorStorageType::PersistedRelative, path),
        vector(DeletionVectorStorageType::PersistedRelative, &format!("{path}{VECTOR_ID}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Paths as a reader may make them of a text.
fn asked(path: &str) -> Vec<Path> {
    let url = Url::parse(path).ok().and_then(|url| Path::from_url_path(url.path()).ok());
    let parsed = [Path::parse(path).ok(), Path::from_url_path(path).ok(), url];
    parsed.into_iter().flatten().chain([Path::from(path)]).collect()
}

/// Whether a key lies below a folder, and stays there if somebody resolved its dots.
fn lies_below(key: &str, folder: &str) -> bool {
    let below = key.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
    below.is_some_and(|rest| rest.split('/').all(|segment| !matches!(segment, "" | "." | "..")))
}

fn jailed(location: &TableLocation, recorder: &Recorder) -> JailedStore {
    let store = AmazonS3Builder::new()
        .with_bucket_name(location.bucket())
        .with_region("us-east-1")
        .with_skip_signature(true)
        .with_http_connector(recorder.clone())
        .build();
    JailedStore::new(Arc::new(must(store)), location.clone(), Arc::new(Trouble::default()))
}

/// Keeps the address of each request, as an HTTP client would send it, and answers that there is nothing.
#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Vec<Url>>>);

impl Recorder {
    fn requests(&self) -> Vec<Url> {
        self.0.lock().map(|mut requests| std::mem::take(&mut *requests)).unwrap_or_default()
    }

    /// Decoded paths of the requests since the last call: bucket and key.
    fn keys(&self) -> Vec<String> {
        self.requests().iter().map(|url| percent_decoded(url.path())).collect()
    }

    /// Decoded prefixes of the listings since the last call.
    fn prefixes(&self, location: &TableLocation) -> Vec<String> {
        let requests = self.requests();
        let prefix = |url: &Url| {
            assert_eq!(url.path().trim_end_matches('/'), format!("/{}", location.bucket()), "another bucket");
            let mut parameters = form_urlencoded::parse(url.query().unwrap_or_default().as_bytes());
            parameters
                .find(|(name, _)| name == "prefix")
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        requests.iter().map(prefix).collect()
    }
}

impl HttpConnector for Recorder {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Recorder {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url = must(Url::parse(&request.uri().to_string()));
        if let Ok(mut requests) = self.0.lock() {
            requests.push(url);
        }
        let mut response = HttpResponse::new(HttpResponseBody::from(Vec::new()));
        *response.status_mut() = http::StatusCode::NOT_FOUND;
        Ok(response)
    }
}

/// One decoding, written out so that it is not the one under test.
fn percent_decoded(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = digit(bytes.get(at + 1)).zip(digit(bytes.get(at + 2)));
        match pair.filter(|_| *byte == b'%').and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    must(String::from_utf8(decoded))
}
