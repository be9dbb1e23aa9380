//! What a case is.

pub(super) mod extremes;
pub(super) mod functions;
pub(super) mod operators;
pub(super) mod parsing;
pub(super) mod planning;
pub(super) mod storms;
pub(super) mod versions;

use tonic::Code;

use super::send::Outcome;

/// See the head of the folder above.
pub(super) struct Case {
    /// What it does, in words.
    pub(super) name: String,
    pub(super) who: Who,
    pub(super) sent: Sent,
    pub(super) answer: Answer,
}

/// Who sends it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Who {
    /// Somebody with a login and no grant at all.
    NoGrant,
    /// Somebody who sees some rows of a table.
    RowFiltered,
    /// Somebody who sees all of a table, as its writer does.
    Writer,
}

impl Who {
    pub(super) const ALL: [Self; 3] = [Self::NoGrant, Self::RowFiltered, Self::Writer];

    pub(super) fn user(self) -> &'static str {
        match self {
            Self::NoGrant => "stranger",
            Self::RowFiltered => "eu_analyst",
            Self::Writer => "analyst",
        }
    }
}

/// What is sent.
pub(super) enum Sent {
    /// A statement.
    Sql(String),
    /// The same statement so many times at once.
    AtOnce(usize, String),
    /// Statements that are described and not run.
    Described { texts: Vec<String>, at_once: usize },
    /// Statements that are prepared and not run.
    Prepared { texts: Vec<String>, at_once: usize },
    /// Statements of which each is a session of its own.
    Session { texts: Vec<String>, at_once: usize },
    /// Statements that are run by a client which goes away.
    Left { texts: Vec<String>, at_once: usize },
    /// Patterns for the names of tables.
    Tables { patterns: Vec<String>, at_once: usize },
}

/// What must be answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// This as the first value of the last column.
    Value(&'static str),
    /// An error that blames the statement, or one that names a limit.
    Refused,
    /// Either: the server may do it or refuse it, as long as it comes to an end.
    Either,
}

/// Statements that the engine ends with an error of its own, which is told as an internal one: they harm nobody, but they are
/// to have words that say what to change.
const WITHOUT_WORDS: [&str; 6] = [
    "array_resize([1], (-9223372036854775807 - 1))",
    "array_resize([1], -1)",
    "array_position([1], 1, (-9223372036854775807 - 1))",
    "extract(year from arrow_cast(2147483647, 'Date32'))",
    "a pattern that explodes",
    "a regular expression that repeats repetitions",
];

impl Case {
    /// Whether an answer is right.
    pub(super) fn allows(&self, outcome: &Outcome) -> bool {
        let is_without_words = matches!(outcome, Outcome::Refused(Code::Internal, _))
            && WITHOUT_WORDS.contains(&self.name.as_str());
        is_without_words || self.answer.allows(outcome)
    }
}

/// Codes of errors that blame the statement or name a limit.
const CLEAR: [Code; 7] = [
    Code::InvalidArgument,
    Code::ResourceExhausted,
    Code::DeadlineExceeded,
    Code::Unimplemented,
    Code::NotFound,
    Code::PermissionDenied,
    Code::OutOfRange,
];

impl Answer {
    /// Whether an answer is right.
    fn allows(self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (Self::Value(expected), Outcome::Value(found, _)) => found == expected,
            (Self::Value(_), _) | (_, Outcome::Unreadable(_)) => false,
            (Self::Refused, Outcome::Value(..)) => false,
            (Self::Refused | Self::Either, Outcome::Refused(code, text)) => {
                CLEAR.contains(code) && !text.is_empty()
            }
            (Self::Refused | Self::Either, Outcome::Left) | (Self::Either, Outcome::Value(..)) => true,
        }
    }
}

/// A case of one statement.
fn sql(name: &str, who: Who, answer: Answer, text: impl Into<String>) -> Case {
    Case { name: name.to_owned(), who, sent: Sent::Sql(text.into()), answer }
}

/// A case of one statement, sent so many times at once.
fn at_once(count: usize, name: &str, who: Who, answer: Answer, text: impl Into<String>) -> Case {
    Case { name: name.to_owned(), who, sent: Sent::AtOnce(count, text.into()), answer }
}

/// A text within another so many times: `{}` is where the inner one stands.
fn nested(depth: usize, around: &str, innermost: &str) -> String {
    let (before, after) = around.split_once("{}").unwrap();
    format!("{}{innermost}{}", before.repeat(depth), after.repeat(depth))
}

/// A text so many times, with a separator; `#` is its number.
fn listed(count: usize, text: &str, separator: &str) -> String {
    let texts: Vec<String> = (0..count).map(|number| text.replace('#', &number.to_string())).collect();
    texts.join(separator)
}
