//! `information_schema`, SHOW, DESCRIBE and EXPLAIN: what a user may know of, and nothing of how it lies.

use lakegate_client::Connection;
use lakegate_tests::stack;

use crate::delta::rows::Rows;
use crate::support::{login, refusal, rows, run, server, start_server};

/// The sorted lines of an answer.
async fn lines(connection: &Connection, sql: &str) -> Vec<String> {
    let batches = rows(connection, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    Rows::of(&batches).texts()
}

#[test]
fn information_schema_holds_what_the_user_may_browse_and_no_more() {
    run(async {
        let server = server().await;
        for (user, tables) in [("analyst", 10), ("support", 5), ("auditor", 10), ("stranger", 0)] {
            let connection = login(&server, user).await;
            let found =
                lines(&connection, "select table_schema, table_name from information_schema.tables").await;
            assert_eq!(found.len(), tables, "{user}: {found:?}");
        }
        let support = login(&server, "support").await;
        let columns = lines(
            &support,
            "select column_name from information_schema.columns where table_name = 'employees'",
        )
        .await;
        assert!(
            columns.contains(&"\"country\"".to_owned()) && !columns.contains(&"\"ssn\"".to_owned()),
            "{columns:?}"
        );
        let described = lines(&support, "describe hr.employees").await;
        assert_eq!(described.len(), columns.len(), "{described:?}");
        assert!(!format!("{described:?}").contains("salary"), "{described:?}");
        let stranger = login(&server, "stranger").await;
        for sql in ["describe hr.employees", "describe hr.unheard_of", "show schemas", "show tables from hr"]
        {
            assert_eq!(lines(&stranger, sql).await, [""; 0], "{sql}");
        }
    });
}

#[test]
fn show_lists_what_there_is() {
    run(async {
        let server = server().await;
        let analyst = login(&server, "analyst").await;
        assert_eq!(lines(&analyst, "show schemas").await, ["\"hr\"", "\"sales\""]);
        assert_eq!(
            lines(&analyst, "show tables from sales like '%ion'").await,
            ["\"sales\" | \"nation\" | \"BASE TABLE\"", "\"sales\" | \"region\" | \"BASE TABLE\""]
        );
        assert_eq!(
            lines(&analyst, "show columns from sales.region").await,
            [
                r#""r_comment" | "varchar" | "YES" | NULL"#,
                r#""r_name" | "varchar" | "YES" | NULL"#,
                r#""r_regionkey" | "bigint" | "YES" | "Primary key""#,
            ]
        );
        assert!(lines(&analyst, "show functions").await.contains(&r#""upper" | "FUNCTION""#.to_owned()));
    });
}

#[test]
fn browsing_opens_no_file_and_lists_only_the_database_that_is_asked_for() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server = start_server(&sandbox, &[]).await;
        let analyst = login(&server, "analyst").await;
        sandbox.record_s3();
        let listings = |counters: &std::collections::BTreeMap<String, u64>| {
            counters.get("glue:GetTables").copied().unwrap_or_default()
        };
        let before = listings(&sandbox.counters());
        for condition in
            ["table_schema = 'hr'", "'hr' = table_schema and table_name <> 'x'", "table_schema in ('hr')"]
        {
            let sql = format!("select count(*) from information_schema.columns where {condition}");
            assert_ne!(lines(&analyst, &sql).await, ["0"]);
        }
        assert_eq!(listings(&sandbox.counters()) - before, 1);
        assert!(sandbox.recorded_s3().is_empty());
    });
}

#[test]
fn explain_tells_the_plan_and_nothing_of_policy_or_files() {
    run(async {
        let server = server().await;
        let partner = login(&server, "hr_partner").await;
        let sql = "explain select name from hr.employees where country = 'FR' and length(name) > 3";
        let plan = lines(&partner, sql).await.join("\n");
        for shown in ["hr.employees", "projection=[name", r#"country = Utf8View(\"FR\")"#, "character_length"]
        {
            assert!(plan.contains(shown), "{shown} is not in {plan}");
        }
        for hidden in ["active", "ssn", "salary", "s3:", ".parquet", "partitions", "rows=", "Guarded"] {
            assert!(!plan.contains(hidden), "{hidden} is in {plan}");
        }
        let versioned = login(&server, "analyst").await;
        let plan = lines(&versioned, "explain select * from sales.nation version as of 0").await.join("\n");
        assert!(plan.contains("nation@v0"), "{plan}");
        let (_, text) = refusal(&partner, "explain select ssn from hr.employees").await;
        assert!(text.contains("no such column"), "{text}");
        let (_, text) =
            refusal(&login(&server, "stranger").await, "explain select 1 from hr.employees").await;
        assert_eq!(text, "table not found or not granted: hr.employees");
    });
}
