//! The bytes of objects: files with random names in one folder, written whole and read in ranges.

use std::io::{self, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::TryStreamExt as _;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

const READ_SIZE: usize = 1 << 20;

/// A file that is removed when nobody needs it any more.
pub(super) struct ObjectFile {
    path: PathBuf,
}

/// Freshly written bytes.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) file: Arc<ObjectFile>,
    /// In bytes.
    pub(super) length: u64,
    pub(super) md5: [u8; 16],
}

impl ObjectFile {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The bytes of `range`.
    pub(super) async fn read(&self, range: Range<u64>) -> S3Result<StreamingBlob> {
        let mut file = File::open(&self.path).await.map_err(io_error)?;
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start)).await.map_err(io_error)?;
        }
        file.set_max_buf_size(READ_SIZE);
        let length = range.end - range.start;
        let capacity = usize::try_from(length).unwrap_or(READ_SIZE).clamp(1, READ_SIZE);
        Ok(StreamingBlob::wrap(ReaderStream::with_capacity(file.take(length), capacity)))
    }
}

impl Drop for ObjectFile {
    fn drop(&mut self) {
        // The folder goes away with the sandbox; a file that cannot be removed now goes with it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Stores `body` in a new file of `folder`.
///
/// # Errors
/// The body's own error (a bad chunk signature, a lost connection), or an I/O error.
pub(super) async fn write(folder: &Path, mut body: StreamingBlob) -> S3Result<Written> {
    let (file, mut handle) = create(folder).await?;
    let mut md5 = Md5::new();
    let mut length = 0;
    while let Some(chunk) = body.try_next().await.map_err(body_error)? {
        md5.update(&chunk);
        length += chunk.len() as u64;
        handle.write_all(&chunk).await.map_err(io_error)?;
    }
    handle.flush().await.map_err(io_error)?;
    Ok(Written { file, length, md5: md5.finalize() })
}

/// Joins `parts` in a new file of `folder`.
///
/// # Errors
/// An I/O error.
pub(super) async fn concatenate(folder: &Path, parts: &[Arc<ObjectFile>]) -> S3Result<Arc<ObjectFile>> {
    let (file, mut handle) = create(folder).await?;
    for part in parts {
        let mut source = File::open(&part.path).await.map_err(io_error)?;
        tokio::io::copy(&mut source, &mut handle).await.map_err(io_error)?;
    }
    handle.flush().await.map_err(io_error)?;
    Ok(file)
}

async fn create(folder: &Path) -> S3Result<(Arc<ObjectFile>, File)> {
    let path = folder.join(Uuid::new_v4().to_string());
    let handle = File::create_new(&path).await.map_err(io_error)?;
    Ok((Arc::new(ObjectFile::at(path)), handle))
}

fn io_error(error: io::Error) -> S3Error {
    S3Error::with_source(S3ErrorCode::InternalError, Box::new(error))
}

fn body_error(error: s3s::StdError) -> S3Error {
    match error.downcast::<S3Error>() {
        Ok(known) => *known,
        Err(_) => s3_error!(IncompleteBody, "The request body could not be read to its end"),
    }
}
