//! Faults of the guard that can be switched on, one at a time, to see whether the tests of the guard notice them.
//!
//! A comparison that never fails proves nothing. Each [`Mutant`] breaks one promise at the line that keeps it, and `make
//! mutants` asks for each whether what is compared in `tests/` comes out differently. Where two locks hold one promise, a
//! mutant opens both.
//!
//! Invariants
//! - Without the cargo feature `mutants` every question here has a constant answer, and the compiler removes it. Nothing in
//!   the workspace enables the feature (the `house` test reads the manifests).
//! - A build without debug assertions, as every release is, does not compile with the feature.

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!(
    "the feature `mutants` breaks the guard on purpose: it is for debug builds of the tests alone"
);

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

#[cfg(not(feature = "mutants"))]
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

#[cfg(feature = "mutants")]
impl Mutant {
    /// Whether the variable `LAKEGATE_MUTANT` switches the fault on.
    #[expect(clippy::disallowed_methods, reason = "a fault is no setting, and no release has it")]
    pub(crate) fn is_on(self) -> bool {
        static ON: std::sync::LazyLock<String> =
            std::sync::LazyLock::new(|| std::env::var("LAKEGATE_MUTANT").unwrap_or_default());
        *ON == format!("{self:?}")
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
