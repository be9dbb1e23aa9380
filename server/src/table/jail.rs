//! An object store that opens one table's folder and nothing else.
//!
//! Paths inside a Delta log may be absolute: shallow clones, deletion vectors of kind `p`, sidecars. Whoever can write
//! one table's log could point it at another table's files, and would have this server read them. Every path of every
//! call is checked here, whatever asked for it. Writing is refused: this server is read-only.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use url::Url;

use super::failure;
use super::location::TableLocation;

/// The name that this store gives in errors.
const NAME: &str = "jail";

/// A file of the log that may be absent.
const LAST_CHECKPOINT: &str = "_last_checkpoint";

/// See the file's head.
#[derive(Debug)]
pub(super) struct JailedStore {
    inner: Arc<dyn ObjectStore>,
    location: TableLocation,
    trouble: Arc<Trouble>,
}

/// The last thing that went wrong in a store. The readers above turn errors into text on their way up; here they still
/// have a type.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<Option<crate::error::Error>>);

impl Trouble {
    /// What went wrong last, if anything did.
    pub(super) fn last(&self) -> Option<crate::error::Error> {
        self.0.lock().map_or(None, |last| last.clone())
    }

    /// Notes a way out of the table that is not a path of its bucket.
    pub(super) fn escape(&self, url: &Url) -> Error {
        let escape = Error::PermissionDenied { path: url.to_string(), source: Box::new(OutsideTable) };
        self.note(&escape);
        escape
    }

    fn note(&self, error: &Error) {
        if let Ok(mut last) = self.0.lock() {
            *last = Some(failure::of_store(error));
        }
    }
}

impl JailedStore {
    /// # Arguments
    /// * `trouble` - where to note what goes wrong.
    pub(super) fn new(inner: Arc<dyn ObjectStore>, location: TableLocation, trouble: Arc<Trouble>) -> Self {
        Self { inner, location, trouble }
    }

    fn check(&self, path: &Path) -> Result<()> {
        if self.location.contains(path) {
            return Ok(());
        }
        let escape = outside(path);
        self.trouble.note(&escape);
        Err(escape)
    }

    /// Notes a failure, unless it is one that readers expect: most tables have no checkpoint.
    fn noted<T>(&self, path: &Path, answer: Result<T>) -> Result<T> {
        if let Err(error) = &answer {
            let is_expected =
                matches!(error, Error::NotFound { .. }) && path.filename() == Some(LAST_CHECKPOINT);
            if !is_expected {
                self.trouble.note(error);
            }
        }
        answer
    }

    /// Notes what goes wrong while the content arrives, after the answer's head looked right.
    fn noted_content(&self, mut answer: GetResult) -> GetResult {
        let trouble = Arc::clone(&self.trouble);
        answer.payload = match answer.payload {
            GetResultPayload::Stream(content) => {
                GetResultPayload::Stream(content.inspect_err(move |error| trouble.note(error)).boxed())
            }
            file => file,
        };
        answer
    }

    fn noted_listing(
        &self,
        listing: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let trouble = Arc::clone(&self.trouble);
        listing.inspect_err(move |error| trouble.note(error)).boxed()
    }

    fn check_prefix(&self, prefix: Option<&Path>) -> Result<()> {
        match prefix {
            Some(prefix) if prefix == self.location.prefix() => Ok(()),
            Some(prefix) => self.check(prefix),
            None => Err(outside(&Path::default())),
        }
    }
}

/// The source of the error that a path outside the table gives.
#[derive(Debug)]
pub(super) struct OutsideTable;

impl fmt::Display for OutsideTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("path outside the table's folder")
    }
}

impl std::error::Error for OutsideTable {}

fn outside(path: &Path) -> Error {
    Error::PermissionDenied { path: path.to_string(), source: Box::new(OutsideTable) }
}

/// The source of the error that a file gives which ends before what was asked of it. S3 answers such a request with what
/// there is, and readers of Parquet take for granted that it is all.
#[derive(Debug)]
pub(super) struct ShortFile;

impl fmt::Display for ShortFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the file ends before the range that was asked for")
    }
}

impl std::error::Error for ShortFile {}

fn short(path: &Path) -> Error {
    Error::Precondition { path: path.to_string(), source: Box::new(ShortFile) }
}

/// Whether what was found is as long as what was asked for.
pub(super) fn are_whole(found: &[Bytes], ranges: &[Range<u64>]) -> bool {
    let is_whole = |(bytes, range): (&Bytes, &Range<u64>)| bytes.len() as u64 == range.end - range.start;
    found.len() == ranges.len() && found.iter().zip(ranges).all(is_whole)
}

fn read_only() -> Error {
    Error::NotSupported { source: "this server does not write".into() }
}

impl fmt::Display for JailedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(NAME)
    }
}

#[async_trait]
impl ObjectStore for JailedStore {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only())
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only())
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.check(location)?;
        let wanted = options.range.clone();
        let answer = self.inner.get_opts(location, options).await.and_then(|answer| match wanted {
            Some(GetRange::Bounded(wanted)) if answer.range != wanted => Err(short(location)),
            _ => Ok(answer),
        });
        self.noted(location, answer).map(|answer| self.noted_content(answer))
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.check(location)?;
        let answer = self
            .inner
            .get_ranges(location, ranges)
            .await
            .and_then(|found| if are_whole(&found, ranges) { Ok(found) } else { Err(short(location)) });
        self.noted(location, answer)
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        stream::once(async { Err(read_only()) }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.check_prefix(prefix) {
            Ok(()) => self.noted_listing(self.inner.list(prefix)),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.check_prefix(prefix) {
            Ok(()) => self.noted_listing(self.inner.list_with_offset(prefix, offset)),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.check_prefix(prefix)?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only())
    }
}
