//! The faults that `make test` switches on, and what must notice each.
//!
//! Some of every promise and some for every examination. That a fault is noticed by the examination that is named here is more
//! than `make mutants` asks: a comparison that grew blind would be covered there by another one.

use super::Examination;
use super::Examination::{Expiry, Oracle, OracleOverSeveral, Probes, UsersInTurn};

/// See the file's head.
pub(super) static QUICK: [(&str, Examination); 21] = [
    ("HiddenColumnsShown", UsersInTurn),
    ("StrictIgnored", UsersInTurn),
    ("PolicyOfFirstUser", UsersInTurn),
    ("ListingOfFirstUser", UsersInTurn),
    ("DriftAccepted", UsersInTurn),
    ("UnreadableFilterIgnored", UsersInTurn),
    ("CredentialsOfFirstGrant", UsersInTurn),
    ("BlocksByFileName", UsersInTurn),
    ("HiddenTableTold", UsersInTurn),
    ("ValuesQuoted", UsersInTurn),
    ("SealedForAnyone", UsersInTurn),
    ("BatchesAsTheyCome", Probes),
    ("NullSlotsLeft", Probes),
    ("OrForAnd", Oracle),
    ("NullAsTrue", Oracle),
    ("ColumnsByPosition", Oracle),
    ("DeletionVectorsIgnored", Oracle),
    ("RowFilterDropped", OracleOverSeveral),
    ("JoinedRowsUnfiltered", OracleOverSeveral),
    ("TablesOfFirstName", OracleOverSeveral),
    ("NeverExpires", Expiry),
];
