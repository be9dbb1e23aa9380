//! Earlier versions, in which other rows were visible and other rows hidden.
//!
//! Unless the settings say otherwise they are refused to whom something of the table is hidden, whatever the version, whether
//! there is one or not. Where the settings allow them, the filter of today holds for the rows of that time.

use super::Probes;

/// Asked of a server that refuses the past to the restricted.
pub(super) const REFUSED: Probes = &[
    ("a version", "select * from brought.history version as of 1"),
    ("a version behind the last", "select * from brought.history version as of 99"),
    ("a version of a table with hidden columns", "select count(*) from brought.staff version as of 0"),
    ("a version that has no rows", "select count(*) from brought.silent version as of 0"),
    (
        "a version of a table without hidden parts",
        "select count(*), max(title) from brought.projects version as of 1",
    ),
    ("a version that such a table does not have", "select count(*) from brought.projects version as of 9"),
    ("a moment", "select * from brought.history timestamp as of '2100-01-01'"),
    (
        "a moment before the first version",
        "select * from brought.history for system_time as of timestamp '2001-01-01 00:00:00'",
    ),
    ("the past of a hidden column", "select secret from brought.ledger version as of 0"),
    (
        "now and then",
        "select count(*) from brought.history a join brought.history version as of 1 b on a.id = b.id",
    ),
    ("a change feed", "select * from table_changes('brought.history', 0)"),
];

/// Asked of a server that allows the past to the restricted. Both worlds have as many versions, for their number shows.
pub(in super::super) const OF_RESTRICTED_HISTORY: Probes = &[
    ("now", "select * from brought.history"),
    ("the first rows", "select * from brought.history version as of 1"),
    ("more rows", "select * from brought.history version as of 2"),
    ("the last version by its number", "select * from brought.history version as of 3"),
    ("the version without rows", "select * from brought.history version as of 0"),
    ("a version that does not exist", "select * from brought.history version as of 4"),
    ("a late moment", "select count(*), max(id) from brought.history timestamp as of '2100-01-01'"),
    ("an early moment", "select count(*) from brought.history timestamp as of '2001-01-01'"),
    (
        "a number of rows",
        "select count(*), min(id), max(id), count(code) from brought.history version as of 1",
    ),
    ("a division", "select sum(100 / (id + 1)) from brought.history version as of 2"),
    (
        "rows that are gone",
        "select id from brought.history version as of 2 where id not in (select id from brought.history) \
         order by id",
    ),
    (
        "differences",
        "select count(*) from (select id from brought.history version as of 1 except select id from \
         brought.history version as of 3) t",
    ),
    ("bytes under NULLs", "select code, flag from brought.history version as of 2"),
    ("a hidden column", "select region from brought.history version as of 1"),
    ("another table's first rows", "select id, name from brought.staff version as of 1 limit 5"),
    ("deleted rows", "select count(*) from brought.erased version as of 1"),
    ("rows before any were deleted", "select count(*) from brought.erased version as of 0"),
];
