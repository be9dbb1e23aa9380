//! Who may see what: the demo users' Lake Formation grants, as one table.
//!
//! The table is the specification, the code below it only carries it out. Users who are not in it
//! hold nothing: `admin` is data lake administrator, which includes no right to data, and `stranger`
//! is nobody.

use aws_sdk_lakeformation::types::{
    ColumnWildcard, DataCellsFilter, DataCellsFilterResource, DatabaseResource, Permission, Resource,
    RowFilter, TableResource, TableWildcard, TableWithColumnsResource,
};

use super::account::{ACCOUNT_ID, Account, HR, SALES, user_role_arn};
use super::error::SeedError;
use super::governance::principal;

/// The nations of region EUROPE in TPC-H.
const EUROPEAN_CUSTOMERS: &str = "c_nationkey IN (6, 7, 19, 22, 23)";
const EUROPEAN_SUPPLIERS: &str = "s_nationkey IN (6, 7, 19, 22, 23)";
const URGENT_ORDERS: &str = "o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH'";
const EU_EMPLOYEES: &str = "country IN ('DE','FR','IT','ES','NL','PL')";
const ACTIVE_IN_FRANCE: &str = "country = 'FR' AND active = true";

const ORDER_STATUS: Columns =
    Columns::Only(&["o_orderkey", "o_custkey", "o_orderstatus", "o_orderdate", "o_orderpriority"]);
const WITHOUT_ACCOUNT: Columns = Columns::AllBut(&["c_acctbal", "c_comment"]);
const WITHOUT_PAY: Columns = Columns::AllBut(&["ssn", "salary"]);
const WITHOUT_PAY_AND_CONTACT: Columns = Columns::AllBut(&["ssn", "salary", "email"]);
const COST_CENTERS: Columns = Columns::Only(&["name", "cost_center"]);

const GRANTS: &[(&str, &[Grant])] = &[
    ("analyst", ANALYST),
    ("eu_analyst", EU_ANALYST),
    ("support", SUPPORT),
    ("hr_partner", HR_PARTNER),
    ("auditor", AUDITOR),
];

/// Everything.
const ANALYST: &[Grant] = &[
    Grant::DescribeDatabase(SALES),
    Grant::DescribeDatabase(HR),
    Grant::SelectAllTables(SALES),
    Grant::SelectAllTables(HR),
];

/// Some rows, with all their columns; no line items at all.
const EU_ANALYST: &[Grant] = &[
    Grant::DescribeDatabase(SALES),
    Grant::DescribeDatabase(HR),
    Grant::SelectRows(SALES, "customer", EUROPEAN_CUSTOMERS, Columns::All),
    Grant::SelectRows(SALES, "supplier", EUROPEAN_SUPPLIERS, Columns::All),
    Grant::SelectRows(SALES, "nation", "n_regionkey = 3", Columns::All),
    Grant::SelectRows(SALES, "region", "r_name = 'EUROPE'", Columns::All),
    Grant::SelectRows(SALES, "orders", URGENT_ORDERS, Columns::All),
    Grant::Select(SALES, "part", Columns::All),
    Grant::Select(SALES, "partsupp", Columns::All),
    Grant::SelectRows(HR, "employees", EU_EMPLOYEES, Columns::All),
    Grant::Select(HR, "departments", Columns::All),
];

/// Some columns, of all rows.
const SUPPORT: &[Grant] = &[
    Grant::DescribeDatabase(SALES),
    Grant::DescribeDatabase(HR),
    Grant::Select(SALES, "customer", WITHOUT_ACCOUNT),
    Grant::Select(SALES, "orders", ORDER_STATUS),
    Grant::Select(SALES, "nation", Columns::All),
    Grant::Select(SALES, "region", Columns::All),
    Grant::Select(HR, "employees", WITHOUT_PAY),
];

/// Some columns of some rows.
const HR_PARTNER: &[Grant] = &[
    Grant::DescribeDatabase(HR),
    Grant::SelectRows(HR, "employees", ACTIVE_IN_FRANCE, WITHOUT_PAY_AND_CONTACT),
    Grant::Select(HR, "departments", COST_CENTERS),
];

/// The names of everything and the contents of nothing.
const AUDITOR: &[Grant] = &[
    Grant::DescribeDatabase(SALES),
    Grant::DescribeDatabase(HR),
    Grant::DescribeAllTables(SALES),
    Grant::DescribeAllTables(HR),
];

/// One line of the table. Each names its database; table, row filter and columns follow.
#[derive(Debug, Clone, Copy)]
enum Grant {
    DescribeDatabase(&'static str),
    DescribeAllTables(&'static str),
    SelectAllTables(&'static str),
    Select(&'static str, &'static str, Columns),
    /// Through a data cells filter of the user's name.
    SelectRows(&'static str, &'static str, &'static str, Columns),
}

#[derive(Debug, Clone, Copy)]
enum Columns {
    All,
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

/// Makes every grant of the table, and the data cells filters that they need.
pub(super) async fn grant_all(account: &Account) -> Result<(), SeedError> {
    for (user, grants) in GRANTS {
        for grant in *grants {
            if let Grant::SelectRows(database, table, rows, columns) = *grant {
                create_filter(account, data_cells_filter(user, database, table, rows, columns)?).await?;
            }
            let (resource, permission) = resource(user, *grant)?;
            grant_permission(account, user, resource, permission).await?;
        }
    }
    Ok(())
}

async fn create_filter(account: &Account, filter: DataCellsFilter) -> Result<(), SeedError> {
    let name = format!("{}.{} filter {}", filter.database_name, filter.table_name, filter.name);
    account
        .lake_formation
        .create_data_cells_filter()
        .table_data(filter)
        .send()
        .await
        .map_err(|error| SeedError::from_sdk("lakeformation:CreateDataCellsFilter", &name, error))?;
    Ok(())
}

async fn grant_permission(
    account: &Account,
    user: &str,
    resource: Resource,
    permission: Permission,
) -> Result<(), SeedError> {
    account
        .lake_formation
        .grant_permissions()
        .principal(principal(&user_role_arn(user)))
        .resource(resource)
        .permissions(permission)
        .send()
        .await
        .map_err(|error| SeedError::from_sdk("lakeformation:GrantPermissions", user, error))?;
    Ok(())
}

fn resource(user: &str, grant: Grant) -> Result<(Resource, Permission), SeedError> {
    let resource = Resource::builder();
    Ok(match grant {
        Grant::DescribeDatabase(database) => {
            let database = DatabaseResource::builder().catalog_id(ACCOUNT_ID).name(database).build()?;
            (resource.database(database).build(), Permission::Describe)
        }
        Grant::DescribeAllTables(database) => {
            (resource.table(all_tables(database)?).build(), Permission::Describe)
        }
        Grant::SelectAllTables(database) => {
            (resource.table(all_tables(database)?).build(), Permission::Select)
        }
        Grant::Select(database, table, Columns::All) => {
            let table = TableResource::builder()
                .catalog_id(ACCOUNT_ID)
                .database_name(database)
                .name(table)
                .build()?;
            (resource.table(table).build(), Permission::Select)
        }
        Grant::Select(database, table, columns) => {
            let table = TableWithColumnsResource::builder()
                .catalog_id(ACCOUNT_ID)
                .database_name(database)
                .name(table)
                .set_column_names(columns.included())
                .set_column_wildcard(columns.wildcard())
                .build()?;
            (resource.table_with_columns(table).build(), Permission::Select)
        }
        Grant::SelectRows(database, table, _, _) => {
            let filter = DataCellsFilterResource::builder()
                .table_catalog_id(ACCOUNT_ID)
                .database_name(database)
                .table_name(table)
                .name(user)
                .build();
            (resource.data_cells_filter(filter).build(), Permission::Select)
        }
    })
}

fn all_tables(database: &str) -> Result<TableResource, SeedError> {
    Ok(TableResource::builder()
        .catalog_id(ACCOUNT_ID)
        .database_name(database)
        .table_wildcard(TableWildcard::builder().build())
        .build()?)
}

fn data_cells_filter(
    user: &str,
    database: &str,
    table: &str,
    rows: &str,
    columns: Columns,
) -> Result<DataCellsFilter, SeedError> {
    Ok(DataCellsFilter::builder()
        .table_catalog_id(ACCOUNT_ID)
        .database_name(database)
        .table_name(table)
        .name(user)
        .row_filter(RowFilter::builder().filter_expression(rows).build())
        .set_column_names(columns.included())
        .set_column_wildcard(columns.wildcard())
        .build()?)
}

impl Columns {
    fn included(self) -> Option<Vec<String>> {
        match self {
            Columns::Only(names) => Some(owned(names)),
            Columns::All | Columns::AllBut(_) => None,
        }
    }

    fn wildcard(self) -> Option<ColumnWildcard> {
        match self {
            Columns::Only(_) => None,
            Columns::All => Some(ColumnWildcard::builder().build()),
            Columns::AllBut(names) => {
                Some(ColumnWildcard::builder().set_excluded_column_names(Some(owned(names))).build())
            }
        }
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests;
