//! What a principal may see: the pure evaluation of grants and data filters. No state, no I/O.
//!
//! Grants add up and nothing denies, so a principal sees a table through *slices*, each a set of columns with the
//! rows shown in them. The evaluation never looks into a row filter; it only joins texts with OR. What no grant
//! mentions is hidden.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::state::ACCOUNT;

/// The virtual group of all IAM principals, through which AWS keeps catalogs open that never used Lake Formation.
pub(crate) const IAM_ALLOWED_PRINCIPALS: &str = "IAM_ALLOWED_PRINCIPALS";

/// A Lake Formation permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Permission {
    All,
    Select,
    Alter,
    Drop,
    Delete,
    Insert,
    Describe,
    CreateDatabase,
    CreateTable,
    DataLocationAccess,
}

/// A choice among the columns of a table; names in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ColumnSelection {
    Only(BTreeSet<String>),
    AllExcept(BTreeSet<String>),
}

/// What a grant is about; names in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Catalog,
    Database {
        database: String,
    },
    Table {
        database: String,
        table: String,
    },
    /// Every table of the database, also those made later.
    AllTables {
        database: String,
    },
    Columns {
        database: String,
        table: String,
        columns: ColumnSelection,
    },
    Filter {
        database: String,
        table: String,
        name: String,
    },
    /// `bucket` or `bucket/prefix`.
    DataLocation {
        path: String,
    },
}

/// One grant.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) principal: String,
    pub(crate) target: Target,
    pub(crate) permissions: BTreeSet<Permission>,
    /// The permissions that the holder may grant on.
    pub(crate) grantable: BTreeSet<Permission>,
}

/// Which rows a data filter shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rows {
    All,
    Matching(String),
}

/// A data cells filter.
#[derive(Debug, Clone)]
pub(crate) struct DataFilter {
    pub(crate) database: String,
    pub(crate) table: String,
    pub(crate) name: String,
    pub(crate) rows: Rows,
    pub(crate) columns: ColumnSelection,
    pub(crate) version: String,
}

/// The columns of a table as the evaluation needs them; names in lower case, in schema order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub(crate) data: &'a [String],
    /// Lake Formation cannot hide these: they are visible as soon as any column is.
    pub(crate) partition_keys: &'a [String],
}

/// Some columns, and the rows shown in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) columns: BTreeSet<String>,
    pub(crate) rows: Rows,
}

/// The grants and filters that one principal's view of a table follows from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) grants: &'a [Grant],
    pub(crate) filters: &'a [DataFilter],
    /// The ARN of the user or role.
    pub(crate) principal: &'a str,
}

impl ColumnSelection {
    pub(crate) fn contains(&self, column: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(column),
            Self::AllExcept(names) => !names.contains(column),
        }
    }
}

impl Target {
    fn is_about_table(&self, in_database: &str, named: &str) -> bool {
        match self {
            Self::Table { database, table }
            | Self::Columns { database, table, .. }
            | Self::Filter { database, table, .. } => database == in_database && table == named,
            Self::AllTables { database } => database == in_database,
            Self::Catalog | Self::Database { .. } | Self::DataLocation { .. } => false,
        }
    }

    /// The database that the grant is in, if it is in one.
    pub(crate) fn database(&self) -> Option<&str> {
        match self {
            Self::Database { database }
            | Self::Table { database, .. }
            | Self::AllTables { database }
            | Self::Columns { database, .. }
            | Self::Filter { database, .. } => Some(database),
            Self::Catalog | Self::DataLocation { .. } => None,
        }
    }

    /// Whether a permission here includes the same permission on `other`.
    pub(crate) fn covers(&self, other: &Target) -> bool {
        match (self, other) {
            (Self::AllTables { database: mine }, Self::Table { database, .. }) => mine == database,
            (
                Self::AllTables { database: mine },
                Self::Columns { database, .. } | Self::Filter { database, .. },
            ) => mine == database,
            (
                Self::Table { database: mine, table: named },
                Self::Columns { database, table, .. } | Self::Filter { database, table, .. },
            ) => mine == database && named == table,
            (
                Self::Columns { database: mine, table: named, columns: ColumnSelection::Only(held) },
                Self::Columns { database, table, columns: ColumnSelection::Only(asked) },
            ) => mine == database && named == table && asked.is_subset(held),
            (Self::DataLocation { path: mine }, Self::DataLocation { path }) => is_within(path, mine),
            _ => self == other,
        }
    }
}

/// Whether `path` is `root` or below it, by whole path segments.
pub(crate) fn is_within(path: &str, root: &str) -> bool {
    root.is_empty() || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl<'a> View<'a> {
    /// The grants that reach this principal, directly or through a group that every IAM principal is in.
    fn reaching(self) -> impl Iterator<Item = &'a Grant> {
        let everybody = format!("{ACCOUNT}:IAMPrincipals");
        self.grants.iter().filter(move |grant| {
            grant.principal == self.principal
                || grant.principal == IAM_ALLOWED_PRINCIPALS
                || grant.principal == everybody
        })
    }

    /// Whether a grant gives `permission` on `target` or on something that includes it.
    pub(crate) fn holds(self, permission: Permission, target: &Target) -> bool {
        self.reaching().any(|grant| {
            let gives =
                grant.permissions.contains(&permission) || grant.permissions.contains(&Permission::All);
            gives && grant.target.covers(target)
        })
    }

    /// Whether a grant lets the principal grant `permission` on `target`.
    pub(crate) fn may_grant(self, permission: Permission, target: &Target) -> bool {
        self.reaching().any(|grant| {
            let gives = grant.grantable.contains(&permission) || grant.grantable.contains(&Permission::All);
            gives && grant.target.covers(target)
        })
    }

    /// Whether the principal sees that the database exists: any grant on it or in it tells.
    pub(crate) fn sees_database(self, name: &str) -> bool {
        self.reaching().any(|grant| grant.target.database() == Some(name))
    }

    /// Whether the principal sees that the table exists.
    pub(crate) fn sees_table(self, database: &str, table: &str) -> bool {
        self.reaching().any(|grant| grant.target.is_about_table(database, table))
    }

    /// Whether a grant shows the whole schema, as every permission on the table does except a partial SELECT.
    pub(crate) fn sees_every_column(self, database: &str, table: &str) -> bool {
        self.reaching().any(|grant| {
            let is_whole = matches!(grant.target, Target::Table { .. } | Target::AllTables { .. });
            is_whole && grant.target.is_about_table(database, table)
        })
    }

    /// What the principal may read of the table; empty without SELECT.
    pub(crate) fn slices(self, database: &str, table: &str, columns: Columns<'_>) -> Vec<Slice> {
        let mut slices = Vec::new();
        for grant in self.reaching().filter(|grant| grant.target.is_about_table(database, table)) {
            let reads = grant.permissions.contains(&Permission::Select)
                || grant.permissions.contains(&Permission::All);
            if !reads {
                continue;
            }
            match &grant.target {
                Target::Columns { columns: selection, .. } => {
                    slices.push(Slice { columns: columns.select(selection), rows: Rows::All });
                }
                Target::Filter { name, .. } => {
                    let is_named = |filter: &&DataFilter| {
                        filter.database == database && filter.table == table && filter.name == *name
                    };
                    slices.extend(self.filters.iter().find(is_named).map(|filter| Slice {
                        columns: columns.select(&filter.columns),
                        rows: filter.rows.clone(),
                    }));
                }
                _ => slices.push(Slice { columns: columns.all(), rows: Rows::All }),
            }
        }
        slices.retain(|slice| !slice.columns.is_empty());
        slices
    }
}

impl Columns<'_> {
    pub(crate) fn all(self) -> BTreeSet<String> {
        self.data.iter().chain(self.partition_keys).cloned().collect()
    }

    fn select(self, selection: &ColumnSelection) -> BTreeSet<String> {
        let chosen: BTreeSet<String> =
            self.all().into_iter().filter(|column| selection.contains(column)).collect();
        if chosen.is_empty() {
            return chosen;
        }
        chosen.into_iter().chain(self.partition_keys.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests;
