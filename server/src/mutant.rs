//! Faults of the guard that can be switched on, one at a time, to see whether the tests of the guard notice them.
//!
//! A comparison that never fails proves nothing. Each [`Mutant`] breaks one promise at the line that keeps it, and the tests ask
//! whether what they compare comes out differently: `make test` for some faults, `make mutants` for each. Where two locks hold
//! one promise, a mutant opens both.
//!
//! Invariants
//! - Without debug assertions every question here has a constant answer, and the compiler removes it: no release has a fault.
//!   The library is compiled once, for the tests with faults and for those without.
//! - A fault is switched on by [`switch_on`] and by nothing else. No setting and no variable that `lakegate-server` reads does;
//!   the only caller is `lakegate-test-server` (the `house` test reads the sources).

/// A fault. Its text is what the report of `make mutants` says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mutant {
    /// G3: rows are not filtered, only files are left out.
    RowFilterDropped,
    /// G3: AND in a row filter means OR.
    OrForAnd,
    /// G3: a row is shown if the filter is unknown.
    NullAsTrue,
    /// G3: NOT of an unknown is TRUE.
    NotOfNullIsTrue,
    /// G3: NaN is larger than all numbers.
    NanCompared,
    /// G3: a constant between two values of its column is taken for the smaller one.
    ConstantsRounded,
    /// G3: files are left out by a filter without its NOT.
    PruningIgnoresNot,
    /// G3: what stood in the slots of NULLs is sent.
    NullSlotsLeft,
    /// G3: casts, divisions and functions of a user work below the barrier.
    AnyPredicateBelow,
    /// G3: a user's predicate leaves out files below the barrier, and no rows.
    NarrowedByFilesOnly,
    /// G3: a user's predicate meets the column that stands at its place in the whole table.
    PredicateOnAnotherColumn,
    /// G3: predicates work below the barrier of a strict table.
    StrictIgnored,
    /// G3: a limit counts hidden rows.
    LimitBelow,
    /// G3: a scan that a join narrows shows all rows that can match.
    JoinedRowsUnfiltered,
    /// All tables of a statement are its first.
    TablesOfFirstName,
    /// G2: hidden columns are shown.
    HiddenColumnsShown,
    /// G2: the n-th visible column is the n-th of the table.
    ColumnsByPosition,
    /// G6: a table is served whose log and catalog name other columns.
    DriftAccepted,
    /// G4: the planner takes counts and bounds of hidden rows for the answer.
    ExactStatistics,
    /// G4: the planner knows how large hidden columns are.
    BytesOfHiddenColumns,
    /// G5: the number of rows that one policy shows is kept for all, and taken for exact.
    CountOfAnotherPolicy,
    /// G4: batches end where files and row groups do.
    BatchesAsTheyCome,
    /// G4: all functions of the engine can be called.
    AllFunctionsOffered,
    /// Everyone may ask for the past.
    TimeTravelForAll,
    /// Who misses columns alone counts as one who sees everything.
    HiddenColumnsAreNoRestriction,
    /// G5: the policy of a table's first reader is everyone's.
    PolicyOfFirstUser,
    /// G5: who browses by SQL is shown what the first one was.
    ListingOfFirstUser,
    /// G6: a row filter that cannot be read shows all rows.
    UnreadableFilterIgnored,
    /// G8: a hidden table answers otherwise than a missing one.
    HiddenTableTold,
    /// G8: errors quote values.
    ValuesQuoted,
    /// G8: errors carry the text that is for the log.
    InternalTextShown,
    /// G7: the first credentials serve all tables.
    CredentialsOfFirstGrant,
    /// G5: all tables have the log of the first.
    LogOfFirstTable,
    /// G5: files of one name have one footer, whatever their table.
    FootersByFileName,
    /// G5: files of one name have one content, whatever their table.
    BlocksByFileName,
    /// Deleted rows are read.
    DeletionVectorsIgnored,
    /// Tickets and handles serve whoever presents them.
    SealedForAnyone,
    /// Tickets, handles and tokens never expire.
    NeverExpires,
}

#[cfg(not(debug_assertions))]
impl Mutant {
    /// Whether the fault is switched on: never.
    pub(crate) const fn is_on(self) -> bool {
        false
    }

    /// The value itself.
    pub(crate) fn first_of<T>(self, value: T) -> T {
        value
    }
}

/// The name of the fault that is on.
#[cfg(debug_assertions)]
static ON: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// Switches a fault on for as long as the process lives. Whoever comes second changes nothing.
///
/// # Arguments
/// * `name` - as it stands in [`Mutant`]; a name that is not there switches nothing on.
#[cfg(debug_assertions)]
pub fn switch_on(name: &str) {
    ON.get_or_init(|| name.to_owned());
}

#[cfg(debug_assertions)]
impl Mutant {
    /// Whether the fault is switched on.
    pub(crate) fn is_on(self) -> bool {
        ON.get().is_some_and(|name| *name == format!("{self:?}"))
    }

    /// While the fault is on: the value that came first, as if nothing told one from another.
    pub(crate) fn first_of<T: Clone + Send + 'static>(self, value: T) -> T {
        static FIRST: std::sync::Mutex<Option<Box<dyn std::any::Any + Send>>> = std::sync::Mutex::new(None);
        if !self.is_on() {
            return value;
        }
        let Ok(mut first) = FIRST.lock() else {
            return value;
        };
        first.get_or_insert_with(|| Box::new(value.clone())).downcast_ref().cloned().unwrap_or(value)
    }
}
