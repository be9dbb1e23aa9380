//! The account of what one statement has spilled, within the server's.
//!
//! The disk manager counts what all statements spill together, and refuses what goes beyond. Were that the only limit, one
//! statement could take all of it, and those of others that outgrow their memory would fail. So each statement's files are
//! counted also by themselves.
//!
//! Invariants
//! - Bytes are charged before they are written, and given back when their file is removed or if they were not written.

use std::io::{self, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use datafusion::common::Result;
use datafusion::execution::{DiskManager, SpillFile, SpillWriter, TempFileFactory};
use futures::Stream;

/// Makes the files that one statement spills to, in the server's folder.
pub(super) struct SpillAccount {
    server: Arc<DiskManager>,
    used: Arc<Used>,
}

impl SpillAccount {
    /// # Arguments
    /// * `limit` - of this statement, in bytes; the server's own limit holds in any case.
    pub(super) fn new(limit: u64, server: Arc<DiskManager>) -> Self {
        Self { server, used: Arc::new(Used { limit, bytes: AtomicU64::new(0) }) }
    }
}

impl TempFileFactory for SpillAccount {
    fn create_temp_file(&self, description: &str) -> Result<Arc<dyn SpillFile>> {
        let file = self.server.create_tmp_file(description)?;
        let size = Arc::new(Size { bytes: AtomicU64::new(0), used: Arc::clone(&self.used) });
        Ok(Arc::new(CountedFile { file, size }))
    }
}

struct Used {
    limit: u64,
    bytes: AtomicU64,
}

impl Used {
    fn charge(&self, bytes: u64) -> io::Result<()> {
        self.bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= self.limit)
            })
            .map(drop)
            .map_err(|_| io::Error::from(io::ErrorKind::QuotaExceeded))
    }

    fn release(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What was written to one file. Given back when neither the file nor a writer is left.
struct Size {
    bytes: AtomicU64,
    used: Arc<Used>,
}

impl Drop for Size {
    fn drop(&mut self) {
        self.used.release(self.bytes.load(Ordering::Relaxed));
    }
}

struct CountedFile {
    file: Arc<dyn SpillFile>,
    size: Arc<Size>,
}

impl SpillFile for CountedFile {
    fn path(&self) -> Option<&Path> {
        self.file.path()
    }

    fn size(&self) -> Option<u64> {
        self.file.size()
    }

    fn read_stream(&self) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>> {
        self.file.read_stream()
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        Ok(Box::new(CountedWriter { writer: self.file.open_writer()?, size: Arc::clone(&self.size) }))
    }
}

struct CountedWriter {
    writer: Box<dyn SpillWriter>,
    size: Arc<Size>,
}

impl Write for CountedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let charged = bytes.len() as u64;
        self.size.used.charge(charged)?;
        let written = self.writer.write(bytes);
        let kept = written.as_ref().map_or(0, |written| *written as u64);
        self.size.used.release(charged - kept.min(charged));
        self.size.bytes.fetch_add(kept, Ordering::Relaxed);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl SpillWriter for CountedWriter {
    fn finish(&mut self) -> Result<()> {
        self.writer.finish()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use datafusion::execution::disk_manager::DiskManagerBuilder;

    use super::*;

    fn server(limit: u64) -> Arc<DiskManager> {
        Arc::new(DiskManagerBuilder::default().with_max_temp_directory_size(limit).build().unwrap())
    }

    #[test]
    fn a_statement_spills_up_to_its_limit_and_leaves_the_rest_to_others() {
        let server = server(100);
        let greedy = SpillAccount::new(60, Arc::clone(&server));
        let (first, second) = (greedy.create_temp_file("").unwrap(), greedy.create_temp_file("").unwrap());
        first.open_writer().unwrap().write_all(&[0; 40]).unwrap();
        assert!(second.open_writer().unwrap().write_all(&[0; 21]).is_err());
        second.open_writer().unwrap().write_all(&[0; 20]).unwrap();
        let other = SpillAccount::new(60, Arc::clone(&server));
        other.create_temp_file("").unwrap().open_writer().unwrap().write_all(&[0; 40]).unwrap();
        assert_eq!(greedy.used.bytes.load(Ordering::Relaxed), 60);
    }

    #[test]
    fn what_a_statement_removes_or_could_not_write_is_given_back() {
        let server = server(50);
        let account = SpillAccount::new(60, Arc::clone(&server));
        let file = account.create_temp_file("").unwrap();
        let mut writer = file.open_writer().unwrap();
        assert!(writer.write_all(&[0; 55]).is_err(), "beyond the server's limit");
        assert_eq!(account.used.bytes.load(Ordering::Relaxed), 0);
        writer.write_all(&[0; 50]).unwrap();
        drop((file, writer));
        assert_eq!(account.used.bytes.load(Ordering::Relaxed), 0);
        assert_eq!(server.used_disk_space(), 0);
    }
}
