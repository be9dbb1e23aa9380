//! The tables that both lakes have under one name, and what `support` may see of each.
//!
//! Invariants
//! - What a [`Sight`] shows of a table is the same in both worlds, row by row and in the same order, since rows are
//!   written with one definition for visible rows. All else differs on purpose: values, numbers and places of hidden rows,
//!   files and row groups around them, statistics, types, widths and names of hidden columns.
//! - Visible rows keep their order across files. Delta promises none, but the order in which a server reads files is the
//!   order of the log, and that is not hidden.
//! - Both worlds' tables have as many versions: `VERSION AS OF` counts commits for everyone who may use it.
//! - Something is hidden of a restricted table in both worlds. Whether anything is hidden at all may be known: a refusal of
//!   time travel says so.

mod bounds;
mod cells;
mod layouts;
mod ledger;
mod partitions;
mod plain;
mod rows;
mod staff;
mod weights;

pub(super) use self::layouts::LONG;
use crate::delta::TableFiles;

/// Bytes of a table up to which a server may find several threads not worth their while.
const SMALL_TABLE: usize = 1024 * 1024;

/// One of the two lakes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum World {
    First,
    Second,
}

/// Both worlds.
const BOTH: &[World] = &[World::First, World::Second];

/// What `support` may see of a table.
pub(super) enum Sight {
    /// Not even its name.
    Nothing,
    Everything,
    /// These columns of all rows.
    Columns(&'static [&'static str]),
    /// These columns of the rows for which the filter is true.
    Rows {
        filter: &'static str,
        columns: &'static [&'static str],
    },
    /// Two such parts: some rows are shown with fewer columns than others.
    Parts([Part; 2]),
}

/// The columns of the rows for which the filter is true.
pub(super) struct Part {
    pub(super) filter: &'static str,
    pub(super) columns: &'static [&'static str],
}

/// A table of both lakes.
pub(super) struct PairedTable {
    pub(super) name: &'static str,
    pub(super) files: fn(World) -> TableFiles,
    pub(super) sight: Sight,
    /// The lakes that have it: a table that may not be known of needs no twin.
    pub(super) exists_in: &'static [World],
    /// Whether Glue knows which columns are partition keys. Lake Formation cannot hide a partition key, but a crawler may
    /// enter it as an ordinary column.
    pub(super) has_partition_keys: bool,
}

impl PairedTable {
    const fn new(name: &'static str, files: fn(World) -> TableFiles, sight: Sight) -> Self {
        Self { name, files, sight, exists_in: BOTH, has_partition_keys: true }
    }

    /// Whether anything of the table differs between the lakes.
    pub(super) fn hides_something(&self) -> bool {
        !matches!(self.sight, Sight::Everything)
    }
}

/// All tables.
pub(super) static TABLES: [PairedTable; 17] = [
    PairedTable::new("ledger", ledger::files, northern(ledger::VISIBLE)),
    PairedTable::new("staff", staff::files, Sight::Columns(staff::VISIBLE)),
    PairedTable::new("cells", cells::files, cells::SIGHT),
    PairedTable::new("projects", staff::projects, Sight::Everything),
    PairedTable::new("visits", partitions::visits, partitions::FRENCH_VISITS),
    PairedTable { has_partition_keys: false, ..VAULT },
    PairedTable::new("long_list", layouts::long_list, northern(plain::VISIBLE)),
    PairedTable::new("erased", layouts::erased, northern(plain::VISIBLE)),
    PairedTable::new("history", layouts::history, northern(plain::VISIBLE)),
    PairedTable::new("silent", layouts::silent, northern(plain::VISIBLE)),
    PairedTable { exists_in: &[World::First], ..LOCKED },
    PairedTable::new("bounded", bounds::of_files, northern(bounds::VISIBLE)),
    PairedTable::new("bounded_groups", bounds::of_row_groups, northern(bounds::VISIBLE)),
    PairedTable::new("weights", weights::beside_a_wide_column, Sight::Columns(weights::VISIBLE)),
    PairedTable::new("weights_in_groups", weights::in_row_groups, Sight::Columns(weights::VISIBLE)),
    PairedTable::new("weights_among", weights::among_hidden_rows, northern(weights::VISIBLE)),
    PairedTable::new("weights_beside", weights::beside_a_hidden_file, northern(weights::VISIBLE)),
];

const VAULT: PairedTable = PairedTable::new("vault", partitions::vault, partitions::OPEN_VAULT);

const LOCKED: PairedTable = PairedTable::new("locked", layouts::locked, Sight::Nothing);

/// These columns of the rows of the north. The filter's column is hidden itself.
const fn northern(columns: &'static [&'static str]) -> Sight {
    Sight::Rows { filter: "region = 'north'", columns }
}

/// Bytes of a table's data files.
fn data_bytes(table: &TableFiles) -> usize {
    let data = table.0.iter().filter(|(path, _)| path.ends_with(".parquet"));
    data.map(|(_, content)| content.len()).sum()
}

/// A probe of a threshold says nothing if both worlds' tables are on one side of it.
#[test]
fn the_tables_are_on_both_sides_of_the_thresholds_that_they_are_made_for() {
    let [staff_first, staff_second] =
        [World::First, World::Second].map(|world| data_bytes(&staff::files(world)));
    let projects = data_bytes(&staff::projects(World::First));
    assert!(staff_first < projects && projects < staff_second, "{staff_first} {projects} {staff_second}");

    for files in [weights::beside_a_wide_column, weights::among_hidden_rows] {
        let (first, second) = (data_bytes(&files(World::First)), data_bytes(&files(World::Second)));
        assert!(first < SMALL_TABLE && SMALL_TABLE < second, "{first} {second}");
    }
    for world in [World::First, World::Second] {
        assert!(data_bytes(&weights::beside_a_hidden_file(world)) > SMALL_TABLE);
    }
}
