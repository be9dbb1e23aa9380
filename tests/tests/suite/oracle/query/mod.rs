//! Queries as trees that are printed as SQL and can be made smaller.
//!
//! Invariants
//! - `{}` stands for the table's name, as everywhere in this suite, and `{1}` and `{2}` for those of further tables.
//! - An answer depends on nothing that SQL leaves open: rows are compared without their order, a limit stands behind an
//!   order by all columns of the select list or below a bare count, and expressions that fail on some value stand alone,
//!   so that it does not matter in which order conditions are evaluated.
//! - Every step towards a smaller query keeps the invariant above. It may break the query; then it fails on both sides.

mod combined;
mod conditions;
mod expressions;
mod failing;
mod known;
mod random;
mod several;
mod single;
mod smaller;

pub(crate) use self::known::Known;
pub(crate) use self::random::random_query;
pub(crate) use self::several::{Shape, random_query_over, shapes};

use std::fmt;

use crate::oracle::tree::Tree;

/// A condition over SQL expressions that stand for themselves.
pub(super) type Condition = Tree<String>;

/// A whole query.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// What the name `q` stands for.
    pub(super) common: Option<Select>,
    /// One, or several with a set operation between them.
    pub(super) branches: Vec<Select>,
    pub(super) operation: &'static str,
}

/// One SELECT.
#[derive(Clone, Debug)]
pub(crate) struct Select {
    pub(super) distinct: bool,
    /// Empty for `*`.
    pub(super) items: Vec<Item>,
    pub(super) source: Source,
    pub(super) joins: Vec<Join>,
    pub(super) condition: Option<Condition>,
    /// So many of the first items are what is grouped by.
    pub(super) keys: usize,
    pub(super) having: Option<Condition>,
    pub(super) ending: Ending,
}

/// An expression of a select list.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(super) expression: String,
    pub(super) alias: String,
}

/// What is read. It is `t` if nothing is joined to it; otherwise it is `a`, and what is joined to it is `b` and `c`.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Table,
    /// A further table, by its number.
    Other(usize),
    Common,
    Derived(Box<Select>),
}

/// What is joined to a source.
#[derive(Clone, Debug)]
pub(crate) struct Join {
    pub(super) kind: &'static str,
    pub(super) right: Source,
    pub(super) meeting: Meeting,
}

/// How the sides of a join meet.
#[derive(Clone, Debug)]
pub(super) enum Meeting {
    /// In all columns of one name, as the kind of the join says.
    Natural,
    Using(String),
    On(Condition),
}

/// The names of joined sources.
const SIDES: [&str; 3] = ["a", "b", "c"];

/// Which rows are kept in the end.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    All,
    /// The first ones in the order of all items.
    Ordered {
        directions: Vec<&'static str>,
        limit: Option<u32>,
        offset: Option<u32>,
    },
    /// Any of them: only for a query whose rows are counted and not looked at.
    Some(u32),
}

impl Query {
    pub(super) fn of(select: Select) -> Self {
        Self { common: None, branches: vec![select], operation: "union all" }
    }
}

impl Select {
    /// `select * from {} t`.
    pub(super) fn star() -> Self {
        Self {
            distinct: false,
            items: Vec::new(),
            source: Source::Table,
            joins: Vec::new(),
            condition: None,
            keys: 0,
            having: None,
            ending: Ending::All,
        }
    }

    /// Some expressions of `{} t` under the names `c0`, `c1` and so on.
    pub(super) fn of(expressions: impl IntoIterator<Item = String>) -> Self {
        let items = (0..).zip(expressions);
        let items =
            items.map(|(number, expression): (u32, _)| Item { expression, alias: format!("c{number}") });
        Self { items: items.collect(), ..Self::star() }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(common) = &self.common {
            write!(formatter, "with q as ({common}) ")?;
        }
        let branches: Vec<String> = self.branches.iter().map(Select::to_string).collect();
        formatter.write_str(&branches.join(&format!(" {} ", self.operation)))
    }
}

impl fmt::Display for Select {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: Vec<String> =
            self.items.iter().map(|item| format!("{} as {}", item.expression, item.alias)).collect();
        let list = if items.is_empty() { "*".to_owned() } else { items.join(", ") };
        write!(formatter, "select {}{list} from ", if self.distinct { "distinct " } else { "" })?;
        write!(formatter, "{} {}", self.source, if self.joins.is_empty() { "t" } else { SIDES[0] })?;
        for (join, side) in self.joins.iter().zip(&SIDES[1..]) {
            write!(formatter, " {} join {} {side}", join.kind, join.right)?;
            match &join.meeting {
                Meeting::Natural => {}
                Meeting::Using(name) => write!(formatter, " using ({name})")?,
                Meeting::On(on) => write!(formatter, " on {}", text_of(on))?,
            }
        }
        if let Some(condition) = &self.condition {
            write!(formatter, " where {}", text_of(condition))?;
        }
        if self.keys > 0 {
            let keys: Vec<String> = (1..=self.keys).map(|position| position.to_string()).collect();
            write!(formatter, " group by {}", keys.join(", "))?;
        }
        if let Some(having) = &self.having {
            write!(formatter, " having {}", text_of(having))?;
        }
        self.write_ending(formatter)
    }
}

impl Select {
    fn write_ending(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (directions, limit, offset) = match &self.ending {
            Ending::All => return Ok(()),
            Ending::Some(limit) => return write!(formatter, " limit {limit}"),
            Ending::Ordered { directions, limit, offset } => (directions, limit, offset),
        };
        let items = (1..=self.items.len()).zip(directions);
        let order: Vec<String> =
            items.map(|(position, direction)| format!("{position}{direction}")).collect();
        write!(formatter, " order by {}", order.join(", "))?;
        limit.iter().try_for_each(|limit| write!(formatter, " limit {limit}"))?;
        offset.iter().try_for_each(|offset| write!(formatter, " offset {offset}"))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table => formatter.write_str("{}"),
            Self::Other(number) => write!(formatter, "{{{number}}}"),
            Self::Common => formatter.write_str("q"),
            Self::Derived(select) => write!(formatter, "({select})"),
        }
    }
}

fn text_of(condition: &Condition) -> String {
    let joined = |operands: &[Condition], connective: &str| {
        operands
            .iter()
            .map(|operand| match operand {
                Tree::All(_) | Tree::Any(_) => format!("({})", text_of(operand)),
                _ => text_of(operand),
            })
            .collect::<Vec<_>>()
            .join(connective)
    };
    match condition {
        Tree::All(operands) => joined(operands, " and "),
        Tree::Any(operands) => joined(operands, " or "),
        Tree::Not(operand) => format!("not ({})", text_of(operand)),
        Tree::Leaf(text) => text.clone(),
    }
}
