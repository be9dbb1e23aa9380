//! Every demo user × every kind of access, kept as one file that a person can read: a change of what someone may see is a
//! change of that file. `LAKEGATE_GOLDEN=write` writes it anew.

use std::fmt::Write;

use arrow::array::AsArray;
use futures::TryStreamExt;
use lakegate_client::{Connection, TableFilter};

use crate::support::{answer, assert_golden, login, run, server};

const USERS: [&str; 7] = ["admin", "analyst", "eu_analyst", "support", "hr_partner", "auditor", "stranger"];

/// What each user tries. Queries are ordered, so that their answers are.
const PROBES: [(&str, &str); 12] = [
    ("select *", "select * from hr.employees order by id limit 3"),
    ("select * from another table", "select * from hr.departments order by name limit 2"),
    (
        "aggregate",
        "select count(*) n, count(distinct country) countries, min(country) first, max(country) last, count(email) emails \
         from hr.employees",
    ),
    (
        "aggregate of a partitioned table",
        "select c_mktsegment, count(*) n, min(c_nationkey), max(c_nationkey) from sales.customer group by 1 order by 1",
    ),
    (
        "join across databases",
        "select n_name, count(*) n from hr.employees e join sales.nation n on upper(n.n_name) = case e.country \
         when 'FR' then 'FRANCE' when 'DE' then 'GERMANY' when 'US' then 'UNITED STATES' end group by 1 order by 1",
    ),
    ("hidden column by name", "select ssn from hr.employees order by id limit 1"),
    ("hidden column in a predicate", "select count(*) n from hr.employees where salary > 100000"),
    ("hidden column with its table's name", "select e.ssn from hr.employees e limit 0"),
    (
        "subquery and NOT IN",
        "select count(*) n from hr.employees where id not in (select manager_id from hr.employees where manager_id is not null)",
    ),
    ("table that some may not see", "select count(*) n from sales.lineitem"),
    ("unknown table", "select count(*) n from sales.no_such_table"),
    ("unknown database", "select count(*) n from no_such_database.lineitem"),
];

#[test]
fn every_user_sees_exactly_what_the_grants_say() {
    let matrix = run(async {
        let server = server().await;
        let mut matrix = String::from(
            "What each demo user may see, at scale factor 0.01. Passwords are the users' names.\n",
        );
        for user in USERS {
            let connection = login(&server, user).await;
            write!(
                matrix,
                "\n{0}\n== {user}\n{0}\n\n-- browse\n{1}",
                "=".repeat(80),
                browse(&connection).await
            )
            .unwrap();
            for (name, sql) in PROBES {
                write!(matrix, "\n-- {name}: {sql}\n{}\n", answer(&connection, sql).await).unwrap();
            }
        }
        matrix
    });
    assert_golden("access-matrix.txt", &matrix);
}

/// Databases, tables and columns as the catalog commands list them.
async fn browse(connection: &Connection) -> String {
    let mut lines = String::new();
    let filter = TableFilter { include_schema: true, ..TableFilter::default() };
    let schemas: Vec<_> = connection.schemas(None).await.unwrap().try_collect().await.unwrap();
    for batch in &schemas {
        for name in batch.column_by_name("db_schema_name").unwrap().as_string::<i32>().iter().flatten() {
            writeln!(lines, "database {name}").unwrap();
        }
    }
    let tables: Vec<_> = connection.tables(filter).await.unwrap().try_collect().await.unwrap();
    for batch in &tables {
        let databases = batch.column_by_name("db_schema_name").unwrap().as_string::<i32>();
        let names = batch.column_by_name("table_name").unwrap().as_string::<i32>();
        for (database, name) in databases.iter().flatten().zip(names.iter().flatten()) {
            let schema = connection.table_schema(database, name).await.unwrap().unwrap();
            let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            writeln!(lines, "table {database}.{name} ({})", columns.join(", ")).unwrap();
        }
    }
    lines
}
