//! Where audit records go: one line each, in one write.
//!
//! Invariants: a record is one line for every reader, also for those that break lines at U+0085 or U+2028, and holds
//! no character that a terminal obeys; records never mix; after a write that failed half-way the next record
//! begins on a line of its own. The file is opened for appending, so a tool that truncates or copies it may do so
//! at any time. Records reach the operating system before a statement runs; they are not forced to disk.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Only the server's own account may read who asked what.
const FILE_MODE: u32 = 0o600;

/// The end of the trail.
pub(super) struct Sink(Mutex<Output>);

struct Output {
    writer: Box<dyn Write + Send>,
    is_torn: bool,
}

impl Sink {
    pub(super) fn new(writer: Box<dyn Write + Send>) -> Self {
        Self(Mutex::new(Output { writer, is_torn: false }))
    }

    pub(super) fn to_standard_error() -> Self {
        Self::new(Box::new(io::stderr()))
    }

    pub(super) fn to_file(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path)?;
        Ok(Self::new(Box::new(file)))
    }

    /// Appends one record.
    pub(super) fn write(&self, record: &impl Serialize) -> io::Result<()> {
        let mut line = escape(&serde_json::to_string(record)?);
        line.push('\n');
        let mut output = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if output.is_torn {
            line.insert(0, '\n');
        }
        let written = output.writer.write_all(line.as_bytes());
        output.is_torn = written.is_err();
        written
    }
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
