//! How the server answers what it should not do, and that it goes on serving.

use tonic::Code;

use crate::support::{login, refusal, rows, run, server, value};

#[test]
fn a_hidden_and_an_unknown_table_get_the_same_answer() {
    run(async {
        let server = server().await;
        let stranger = login(&server, "stranger").await;
        let (hidden_code, hidden) = refusal(&stranger, "select * from hr.employees").await;
        let (unknown_code, unknown) = refusal(&stranger, "select * from hr.no_such_one").await;
        assert_eq!(hidden_code, unknown_code);
        assert_eq!(hidden.replace("hr.employees", "T"), unknown.replace("hr.no_such_one", "T"));
    });
}

#[test]
fn a_hidden_column_answers_as_if_it_did_not_exist() {
    run(async {
        let server = server().await;
        let support = login(&server, "support").await;
        for shape in [
            "select {} from hr.employees",
            "select 1 from hr.employees order by {}",
            "select count(*) from hr.employees group by {}",
            "select 1 from hr.employees where {} is null",
        ] {
            let (hidden_code, hidden) = refusal(&support, &shape.replace("{}", "ssn")).await;
            let (unknown_code, unknown) = refusal(&support, &shape.replace("{}", "xyz")).await;
            assert_eq!((hidden_code, hidden.replace("ssn", "xyz")), (unknown_code, unknown), "{shape}");
        }
    });
}

#[test]
fn a_row_filter_holds_in_every_place_of_a_query() {
    run(async {
        let server = server().await;
        let analyst = login(&server, "analyst").await;
        let partner = login(&server, "hr_partner").await;
        let visible = "from hr.employees where country = 'FR' and active";
        for (filtered, open) in [
            ("select count(*) from hr.employees", format!("select count(*) {visible}")),
            ("select min(id) from hr.employees", format!("select min(id) {visible}")),
            ("select max(hired_on) from hr.employees", format!("select max(hired_on) {visible}")),
            (
                "select count(*) from hr.employees a join hr.employees b on a.id = b.manager_id",
                format!(
                    "with e as (select * {visible}) select count(*) from e a join e b on a.id = b.manager_id"
                ),
            ),
            (
                "select count(*) from (select id from hr.employees union select id from hr.employees) x",
                format!("select count(*) {visible}"),
            ),
            (
                "select sum(n) from (select row_number() over (order by id) n from hr.employees) x",
                format!("select sum(n) from (select row_number() over (order by id) n {visible}) x"),
            ),
            ("select count(*) from hr.employees where country <> 'FR' or not active", "select 0".to_owned()),
        ] {
            assert_eq!(value(&partner, filtered).await, value(&analyst, &open).await, "{filtered}");
        }
    });
}

/// Expressions that fail on hidden rows only. A failure would tell that such a row exists, and its text a value.
#[test]
fn no_expression_of_the_user_ever_meets_a_hidden_row() {
    run(async {
        let server = server().await;
        let analyst = login(&server, "analyst").await;
        let partner = login(&server, "hr_partner").await;
        let hidden = value(&analyst, "select min(id) from hr.employees where country <> 'FR'").await;
        for probe in [
            format!("select count(*) from hr.employees where 1 / (id - {hidden}) > 5"),
            format!("select country, 1 / (id - {hidden}) x from hr.employees order by 2 limit 5"),
            format!("select distinct 1 / (id - {hidden}) from hr.employees"),
            format!("select sum(1 / (id - {hidden})) over () from hr.employees"),
            format!("select count(*) filter (where 1 / (id - {hidden}) > 0) from hr.employees"),
            format!("select max(case when country = 'FR' then 1 else 1 / (id - {hidden}) end) from hr.employees"),
            format!("select a.id from hr.employees a join hr.employees b on 1 / (a.id - {hidden}) = b.id"),
            "select count(*) from hr.employees where cast(case country when 'FR' then '1' else name end as int) = 1".to_owned(),
            "select max(cast(case when active then '1' else name end as int)) from hr.employees".to_owned(),
        ] {
            rows(&partner, &probe).await.unwrap_or_else(|error| panic!("{probe}: {error}"));
        }
    });
}

#[test]
fn a_value_that_cannot_be_cast_is_not_quoted() {
    run(async {
        let server = server().await;
        let analyst = login(&server, "analyst").await;
        let (code, text) = refusal(&analyst, "select cast(name as int) from hr.employees").await;
        assert_eq!(code, Code::InvalidArgument);
        assert!(text.starts_with("a value cannot be cast"), "{text}");
    });
}

#[test]
fn statements_other_than_one_query_are_refused_and_the_server_goes_on() {
    run(async {
        let server = server().await;
        let analyst = login(&server, "analyst").await;
        for (sql, code) in [
            ("delete from hr.employees", Code::Unimplemented),
            ("create table t (a int)", Code::Unimplemented),
            ("copy (select 1) to '/tmp/lakegate.parquet'", Code::Unimplemented),
            (
                "create external table t stored as parquet location 's3://lakegate-demo/hr/employees'",
                Code::Unimplemented,
            ),
            ("set datafusion.execution.batch_size = 1", Code::Unimplemented),
            ("select 1; select 2", Code::InvalidArgument),
            ("", Code::InvalidArgument),
            ("select * from 's3://lakegate-demo/hr/employees'", Code::NotFound),
            ("select * from read_parquet('s3://lakegate-demo/hr/employees')", Code::NotFound),
            ("select input_file_name() from hr.employees", Code::InvalidArgument),
            (
                "with recursive r as (select 1 a union all select a + 1 from r) select count(*) from r",
                Code::Unimplemented,
            ),
            ("select * from information_schema.secrets", Code::NotFound),
        ] {
            let (answered, text) = refusal(&analyst, sql).await;
            assert_eq!(answered, code, "{sql}: {text}");
        }
        let long = format!("select '{}'", "x".repeat(2 * 1024 * 1024));
        assert_eq!(refusal(&analyst, &long).await.0, Code::InvalidArgument);
        let deep = format!("select 1 where {}", vec!["1 = 1"; 100_000].join(" or "));
        assert_eq!(refusal(&analyst, &deep).await.0, Code::InvalidArgument);
        assert_eq!(value(&analyst, "select 1").await, "1");
    });
}

#[test]
fn a_wrong_login_says_nothing_about_what_was_wrong() {
    run(async {
        let server = server().await;
        let wrong_password = server.connect("analyst", "wrong").await.err().unwrap().to_string();
        let unknown_user = server.connect("nobody", "wrong").await.err().unwrap().to_string();
        assert_eq!(wrong_password, unknown_user);
        assert!(wrong_password.contains("user name or password is wrong"), "{wrong_password}");
    });
}

#[test]
fn auditors_may_browse_and_not_read() {
    run(async {
        let server = server().await;
        let auditor = login(&server, "auditor").await;
        assert!(auditor.table_schema("hr", "employees").await.unwrap().is_some());
        let (code, text) = refusal(&auditor, "select count(*) from hr.employees").await;
        assert_eq!(code, Code::PermissionDenied);
        assert!(text.contains("not its data"), "{text}");
    });
}

#[test]
fn names_are_found_in_any_case() {
    run(async {
        let server = server().await;
        let analyst = login(&server, "analyst").await;
        let expected = value(&analyst, "select count(*) from sales.nation").await;
        for spelling in ["SALES.Nation", "\"Sales\".\"NATION\"", "AwsDataCatalog.sales.nation"] {
            assert_eq!(
                value(&analyst, &format!("select count(N_NAME) from {spelling}")).await,
                expected,
                "{spelling}"
            );
        }
    });
}

#[test]
fn neither_log_nor_audit_trail_nor_errors_hold_a_secret() {
    run(async {
        let server = server().await;
        let analyst = login(&server, "analyst").await;
        let partner = login(&server, "hr_partner").await;
        rows(&analyst, "select * from hr.departments").await.unwrap();
        rows(&partner, "select count(*) from hr.employees").await.unwrap();
        let _ = server.connect("analyst", "canary-password-7391").await;
        let written = server.log() + &server.audit();
        assert!(
            written.contains("hr.employees") || written.contains("employees"),
            "the audit trail is empty"
        );
        for secret in [
            "canary-password-7391",
            lakegate_sandbox::SERVER_SECRET_KEY,
            lakegate_sandbox::ADMIN_SECRET_KEY,
            "lakegate-demo-external",
            "Bearer ",
            "SecretAccessKey",
            "X-Amz-Security-Token",
            "argon2id",
            "country = 'FR' AND active = true",
        ] {
            assert!(!written.contains(secret), "{secret}");
        }
    });
}
