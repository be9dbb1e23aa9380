//! The table of functions: which ones a query may call, and every fact about each that the server relies on.
//!
//! A function that has no row is not offered, so a new version of DataFusion cannot add one that nobody has looked at. A row
//! says how large a result can be and how long a call takes; there is no row without these. A test names each function that
//! DataFusion brings and that is neither here nor among those left out for a reason.
//!
//! Invariants
//! - A function is a pure computation on its arguments.
//! - [`Output`] is an upper bound of what a call takes, workings included (`growth/estimate.rs` turns it into bytes).

mod aggregate;
mod scalar;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(super) use self::aggregate::{AGGREGATE, WINDOW};
pub(super) use self::scalar::SCALAR;

/// What is known of a scalar function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalar {
    pub(super) name: &'static str,
    pub(super) output: Output,
    pub(super) work: Work,
    pub(super) role: Role,
    /// `None` for one that JDBC has no group for.
    pub(super) group: Option<Group>,
}

impl Scalar {
    const fn new(name: &'static str, output: Output) -> Self {
        Self { name, output, work: Work::Linear, role: Role::Plain, group: None }
    }

    const fn takes(mut self, work: Work) -> Self {
        self.work = work;
        self
    }

    const fn plays(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    const fn in_group(mut self, group: Group) -> Self {
        self.group = Some(group);
        self
    }
}

/// Most bytes that a call takes, for its result and while it makes that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Output {
    /// A number, a truth value or a time for each row.
    Fixed,
    /// So many bytes for each row.
    Bounded(usize),
    /// The first argument, so many times.
    Scaled(usize),
    /// A part of each text of the first argument. Of texts that are views only views are made.
    Slice,
    /// A field of structs, which shares their memory, or what maps have for a key.
    Field,
    /// One of the arguments for each row.
    OneOf,
    /// So many bytes for each item of the arguments' lists.
    Items(usize),
    /// Items of the arguments, which are hashed or sorted on the way.
    Set,
    /// The name of the first argument's type, once.
    TypeName,
    /// The arguments one after the other.
    Sum,
    /// The arguments one after the other, with the first between all others.
    Separated,
    /// The first argument, with the last one in the place of each of its characters.
    Replace,
    /// The first argument so often as the second says.
    Repeat,
    /// The second argument so often as the third says, behind the first.
    Resize,
    /// So many characters as the second argument says.
    Pad,
    /// From the first argument to the second, in steps of the third.
    Range,
    /// Text from the items of lists, with the second argument between them.
    Join,
    /// The first argument in pieces of a character.
    Split,
    /// A piece of the first argument for each letter of the second.
    Match,
    /// Items of all arguments side by side, as many as the longest has.
    Zip,
}

impl Output {
    /// Whether a constant call can be much larger than the text that asked for it.
    pub(super) const fn grows(self) -> bool {
        matches!(
            self,
            Self::Sum
                | Self::Separated
                | Self::Replace
                | Self::Repeat
                | Self::Resize
                | Self::Pad
                | Self::Range
                | Self::Join
                | Self::Split
                | Self::Match
                | Self::Zip
        )
    }
}

/// Steps that a call takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Work {
    /// About as many as its arguments and its result have bytes.
    Linear,
    /// The lengths of the first two arguments multiplied, row by row.
    Pairs,
    /// The length of the first argument times that of the regular expression in the second, which is compiled first.
    Pattern,
}

/// What planning has to know of a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Nothing.
    Plain,
    /// It becomes a cast to the type that its second argument names.
    Casts,
    /// It becomes a CASE, which asks for an argument and then returns it.
    Chooses,
    /// Its type holds those of several arguments.
    CombinesTypes,
}

/// How JDBC and ODBC group functions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Group {
    Numeric,
    Text,
    System,
    Time,
}

/// What is known of an aggregate or window function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Collecting {
    pub(super) name: &'static str,
    /// Its result holds all of its input.
    pub(super) collects: bool,
}

/// The row of a scalar function.
pub(super) fn scalar(name: &str) -> Option<&'static Scalar> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static Scalar>> =
        LazyLock::new(|| SCALAR.iter().map(|row| (row.name, row)).collect());
    BY_NAME.get(name).copied()
}

/// The row of an aggregate function.
pub(super) fn aggregate(name: &str) -> Option<&'static Collecting> {
    AGGREGATE.iter().find(|row| row.name == name)
}

/// The row of a window function.
pub(super) fn window(name: &str) -> Option<&'static Collecting> {
    WINDOW.iter().find(|row| row.name == name)
}

/// Whether a scalar function plays a role.
pub(super) fn plays(name: &str, role: Role) -> bool {
    scalar(name).is_some_and(|row| row.role == role)
}

/// Whether a call takes more steps than its arguments have bytes.
pub(super) fn is_long(name: &str) -> bool {
    scalar(name).is_some_and(|row| row.work != Work::Linear)
}
