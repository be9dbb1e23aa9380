//! A terminal: what fits on it is printed, what is taller goes through the user's pager.
//!
//! As many lines as the screen has are held back, because a pager must be started before the first line is printed.
//! Whoever leaves the pager early has seen enough: the writer then gets a broken pipe, and the query is cancelled.

use std::io::{self, BufWriter, Stdout, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The screen's other lines are the next prompt, and the count of rows before it.
const LINES_BELOW: usize = 3;

/// Colours are shown, long lines are cut and can be scrolled, one screenful is just printed, nothing is cleared.
const LESS_OPTIONS: &str = "-FRSX";

static IS_PAGING: AtomicBool = AtomicBool::new(false);

/// Whether a pager has the terminal, and so also gets Ctrl-C.
pub(crate) fn is_paging() -> bool {
    IS_PAGING.load(Ordering::SeqCst)
}

/// Which program shows what is taller than the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pager {
    /// Nothing is paged.
    None,
    /// `less`, if the machine has it.
    Default,
    /// A command for the shell, from `PAGER`.
    Command(String),
}

impl Pager {
    /// What `PAGER` says; `cat`, or nothing in it, turns paging off.
    pub(crate) fn from_environment() -> Self {
        match std::env::var_os("PAGER").map(|command| command.to_string_lossy().into_owned()) {
            Some(command) if matches!(command.trim(), "" | "cat") => Self::None,
            Some(command) => Self::Command(command),
            None => Self::Default,
        }
    }

    /// Starts the program; `None` if there is none.
    fn start(&self) -> Option<Paging> {
        let mut command = match self {
            Self::None => return None,
            Self::Default => Command::new("less"),
            Self::Command(text) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(text);
                shell
            }
        };
        if std::env::var_os("LESS").is_none() {
            command.env("LESS", LESS_OPTIONS);
        }
        if std::env::var_os("LESSCHARSET").is_none() {
            // What is printed is UTF-8 whatever the locale says.
            command.env("LESSCHARSET", "utf-8");
        }
        let mut child = command.stdin(Stdio::piped()).spawn().ok()?;
        let input = child.stdin.take().map(BufWriter::new);
        IS_PAGING.store(true, Ordering::SeqCst);
        Some(Paging { child, input })
    }
}

/// A pager that runs. Dropping it waits until its user leaves it.
struct Paging {
    child: Child,
    /// `None` once everything is written.
    input: Option<BufWriter<ChildStdin>>,
}

impl Drop for Paging {
    fn drop(&mut self) {
        // What is still buffered goes out here. That the user has left is no error.
        drop(self.input.take());
        drop(self.child.wait());
        IS_PAGING.store(false, Ordering::SeqCst);
    }
}

/// Output to a terminal.
pub(super) struct Screen {
    height: usize,
    pager: Pager,
    state: State,
    is_shown: Arc<AtomicBool>,
}

enum State {
    /// It may still fit.
    Held {
        text: Vec<u8>,
        lines: usize,
    },
    Printing(BufWriter<Stdout>),
    Paging(Paging),
}

impl Screen {
    /// A screen of so many lines; `is_shown` tells from when on it shows something.
    pub(super) fn new(height: usize, pager: Pager, is_shown: Arc<AtomicBool>) -> Self {
        let height = height.saturating_sub(LINES_BELOW);
        Self { height, pager, state: State::Held { text: Vec::new(), lines: 0 }, is_shown }
    }

    /// Shows what is held back, and waits until the user has left the pager.
    pub(super) fn commit(mut self) -> io::Result<()> {
        self.show(Pager::None)?;
        match &mut self.state {
            State::Paging(Paging { input: Some(input), .. }) => input.flush(),
            State::Printing(out) => out.flush(),
            State::Held { .. } | State::Paging(_) => Ok(()),
        }
    }

    /// Ends the holding back.
    fn show(&mut self, pager: Pager) -> io::Result<()> {
        let State::Held { text, .. } = &mut self.state else {
            return Ok(());
        };
        let text = std::mem::take(text);
        self.is_shown.store(true, Ordering::Relaxed);
        self.state = match pager.start() {
            Some(paging) => State::Paging(paging),
            None => State::Printing(BufWriter::new(io::stdout())),
        };
        self.write_all(&text)
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let height = self.height;
        match &mut self.state {
            State::Held { text, lines } => {
                text.extend_from_slice(bytes);
                *lines += bytes.iter().filter(|byte| **byte == b'\n').count();
                if *lines > height {
                    let pager = self.pager.clone();
                    self.show(pager)?;
                }
                Ok(bytes.len())
            }
            State::Printing(out) => out.write(bytes),
            State::Paging(Paging { input: Some(input), .. }) => input.write(bytes),
            State::Paging(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Held { .. } => Ok(()),
            State::Printing(out) => out.flush(),
            State::Paging(Paging { input: Some(input), .. }) => input.flush(),
            State::Paging(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}
