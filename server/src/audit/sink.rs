//! Where audit records go: one line each, in one write.
//!
//! Invariants: a record is one line for every reader, also for those that break lines at U+0085 or U+2028, and holds
//! no character that a terminal obeys; after a write that failed half-way, in this process or in the one before, the
//! next record begins on a line of its own. A record goes into the file that stands at the path when it is written: one
//! that was renamed or deleted is left, and a new one is made. Records reach the operating system; they are not forced
//! to disk. Only the writer's thread comes here, because each call may hang as long as the disk does.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

/// Only the server's own account may read who asked what.
const FILE_MODE: u32 = 0o600;

/// The end of the trail.
pub(super) struct Sink {
    output: Output,
    is_torn: bool,
}

enum Output {
    Stream(Box<dyn Write + Send>),
    File { path: PathBuf, file: File, identity: Identity },
}

/// Device and number of a file: the same path may lead to another one.
type Identity = (u64, u64);

impl Sink {
    pub(super) fn new(writer: Box<dyn Write + Send>) -> Self {
        Self { output: Output::Stream(writer), is_torn: false }
    }

    pub(super) fn to_standard_error() -> Self {
        Self::new(Box::new(io::stderr()))
    }

    pub(super) fn to_file(path: &Path) -> io::Result<Self> {
        let (file, metadata) = open(path)?;
        let output = Output::File { path: path.to_owned(), file, identity: identity(&metadata) };
        Ok(Self { output, is_torn: ends_within_a_line(path, &metadata) })
    }

    /// Appends a line to the file that stands at the path now.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        self.follow_path()?;
        let repaired;
        let bytes = if self.is_torn {
            repaired = format!("\n{line}");
            repaired.as_bytes()
        } else {
            line.as_bytes()
        };
        let writer: &mut dyn Write = match &mut self.output {
            Output::Stream(writer) => writer,
            Output::File { file, .. } => file,
        };
        let mut written = 0;
        let outcome = append(writer, bytes, &mut written);
        if let Some(last) = written.checked_sub(1) {
            self.is_torn = bytes[last] != b'\n';
        }
        outcome
    }

    /// Opens the path anew if another file stands there, or none.
    pub(super) fn follow_path(&mut self) -> io::Result<()> {
        let Output::File { path, identity: open_now, .. } = &self.output else {
            return Ok(());
        };
        match std::fs::metadata(path) {
            Ok(metadata) if identity(&metadata) == *open_now => Ok(()),
            _ => self.reopen(),
        }
    }

    /// Opens the path anew.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        if let Output::File { path, .. } = &self.output {
            let path = path.clone();
            *self = Self::to_file(&path)?;
            tracing::info!(path = %path.display(), "the audit file was opened anew");
        }
        Ok(())
    }
}

/// As `write_all`, and tells how many bytes were written before an error.
fn append(writer: &mut dyn Write, bytes: &[u8], written: &mut usize) -> io::Result<()> {
    while *written < bytes.len() {
        match writer.write(&bytes[*written..]) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero)),
            Ok(count) => *written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    writer.flush()
}

fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let file = OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// Whether a file was left with half a line, as by a full disk. What cannot be read is taken for whole.
fn ends_within_a_line(path: &Path, metadata: &Metadata) -> bool {
    let last_byte = || -> io::Result<u8> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        Ok(last[0])
    };
    metadata.is_file() && metadata.len() > 0 && last_byte().is_ok_and(|last| last != b'\n')
}

/// A record as a line.
pub(super) fn line(record: &impl Serialize) -> serde_json::Result<String> {
    let mut line = escape(&serde_json::to_string(record)?);
    line.push('\n');
    Ok(line)
}

/// Writes as JSON escapes what JSON allows raw but lines and terminals do not bear. Such characters stand only inside
/// JSON strings, and all of them lie in the basic plane, so one escape each is right.
fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len() + 1);
    for letter in json.chars() {
        if is_unsafe_in_a_line(letter) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

/// Control characters, line and paragraph separators, and the marks that reorder text on a screen.
fn is_unsafe_in_a_line(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}')
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
