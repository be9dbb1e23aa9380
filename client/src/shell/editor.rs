//! The line editor: history, completion, colours, and Enter that waits for the end of the statement.

use std::borrow::Cow;
use std::fs;
use std::path::PathBuf;

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::config::CompletionType;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Context, Editor, Helper};

use super::command::bare_command;
use super::complete::{complete, is_file_name};
use super::names::Names;
use super::statements::split;
use super::tokens::{Kind, tokens};
use super::words::is_keyword;
use crate::profile::user_folder;
use crate::terminal::Style;

const HISTORY_ENTRIES: usize = 10_000;

/// What the user did.
pub(super) enum Input {
    Text(String),
    /// Ctrl-C: the line is dropped.
    Interrupted,
    /// Ctrl-D on an empty line, or the terminal is gone.
    End,
}

/// Reads statements and commands from a terminal.
pub(super) struct LineEditor {
    editor: Editor<SqlHelper, FileHistory>,
    history: Option<PathBuf>,
}

impl LineEditor {
    /// Opens the terminal and reads the history of earlier sessions. Without a history file there is none.
    ///
    /// # Errors
    /// The terminal cannot be used.
    pub(super) fn open(names: Names, style: Style) -> Result<Self, ReadlineError> {
        let config = Config::builder()
            .max_history_size(HISTORY_ENTRIES)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .build();
        let helper =
            SqlHelper { names, style, files: FilenameCompleter::new(), earlier: HistoryHinter::new() };
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(helper));
        let history = history_file();
        if let Some(path) = &history {
            // The first session has none yet.
            drop(editor.load_history(path));
        }
        Ok(Self { editor, history })
    }

    /// Asks for input, which begins with `initial`.
    ///
    /// # Errors
    /// The terminal cannot be read.
    pub(super) fn read(&mut self, prompt: &str, initial: &str) -> Result<Input, ReadlineError> {
        match self.editor.readline_with_initial(prompt, (initial, "")) {
            Ok(text) => {
                self.remember(&text);
                Ok(Input::Text(text))
            }
            Err(ReadlineError::Interrupted) => Ok(Input::Interrupted),
            Err(ReadlineError::Eof) => Ok(Input::End),
            Err(error) => Err(error),
        }
    }

    /// At once, so that a shell that is killed forgets nothing.
    fn remember(&mut self, text: &str) {
        let added = self.editor.add_history_entry(text.trim_end());
        if let (Ok(true), Some(path)) = (added, &self.history) {
            // A history that cannot be written is no reason to stop.
            drop(self.editor.append_history(path));
        }
    }
}

/// `LAKEGATE_HISTORY`, or a file in the user's folder for state; `None` if there shall be or can be none.
fn history_file() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("LAKEGATE_HISTORY") {
        return (!path.is_empty()).then(|| path.into());
    }
    let folder = user_folder("XDG_STATE_HOME", ".local/state")?;
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

/// What the editor asks about the text.
struct SqlHelper {
    names: Names,
    style: Style,
    files: FilenameCompleter,
    earlier: HistoryHinter,
}

impl Helper for SqlHelper {}

impl Completer for SqlHelper {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        if is_file_name(&line[..position]) {
            return self.files.complete(line, position, context);
        }
        let found = complete(line, position, &self.names.tables());
        let pair = |word: String| Pair { display: word.clone(), replacement: word };
        Ok((found.start, found.words.into_iter().map(pair).collect()))
    }
}

impl Hinter for SqlHelper {
    type Hint = String;

    /// The rest of an earlier line that began so. Without colours it could not be told from what is typed.
    fn hint(&self, line: &str, position: usize, context: &Context<'_>) -> Option<String> {
        if !self.style.has_colors() {
            return None;
        }
        self.earlier.hint(line, position, context).filter(|hint| !hint.contains('\n'))
    }
}

impl Highlighter for SqlHelper {
    fn highlight<'l>(&self, line: &'l str, _position: usize) -> Cow<'l, str> {
        if !self.style.has_colors() {
            return Cow::Borrowed(line);
        }
        let painted = tokens(line).map(|token| match token.kind {
            Kind::Word if is_keyword(token.text) => self.style.blue(token.text),
            Kind::Text => self.style.green(token.text),
            Kind::Comment => self.style.dim(token.text),
            Kind::Space | Kind::Word | Kind::Number | Kind::Name | Kind::Symbol => Cow::Borrowed(token.text),
        });
        Cow::Owned(painted.collect())
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _default: bool) -> Cow<'b, str> {
        self.style.bold(prompt)
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        self.style.dim(hint)
    }

    fn highlight_char(&self, _line: &str, _position: usize, kind: CmdKind) -> bool {
        self.style.has_colors() && kind != CmdKind::MoveCursor
    }
}

impl Validator for SqlHelper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let input = context.input();
        let is_complete = bare_command(input).is_some() || split(input).is_complete();
        Ok(if is_complete { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}
