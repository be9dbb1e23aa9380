//! What is allowed to reach a terminal: plain text, and colours where the reader wants them.
//!
//! Table values and server messages are other people's text. Printed raw, an escape sequence in a
//! value could repaint the screen or hide a row, and a direction mark could reorder one.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::{IsTerminal, Write};

use terminal_size::{Height, Width, terminal_size_of};

/// Size of a terminal in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// What a terminal that does not tell its size is taken for.
const USUAL_SIZE: Size = Size { columns: 80, rows: 24 };

/// The size of standard output, or `None` if that is no terminal.
pub(crate) fn size_of_stdout() -> Option<Size> {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    match terminal_size_of(stdout) {
        Some((Width(columns), Height(rows))) if columns > 0 && rows > 0 => {
            Some(Size { columns: columns.into(), rows: rows.into() })
        }
        _ => Some(USUAL_SIZE),
    }
}

/// A line for the person who runs the program. If nobody can read it, nothing is lost.
pub(crate) fn note(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// Whether colours may be used on a stream, by the convention of no-color.org.
pub(crate) fn colors_allowed(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    let opted_out = no_color.is_some_and(|value| !value.is_empty());
    is_terminal && !opted_out && term != Some(OsStr::new("dumb"))
}

/// Text style, written as ANSI sequences when it is on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    colors: bool,
}

impl Style {
    /// The style for a stream of this process.
    pub(crate) fn of_stream(is_terminal: bool) -> Self {
        let no_color = std::env::var_os("NO_COLOR");
        let term = std::env::var_os("TERM");
        let colors = colors_allowed(is_terminal, no_color.as_deref(), term.as_deref());
        Self { colors }
    }

    pub(crate) fn bold<'a>(self, text: &'a str) -> Cow<'a, str> {
        self.paint(text, "1")
    }

    pub(crate) fn dim<'a>(self, text: &'a str) -> Cow<'a, str> {
        self.paint(text, "2")
    }

    pub(crate) fn red<'a>(self, text: &'a str) -> Cow<'a, str> {
        self.paint(text, "31")
    }

    pub(crate) fn green<'a>(self, text: &'a str) -> Cow<'a, str> {
        self.paint(text, "32")
    }

    pub(crate) fn blue<'a>(self, text: &'a str) -> Cow<'a, str> {
        self.paint(text, "34")
    }

    pub(crate) fn has_colors(self) -> bool {
        self.colors
    }

    fn paint<'a>(self, text: &'a str, code: &str) -> Cow<'a, str> {
        if !self.colors {
            return Cow::Borrowed(text);
        }
        Cow::Owned(format!("\u{1b}[{code}m{text}\u{1b}[0m"))
    }
}

/// The text with every character that is not simply printed replaced by its escape.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if !needs_escape(c) {
            escaped.push(c);
            continue;
        }
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            other => escaped.push_str(&format!("\\u{{{:x}}}", u32::from(other))),
        }
    }
    Cow::Owned(escaped)
}

/// Control characters, and the marks of Unicode that reorder or break the text around them.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_need_a_terminal_and_no_opt_out() {
        let set = Some(OsStr::new("1"));
        assert!(colors_allowed(true, None, Some(OsStr::new("xterm"))));
        assert!(colors_allowed(true, Some(OsStr::new("")), None));
        assert!(!colors_allowed(false, None, None));
        assert!(!colors_allowed(true, set, None));
        assert!(!colors_allowed(true, None, Some(OsStr::new("dumb"))));
    }

    #[test]
    fn control_and_direction_characters_are_shown_as_escapes() {
        assert_eq!(escape("a\tb\r\n\u{1b}[2J\u{202e}x"), "a\\tb\\r\\n\\u{1b}[2J\\u{202e}x");
    }

    #[test]
    fn printable_text_of_any_language_is_untouched() {
        assert!(matches!(escape("Zürich 東京 \\n 😀"), Cow::Borrowed("Zürich 東京 \\n 😀")));
    }

    #[test]
    fn without_colors_a_style_adds_nothing() {
        assert_eq!(Style::default().red("error"), "error");
    }
}
