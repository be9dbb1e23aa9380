//! The tables of a query as the sides of its joins, and the columns in which they meet.

use rand::RngExt;
use rand::rngs::StdRng;

use super::super::conditions::test;
use super::super::expressions::{Scope, is_key};
use super::super::known::{Known, KnownColumn};
use super::super::{Condition, Join, Meeting, Source};
use crate::oracle::cell::Kind;
use crate::oracle::chance::{pick, random_tree};
use crate::oracle::tree::Tree;

/// The aliases of the sides.
const ALIASES: [&str; 3] = ["a", "b", "c"];

/// See the file's head.
pub(super) struct Sides<'a> {
    tables: [&'a Known; 3],
}

impl<'a> Sides<'a> {
    pub(super) fn of(tables: [&'a Known; 3]) -> Self {
        Self { tables }
    }

    /// A table as a side of a join.
    pub(super) fn side(&self, number: usize) -> Scope<'a> {
        self.under(number, ALIASES[number])
    }

    /// A table under another name.
    pub(super) fn under(&self, number: usize, alias: &'static str) -> Scope<'a> {
        Scope::of(self.tables[number]).under(alias)
    }

    /// The column names that a table hides, and that another shows.
    pub(super) fn hidden_here_and_shown_there(&self, here: usize, there: usize) -> Vec<&'a str> {
        let shown = &self.tables[there].columns;
        let hidden = self.tables[here].hidden.iter();
        hidden.filter(|name| shown.iter().any(|column| column.name == **name)).map(String::as_str).collect()
    }

    /// The columns that both tables show under one name and that can be compared, and whether there are no others of one name.
    pub(super) fn of_one_name(&self, left: usize, right: usize) -> (Vec<&'a KnownColumn>, bool) {
        let (mut common, mut are_all) = (Vec::new(), true);
        for column in &self.tables[left].columns {
            match self.tables[right].columns.iter().find(|other| other.name == column.name) {
                Some(other) if other.kind == column.kind && is_key(column.kind) => common.push(column),
                Some(_) => are_all = false,
                None => {}
            }
        }
        (common, are_all)
    }

    /// How two sides meet: in a key of each, and perhaps in more.
    pub(super) fn meeting(
        &self,
        left: Scope<'a>,
        right: Scope<'a>,
        random: &mut StdRng,
    ) -> Option<Condition> {
        let (key, other) = met(left, right, is_key, random)?;
        let equal = Tree::Leaf(format!("{} = {}", left.name(key), right.name(other)));
        let numbers = met(left, right, |kind| kind.is_number(), random);
        Some(match numbers {
            Some((number, other)) if random.random_bool(0.25) => {
                let operator = pick(&["<", "<=", "<>"], random);
                let further = format!("{} {operator} {}", left.name(number), right.name(other));
                Tree::All(vec![equal, Tree::Leaf(further)])
            }
            _ => equal,
        })
    }

    /// The second table joined to the first.
    pub(super) fn join(&self, kind: &'static str, random: &mut StdRng) -> Option<Join> {
        let meeting = Meeting::On(self.meeting(self.side(0), self.side(1), random)?);
        Some(Join { kind, right: Source::Other(1), meeting })
    }

    /// Conditions over the columns of some sides.
    pub(super) fn condition(&self, sides: &[usize], share: f64, random: &mut StdRng) -> Option<Condition> {
        if !random.random_bool(share) {
            return None;
        }
        let depth = random.random_range(0..=1);
        let mut leaf = |random: &mut StdRng| test(self.side(pick(sides, random)), random);
        Some(random_tree(depth, &mut leaf, random))
    }
}

/// Columns of two tables that can be compared for equality.
pub(super) fn met<'a>(
    left: Scope<'a>,
    right: Scope<'a>,
    is_wanted: impl Fn(Kind) -> bool,
    random: &mut StdRng,
) -> Option<(&'a KnownColumn, &'a KnownColumn)> {
    let is_one = |left: Kind, right: Kind| left == right || (left.is_whole() && right.is_whole());
    let pairs: Vec<_> = left
        .known
        .columns
        .iter()
        .flat_map(|column| right.known.columns.iter().map(move |other| (column, other)))
        .filter(|(column, other)| is_wanted(column.kind) && is_one(column.kind, other.kind))
        .collect();
    // Half of all rows are true: such columns meet, but seldom without others.
    let telling: Vec<_> = pairs.iter().copied().filter(|(column, _)| column.kind != Kind::Boolean).collect();
    let pairs = if telling.is_empty() || random.random_bool(0.1) { pairs } else { telling };
    (!pairs.is_empty()).then(|| pick(&pairs, random))
}
