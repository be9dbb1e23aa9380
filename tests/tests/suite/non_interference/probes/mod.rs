//! Statements written by hand, each to get at something hidden by one channel. The channels are the union of those by which
//! known systems leaked.
//!
//! A probe need not succeed: a refusal is an answer, if both worlds get the same. What matters is that a server with the leak
//! would answer differently, so expressions fail on hidden rows of one world and not of the other, and counts, bounds, orders
//! and sizes differ.
//!
//! A statement whose answer depends on the order in which rows are read (a limit without an order, a sum of floating-point
//! numbers) is listed apart, because with several threads it has more than one right answer.

mod bounds;
mod cells;
mod errors;
mod joins;
mod names;
mod nulls;
mod orders;
mod past;
mod plans;
mod sets;
mod statistics;
mod texts;
mod windows;

pub(super) use self::past::OF_RESTRICTED_HISTORY;

/// Names and texts of statements.
pub(super) type Probes = &'static [(&'static str, &'static str)];

/// A way by which hidden data may come to light.
pub(super) struct Channel {
    pub(super) name: &'static str,
    /// Answers that follow from the visible rows as a set.
    pub(super) of_rows: Probes,
    /// Answers that follow from the order of the visible rows as well.
    pub(super) of_order: Probes,
}

/// All channels.
pub(super) static CHANNELS: [Channel; 14] = [
    Channel { name: "errors", of_rows: errors::OF_ROWS, of_order: errors::OF_ORDER },
    Channel { name: "errors of conversions", of_rows: errors::CONVERSIONS, of_order: &[] },
    Channel { name: "bounds of hidden values", of_rows: bounds::OF_ROWS, of_order: bounds::OF_ORDER },
    Channel { name: "statistics", of_rows: statistics::OF_ROWS, of_order: statistics::OF_ORDER },
    Channel { name: "limits and orders", of_rows: orders::OF_ROWS, of_order: orders::OF_ORDER },
    Channel { name: "joins", of_rows: joins::OF_ROWS, of_order: joins::OF_ORDER },
    Channel { name: "sets and nothing", of_rows: sets::OF_ROWS, of_order: &[] },
    Channel { name: "windows", of_rows: windows::OF_ROWS, of_order: windows::OF_ORDER },
    Channel { name: "names of columns", of_rows: names::OF_ROWS, of_order: &[] },
    Channel { name: "bytes under NULLs", of_rows: nulls::OF_ROWS, of_order: nulls::OF_ORDER },
    Channel { name: "hidden cells", of_rows: cells::OF_ROWS, of_order: cells::OF_ORDER },
    Channel { name: "texts and patterns", of_rows: texts::OF_ROWS, of_order: &[] },
    Channel { name: "plans and catalogs", of_rows: plans::OF_ROWS, of_order: &[] },
    Channel { name: "the past", of_rows: past::REFUSED, of_order: &[] },
];

/// A new channel, or one that lost its probes, is seen here.
#[test]
fn every_channel_has_probes_and_each_has_a_name_of_its_own() {
    const FEWEST: usize = 60;
    let mut names = std::collections::BTreeSet::new();
    for channel in &CHANNELS {
        assert!(!channel.of_rows.is_empty(), "{} has no probes", channel.name);
        for (name, _) in channel.of_rows.iter().chain(channel.of_order) {
            assert!(names.insert((channel.name, *name)), "{}: {name} twice", channel.name);
        }
    }
    assert!(names.len() >= FEWEST, "only {} probes", names.len());
}
