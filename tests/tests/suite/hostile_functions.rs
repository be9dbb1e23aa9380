//! Functions that would make, compile or compare more than there is room or time for: each ends with a clear error, or
//! fits, under a limit on the server's address space, and another user is served all the while.

use std::path::Path;
use std::time::Duration;

use lakegate_client::ClientError;
use lakegate_tests::stack::{self, Server};
use tonic::Code;

use crate::support::{login, rows, run, value};

/// Little memory for statements, and no room to spill.
const SMALL: [(&str, &str); 5] = [
    ("LAKEGATE__ENGINE__MEMORY_LIMIT", "256MiB"),
    ("LAKEGATE__ENGINE__QUERY_MEMORY_LIMIT", "128MiB"),
    ("LAKEGATE__ENGINE__SPILL_LIMIT", "64MiB"),
    ("LAKEGATE__ENGINE__STATEMENT_TIMEOUT", "60s"),
    ("LAKEGATE__ENGINE__THREADS", "2"),
];

/// Address space of the server, in bytes: what it takes when it starts, stacks of its threads included, and a few times the
/// memory of its statements.
const ADDRESS_SPACE: u64 = 6 * 1024 * 1024 * 1024;

/// How soon somebody else must have an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that starts the server under the limit.
fn limited(folder: &Path) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let server = env!("CARGO_BIN_EXE_lakegate-test-server");
    let script = folder.join("limited");
    let text = format!("#!/bin/sh\nulimit -v {}\nexec '{server}' \"$@\"\n", ADDRESS_SPACE / 1024);
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    script
}

/// Seventy columns of one kind; `{k}` is the column's number.
fn seventy(column: &str, from: &str) -> String {
    let columns: Vec<String> = (0..70)
        .map(|number| format!("max(octet_length({}))", column.replace("{k}", &number.to_string())))
        .collect();
    format!("select {} from {from}", columns.join(", "))
}

/// Rows with a text of `length` bytes each.
fn texts(length: usize) -> String {
    // The key keeps each text apart from the others, so that none is a constant.
    format!(
        "(select repeat(cast(l_orderkey % 10 as text), {length}) as s, l_orderkey as n from sales.lineitem limit 8000) t"
    )
}

/// As many texts as columns beside one another.
fn beside(column: &str, length: usize) -> String {
    let columns: Vec<String> = (0..70)
        .map(|number| format!("{} as c{number}", column.replace("{k}", &number.to_string())))
        .collect();
    let used: Vec<String> = (0..70).map(|number| format!("max(c{number})")).collect();
    format!("select {} from (select {} from {}) u", used.join(", "), columns.join(", "), texts(length))
}

/// Statements, each of which either fits or is refused for memory or time.
fn statements() -> Vec<String> {
    let lists = "(select range(l_orderkey, l_orderkey + 2000) as a, range(l_orderkey, l_orderkey + 2000, 2) as b \
                 from sales.lineitem limit 8000) t";
    let sets = ["array_distinct(a)", "array_except(a, b)", "array_intersect(a, b)", "array_union(a, b)"];
    let sets = sets.map(|call| {
        let columns: Vec<String> =
            (0..70).map(|number| format!("array_append({call}, {number}) as c{number}")).collect();
        let used: Vec<String> = (0..70).map(|number| format!("max(cardinality(c{number}))")).collect();
        format!("select {} from (select {} from {lists}) u", used.join(", "), columns.join(", "))
    });
    let sums: Vec<String> = (0..2500).map(|number| format!("l_orderkey + {number}")).collect();
    let patterns = "(select '\\pL{' || cast(100 + l_orderkey % 900 as text) || '}' as p, l_comment as s \
                    from sales.lineitem limit 8000) t";
    [
        seventy("upper(substr(s, {k}))", &texts(4000)),
        beside("upper(substr(s, {k}))", 4000),
        beside("lower(s || '{k}')", 4000),
        beside("cast(cast(upper(s || '{k}') as bytea) as text)", 4000),
        beside("case when n % 70 = {k} then s else reverse(s || '{k}') end", 4000),
        beside("encode(cast(s || '{k}' as bytea), 'hex')", 4000),
        beside("initcap(translate(s, '{k}', 'ü'))", 4000),
        format!("select {} from sales.lineitem", sums.join(", ")),
        format!("select count(*) from {patterns} where s ~ p"),
        format!("select count(*) from {patterns} where regexp_like(s, p)"),
        format!("select sum(regexp_count(s, p)) from {patterns}"),
        format!("select max(regexp_replace(s, p, 'x')) from {patterns}"),
        format!("select count(*) from {patterns} where s similar to p"),
        "select count(*) from (select repeat('_%', cast(l_orderkey % 3000 as int)) as p, l_comment as s \
         from sales.lineitem limit 8000) t where s like p"
            .to_owned(),
        "select count(*) from sales.lineitem where levenshtein(repeat(l_comment, 300), repeat(l_comment, 301)) > 3"
            .to_owned(),
        "select max(btrim(repeat(l_comment, 2000), repeat('b', 30000) || l_comment)) from sales.lineitem".to_owned(),
        "select (select repeat('x', 10000000)) || cast(l_orderkey as text) from sales.lineitem".to_owned(),
        "select max(octet_length(s)) from (select (select repeat('x', 10000000)) as s from sales.lineitem) t"
            .to_owned(),
        "select approx_percentile_cont(0.5, 1000000000000) within group (order by l_quantity) from sales.lineitem"
            .to_owned(),
        "select approx_percentile_cont_with_weight(1, 0.5, 10000000000) within group (order by l_quantity) from sales.lineitem"
            .to_owned(),
        "select max(octet_length(x)) from (select string_agg(distinct repeat(l_comment, 500), ',' order by repeat(l_comment, 500)) \
         as x from sales.lineitem) t"
            .to_owned(),
        "select cardinality(array_agg(repeat(l_comment, 200) order by l_orderkey desc)) from sales.lineitem".to_owned(),
        "select count(distinct repeat(l_comment, 200)) from sales.lineitem".to_owned(),
        "select l_orderkey, first_value(repeat(l_comment, 400) order by l_linenumber), \
         last_value(repeat(l_comment, 400) order by l_linenumber) from sales.lineitem group by l_orderkey"
            .to_owned(),
        "select nth_value(repeat(l_comment, 200), 60000 order by l_orderkey) from sales.lineitem".to_owned(),
        "select approx_distinct(repeat(l_comment, 200)), median(l_quantity), percentile_cont(0.5) within group (order by l_tax) \
         from sales.lineitem group by l_orderkey, l_linenumber"
            .to_owned(),
    ]
    .into_iter()
    .chain(sets)
    .collect()
}

#[test]
fn functions_that_make_more_than_there_is_room_for_end_with_an_error_and_the_server_goes_on() {
    run(async {
        let sandbox = stack::sandbox(stack::SCALE_FACTOR).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut server = Server::start(&limited(folder.path()), &sandbox.endpoint(), &SMALL).await.unwrap();
        let analyst = login(&server, "analyst").await;
        let neighbour = login(&server, "eu_analyst").await;
        let count = "select count(*) from sales.nation";
        let nations = value(&neighbour, count).await;
        let mut problems = Vec::new();
        for sql in statements() {
            let shown = sql.chars().take(150).collect::<String>();
            match rows(&analyst, &sql).await {
                Ok(_) => {}
                Err(ClientError::Status(status)) => {
                    let limits = [Code::ResourceExhausted, Code::DeadlineExceeded, Code::InvalidArgument];
                    if !limits.contains(&status.code()) {
                        problems.push(format!("{shown}: {status}"));
                    }
                }
                Err(other) => problems.push(format!("{shown}: {other}")),
            }
            assert!(server.is_running(), "the server ended: {shown}\n{}", server.log());
            let answered = tokio::time::timeout(PATIENCE, value(&neighbour, count)).await;
            assert_eq!(answered.ok().as_ref(), Some(&nations), "the neighbour after {shown}");
        }
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    });
}

/// Expressions that planning writes out again and again, at the sizes that `operators` of them have.
fn families(size: usize) -> Vec<(&'static str, String)> {
    let joined = |part: &str, by: &str| vec![part; size].join(by);
    let within = |open: &str, close: &str, inner: &str| {
        let depth = size.min(25);
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let steps = |step: &str| {
        let chain: Vec<String> = (1..size.min(400))
            .map(|number| format!("c{number} as ({} from c{})", step, number - 1))
            .collect();
        format!(
            "with c0 as (select r_name as x from sales.region), {} select x from c{}",
            chain.join(", "),
            size.min(400) - 1
        )
    };
    vec![
        ("texts put together", format!("select {}", joined("'a'", "||"))),
        ("columns put together", format!("select {} from sales.region", joined("r_name", "||"))),
        ("put together from the right", {
            let depth = size.min(25);
            format!("select {}r_name{} from sales.region", "r_name||(".repeat(depth), ")".repeat(depth))
        }),
        ("a sum", format!("select {} from sales.region", joined("r_regionkey", "+"))),
        ("a sum of constants", format!("select {}", joined("1", "+"))),
        (
            "conditions",
            format!("select count(*) from sales.region where {}", joined("r_regionkey > 0", " and ")),
        ),
        ("alternatives", {
            let parts: Vec<String> = (0..size).map(|number| format!("r_regionkey = {number}")).collect();
            format!("select count(*) from sales.region where {}", parts.join(" or "))
        }),
        ("a truth value", format!("select {} from sales.region", joined("r_regionkey > 0", " or "))),
        ("a list", format!("select count(*) from sales.region where r_name in ({})", joined("'a'", ","))),
        (
            "a list of columns",
            format!("select count(*) from sales.region where r_name in ({})", joined("r_comment", ",")),
        ),
        (
            "the first that is not null",
            format!("select coalesce({}) from sales.region", joined("r_name", ",")),
        ),
        ("calls", format!("select {} from sales.region", within("upper(lower(", "))", "r_name"))),
        (
            "calls with two arguments",
            format!("select {} from sales.region", within("concat('a', ", ")", "r_name")),
        ),
        (
            "cases",
            format!("select case {} end from sales.region", joined("when r_regionkey = 1 then r_name", " ")),
        ),
        ("cases within one another", {
            format!(
                "select {} from sales.region",
                within("case when r_regionkey = 1 then r_name else ", " end", "r_name")
            )
        }),
        (
            "casts",
            format!("select {} from sales.region", within("cast(cast(", " as text) as bytea)", "r_name")),
        ),
        ("queries of queries", steps("select upper(x) as x")),
        ("queries of queries that put together", steps("select x || 'a' as x")),
        ("columns", {
            let columns: Vec<String> =
                (0..size).map(|number| format!("r_regionkey + {number} as c{number}")).collect();
            format!("select {} from sales.region", columns.join(", "))
        }),
    ]
}

/// What one statement may keep a thread for planning, debug builds and a busy machine included, before it must be refused.
const PLANNED: Duration = Duration::from_secs(30);

#[test]
fn a_long_expression_is_planned_soon_or_refused() {
    run(async {
        let sandbox = stack::sandbox(0.001).await.unwrap();
        let server =
            Server::start(Path::new(env!("CARGO_BIN_EXE_lakegate-test-server")), &sandbox.endpoint(), &[])
                .await
                .unwrap();
        let analyst = login(&server, "analyst").await;
        let mut problems = Vec::new();
        for size in [200, 1000, 2900] {
            for (family, sql) in families(size) {
                let answer = tokio::time::timeout(PLANNED, rows(&analyst, &sql)).await;
                match answer {
                    Ok(Ok(_)) => {}
                    Ok(Err(ClientError::Status(status))) if status.code() == Code::InvalidArgument => {}
                    other => problems.push(format!("{size} {family}: {other:?}")),
                }
            }
        }
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        let sql = format!("select {}", vec!["'a'"; 200].join("||"));
        assert_eq!(value(&analyst, &sql).await, "a".repeat(200));
    });
}
