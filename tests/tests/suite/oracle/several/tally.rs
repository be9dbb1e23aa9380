//! What a campaign over several tables has asked, and whether equal answers mean anything.

use std::collections::BTreeMap;
use std::fmt;

use super::Asked;
use crate::oracle::comparison::Verdict;
use crate::oracle::policy::Restriction;
use crate::oracle::query::shapes;

/// Comparisons from which on shares say something.
const LARGE: usize = 1_000;

/// Of so many queries one is also asked of copies of which one side is not guarded.
const SAMPLED: usize = 2;

/// Whether a query is among them.
pub(super) fn is_sampled(number: usize) -> bool {
    number.is_multiple_of(SAMPLED)
}

#[derive(Default)]
struct Count {
    asked: usize,
    /// Answers that have rows, or sides that would have told.
    found: usize,
    failed: usize,
}

impl Count {
    fn add(&mut self, found: bool, failed: bool) {
        self.asked += 1;
        self.found += usize::from(found);
        self.failed += usize::from(failed);
    }

    /// Whether at least so many of a hundred were found.
    fn has(&self, percent: usize) -> bool {
        self.found * 100 >= self.asked * percent
    }
}

/// See the file's head.
#[derive(Default)]
pub(crate) struct Tally {
    pub(super) comparisons: usize,
    shapes: BTreeMap<&'static str, Count>,
    /// By what is hidden of the first table and of the second.
    pairs: BTreeMap<(Restriction, Restriction), Count>,
    /// By shape and place of the table that would not be guarded.
    sides: BTreeMap<(&'static str, usize), Count>,
    /// Each ready to be read.
    pub(crate) differences: Vec<String>,
}

impl Tally {
    pub(super) fn count(&mut self, asked: &Asked, verdict: &Verdict, told: &[(usize, bool)]) {
        self.comparisons += 1;
        let found = matches!(verdict, Verdict::Same(rows) if *rows > 0);
        let failed = matches!(verdict, Verdict::BothFail);
        self.shapes.entry(asked.shape.name).or_default().add(found, failed);
        let pair = (asked.cast.restriction(0), asked.cast.restriction(1));
        self.pairs.entry(pair).or_default().add(found, failed);
        for (place, is_told) in told {
            self.sides.entry((asked.shape.name, *place)).or_default().add(*is_told, failed);
        }
    }

    /// Asserts that equal answers mean something: that each shape was asked and had rows, between tables of each two
    /// restrictions, and that a side without its guard would have been noticed, whichever it is.
    pub(crate) fn assert_telling(&self) {
        if self.comparisons < LARGE {
            return;
        }
        let mut problems = Vec::new();
        for shape in shapes() {
            let asked = self.shapes.get(shape.name);
            // Half of those that name what is hidden must fail.
            if !asked.is_some_and(|count| count.asked >= 10 && count.has(25)) {
                problems.push(format!("too few answers with rows: {}", shape.name));
            }
            if self.told(|(of, _)| of == shape.name) == 0 {
                problems.push(format!("would notice no side without a guard: {}", shape.name));
            }
        }
        for place in 0..3 {
            let asked: usize =
                self.sides.iter().filter(|((_, at), _)| *at == place).map(|(_, count)| count.asked).sum();
            if self.told(|(_, at)| at == place) * 5 < asked.max(1) {
                problems.push(format!("would seldom notice side {place} without a guard"));
            }
        }
        for first in Restriction::ALL {
            for second in Restriction::ALL.into_iter().filter(|second| *second != first) {
                let count = self.pairs.get(&(first, second));
                if !count.is_some_and(|count| count.asked >= 30 && count.has(50)) {
                    problems.push(format!("too few answers with rows: {first:?} with {second:?}"));
                }
            }
        }
        let failed: usize = self.shapes.values().map(|count| count.failed).sum();
        if failed * 5 > self.comparisons {
            problems.push(format!("{failed} of {} queries fail", self.comparisons));
        }
        assert!(problems.is_empty(), "{}\n{self}", problems.join("\n"));
    }
}

impl Tally {
    /// How many queries over some sides would have told that they were not guarded.
    fn told(&self, is_wanted: impl Fn((&'static str, usize)) -> bool) -> usize {
        self.sides.iter().filter(|(side, _)| is_wanted(**side)).map(|(_, count)| count.found).sum()
    }
}

/// How often each was asked, what share of that had rows, failed, or would have told.
impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} comparisons over several tables", self.comparisons)?;
        for (shape, count) in &self.shapes {
            let Count { asked, found, failed } = count;
            write!(
                formatter,
                "  {shape:<24} {asked:>5}, with rows {found:>5}, fail {failed:>4}; noticed without guard:"
            )?;
            for ((_, place), count) in self.sides.iter().filter(|((of, _), _)| of == shape) {
                write!(formatter, " side {place} {} of {}", count.found, count.asked)?;
            }
            writeln!(formatter)?;
        }
        for ((first, second), Count { asked, found, .. }) in &self.pairs {
            writeln!(formatter, "  {first:?} with {second:?}: {asked}, with rows {found}")?;
        }
        Ok(())
    }
}
