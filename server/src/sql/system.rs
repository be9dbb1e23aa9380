//! The tables of `information_schema`: what a user may browse, as tables.

/// Their database. One of this name in the data catalog cannot be reached.
pub(crate) const INFORMATION_SCHEMA: &str = "information_schema";

/// One of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SystemTable {
    /// The databases.
    Schemata,
    /// The tables.
    Tables,
    /// The columns of all tables.
    Columns,
    /// The views: none are served.
    Views,
    /// The functions that a query may call.
    Routines,
}

impl SystemTable {
    /// The table of a name, in any case; `None` if there is none.
    pub(crate) fn named(name: &str) -> Option<Self> {
        const NAMES: [(&str, SystemTable); 5] = [
            ("schemata", SystemTable::Schemata),
            ("tables", SystemTable::Tables),
            ("columns", SystemTable::Columns),
            ("views", SystemTable::Views),
            ("routines", SystemTable::Routines),
        ];
        NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, table)| *table)
    }
}
