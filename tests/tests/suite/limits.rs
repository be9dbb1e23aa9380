//! Limits of one statement, and that meeting one harms nobody else.

use lakegate_tests::stack::Server;
use tonic::Code;

use crate::delta::TableFiles;
use crate::delta::grants::{Columns, Rows as Granted, Shown};
use crate::delta::lake::{DATABASE, Lake};
use crate::delta::writer::{TableWriter, batch, field, longs, metadata, plain_protocol, strings};
use crate::support::{answer, login, refusal, rows, run, server, start_server, value};
use serde_json::json;

/// Statements whose results or whose ways there would take all memory. Each is short, and most need no table.
const BOMBS: [&str; 25] = [
    "select repeat('x', 1000000000)",
    "select octet_length(repeat('x', 2000000000)) from sales.lineitem",
    "select count(repeat(l_comment, 1000000)) from sales.lineitem",
    "select lpad('x', 2000000000), rpad('x', 2000000000)",
    "select max(octet_length(rpad(l_comment, 1000000, 'ab'))) from sales.lineitem",
    "select cardinality(range(1, 9000000000))",
    "select unnest(generate_series(1, 9000000000))",
    "select cardinality(range(timestamp '2000-01-01', timestamp '2030-01-01', interval '1 millisecond'))",
    "select cardinality(array_repeat(l_comment, 10000000)) from sales.lineitem",
    "select cardinality(array_resize(make_array(1), 2000000000, 0))",
    "select max(octet_length(replace(l_comment, 'a', repeat('y', 1000000)))) from sales.lineitem",
    "select max(octet_length(regexp_replace(l_comment, '.', repeat('y', 100000), 'g'))) from sales.lineitem",
    "select octet_length(concat_ws(repeat('-', 10000000), l_comment, l_comment, l_comment)) from sales.lineitem",
    "select count(s) from (select sum(a.l_quantity) over () s from sales.lineitem a, sales.lineitem b) x",
    "select count(x) from (select array_agg(a.l_comment) x from sales.lineitem a, sales.lineitem b) y",
    "select octet_length(string_agg(a.l_comment, ',')) from sales.lineitem a, sales.lineitem b",
    "select count(distinct a.l_comment || b.l_comment || cast(a.l_orderkey as text)) from sales.lineitem a, sales.lineitem b",
    "select a.l_comment from sales.lineitem a, sales.lineitem b order by a.l_comment || b.l_comment",
    "select median(a.l_quantity * b.l_quantity) from sales.lineitem a, sales.lineitem b",
    "select a.l_comment from sales.lineitem a full join sales.lineitem b on a.l_orderkey < b.l_orderkey + 1 or a.l_tax > 7 order by 1",
    "select string_to_array(repeat('ab', 100000000), 'b')",
    "select array_to_string(range(1, 100000000), repeat('-', 1000))",
    "select max(octet_length(s)) from (select repeat('x', 10000000) as s) a, sales.lineitem b",
    "select max(octet_length(m)) from (select min(t) over () as m from (select case when l_orderkey = 1 \
     then repeat('x', 1000000) else 'y' end as t from sales.lineitem) q) r",
    "select max(octet_length(s)) from (select repeat('x', 1000000) as s, unnest(range(1, 100000))) q",
];

/// Little memory, no room to spill, and two threads.
const SMALL: [(&str, &str); 4] = [
    ("LAKEGATE__ENGINE__MEMORY_LIMIT", "256MiB"),
    ("LAKEGATE__ENGINE__QUERY_MEMORY_LIMIT", "64MiB"),
    ("LAKEGATE__ENGINE__SPILL_LIMIT", "64MiB"),
    ("LAKEGATE__ENGINE__STATEMENT_TIMEOUT", "30s"),
];

/// Memory that the server may hold after it refused a bomb, in bytes: its limit, and as much again for itself.
const MOST_RESIDENT: u64 = 1536 * 1024 * 1024;

/// A metric of the server, 0 if it is not on the page.
async fn metric(server: &Server, name: &str) -> u64 {
    server.metric(name).await.unwrap_or_default()
}

/// Doubles a text so many times, one query inside the other.
fn doubled(times: usize, start: &str) -> String {
    (0..times).fold(start.to_owned(), |inner, _| format!("select x || x as x from ({inner}) d"))
}

#[test]
fn a_statement_that_would_take_all_memory_ends_with_an_error_and_the_server_goes_on() {
    run(async {
        let sandbox = lakegate_tests::stack::sandbox(lakegate_tests::stack::SCALE_FACTOR).await.unwrap();
        let mut server = start_server(&sandbox, &SMALL).await;
        let analyst = login(&server, "analyst").await;
        let neighbour = login(&server, "eu_analyst").await;
        let nations = value(&neighbour, "select count(*) from sales.nation").await;
        let doubling = [
            doubled(25, "select repeat('ab', 1000) as x"),
            doubled(25, "select l_comment as x from sales.lineitem"),
            format!("select concat(x, x, x) from ({}) d", doubled(25, "select repeat('ab', 1000) as x")),
            format!(
                "select '{}' || cast(l_orderkey as text) from sales.lineitem order by 1",
                "x".repeat(900_000)
            ),
        ];
        let statements = BOMBS.iter().copied().chain(doubling.iter().map(String::as_str));
        let mut problems = Vec::new();
        for sql in statements {
            let shown = sql.chars().take(100).collect::<String>();
            match rows(&analyst, sql).await {
                Ok(_) => problems.push(format!("answered: {shown}")),
                Err(error) => {
                    let text = error.to_string();
                    let is_clear = text.contains("more memory than") || text.contains("ran longer than");
                    if !is_clear {
                        problems.push(format!("{shown}: {text}"));
                    }
                }
            }
            if !server.is_running() {
                panic!("the server ended: {shown}");
            }
            let resident = metric_of_process(&server);
            if resident > MOST_RESIDENT {
                problems.push(format!("{resident} bytes are resident after {shown}"));
            }
            assert_eq!(value(&neighbour, "select count(*) from sales.nation").await, nations, "{shown}");
        }
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    });
}

/// A chain of common table expressions, each made from the one before by `step`, in which `{}` is its name.
fn chained(times: usize, first: &str, step: &str) -> String {
    let steps: Vec<String> = (1..=times)
        .map(|number| format!("c{number} as ({})", step.replace("{}", &format!("c{}", number - 1))))
        .collect();
    format!("with c0 as ({first}), {} select count(*) from c{times}", steps.join(", "))
}

/// Sorts by so many keys, and computes of each and of all of them.
fn of_sorted(keys: usize, key: &str, joined: &str) -> String {
    let names: Vec<String> = (0..keys).map(|number| format!("k{number}")).collect();
    let made: Vec<String> =
        names.iter().map(|name| format!("{} as {name}", key.replace("{}", name))).collect();
    let cast: Vec<String> =
        names.iter().map(|name| format!("cast({name} as int), cast({name} as bigint)")).collect();
    let (listed, all) = (names.join(", "), names.join(joined));
    format!(
        "select {listed}, {}, {all} from (select {} from sales.nation order by {listed} limit 5) s",
        cast.join(", "),
        made.join(", ")
    )
}

#[test]
fn a_short_text_that_makes_a_huge_plan_is_refused_and_the_server_goes_on() {
    run(async {
        let sandbox = lakegate_tests::stack::sandbox(0.001).await.unwrap();
        let mut server = start_server(&sandbox, &[("LAKEGATE__ENGINE__STATEMENT_TIMEOUT", "60s")]).await;
        let analyst = login(&server, "analyst").await;
        let columns: Vec<String> = (0..20).map(|number| format!("c{number}")).collect();
        let values: Vec<String> = columns.iter().map(|name| format!("1 as {name}")).collect();
        let nations: Vec<String> = (0..400).map(|number| format!("sales.nation n{number}")).collect();
        let statements = [
            chained(40, "select 1 as x", "select p.x from {} p, {} q"),
            chained(40, "select 1 as x", "select x from {} union all select x from {}"),
            chained(40, "select 1 as x", "select x from {} where x in (select x from {})"),
            chained(
                20,
                "select n_name as x from sales.nation",
                "select named_struct('a', x, 'b', x) as x from {}",
            ),
            chained(60, "select 1 as x", "select named_struct('a', x, 'b', x) as x from {}"),
            chained(60, "select 1 as x", "select struct(x, x) as x from {}"),
            chained(60, "select 1 as x", "select (x, x) as x from {}"),
            chained(60, "select 1 as x", "select {'a': x, 'b': x} as x from {}"),
            chained(60, "select 1 as x", "select map([x], [x]) as x from {}"),
            chained(60, "select 1 as x", "select arrays_zip([x], [x]) as x from {}"),
            chained(30, "select 1 as x", "select x + x as x from {}"),
            chained(40, "select n_nationkey as x from sales.nation", "select x + x as x from {} where x > 0"),
            chained(40, "select n_name as x from sales.nation", "select distinct x || x as x from {}"),
            chained(200, "select 1 as x", "select x from {}"),
            chained(
                40,
                "select n_nationkey as x from sales.nation",
                "select n_nationkey + (select max(x) from {}) as x from sales.nation",
            ),
            of_sorted(11, "n_name like '%{}'", " and "),
            of_sorted(5, "cast(strpos(n_name, '{}') as tinyint)", " + "),
            format!(
                "select count(*) from (select {}) s group by cube({})",
                values.join(", "),
                columns.join(", ")
            ),
            format!("select 1 from {} limit 1", nations.join(", ")),
            format!("select 1 where {}", vec!["1 = 1"; 1000].join(" or ")),
            format!("select {}", vec!["1"; 50_000].join(", ")),
            format!("select {}1{}", "abs(".repeat(60), ")".repeat(60)),
            format!("select {}", vec!["case when 1 = 1 then 1 else 2 end"; 700].join(" + ")),
            format!(
                "select count(*) from sales.nation where n_nationkey in ({})",
                vec!["1"; 60_000].join(",")
            ),
        ];
        for sql in &statements {
            let shown = sql.chars().take(100).collect::<String>();
            // Answered or refused: what matters is that it ends, in good time, and alone.
            let outcome = rows(&analyst, sql).await.map(drop).map_err(|error| error.to_string());
            println!("{shown}: {outcome:?}");
            if !server.is_running() {
                panic!("the server ended: {shown}");
            }
            assert_eq!(value(&analyst, "select count(*) from sales.nation").await, "25", "{shown}");
            assert!(metric_of_process(&server) < MOST_RESIDENT, "{shown}");
        }
        let (code, text) = refusal(&analyst, &statements[0]).await;
        assert_eq!(code, Code::InvalidArgument);
        assert!(text.starts_with("the query is too complex"), "{text}");
    });
}

/// Computed columns of rows sorted by many keys, wherever the planner makes columns of them.
#[test]
fn what_is_computed_of_sorted_rows_is_answered_as_of_any() {
    run(async {
        let server = server().await;
        let analyst = login(&server, "analyst").await;
        let numbered = "select n_nationkey, n_regionkey, n_name, row_number() over (partition by n_regionkey, n_name, n_comment \
             order by n_nationkey, n_name desc) as rn from sales.nation";
        let sorted = "select n_nationkey, n_regionkey, n_name, n_comment from sales.nation \
             order by n_regionkey, n_name, n_comment, n_nationkey, n_regionkey + 1 limit 20";
        for (sql, expected) in [
            (
                format!(
                    "with a as ({numbered}), b as ({numbered}) select count(*) from a join b \
                     on cast(a.n_nationkey as bigint) = b.n_nationkey + 0 and a.rn = b.rn"
                ),
                "25",
            ),
            (
                format!(
                    "with a as ({sorted}), b as ({sorted}) select count(*) from a left join b \
                     on cast(a.n_nationkey as bigint) = cast(b.n_nationkey as bigint) + 1"
                ),
                "20",
            ),
            (format!("with a as ({sorted}) select sum(cast(n_regionkey as bigint)) from a"), "30"),
            (
                format!(
                    "with a as ({sorted}) select count(*) from (select n_regionkey, n_regionkey > 1 as is_late, count(*) \
                     from a group by grouping sets ((n_regionkey, n_regionkey > 1), (n_regionkey > 1), ())) g"
                ),
                "7",
            ),
            (
                format!(
                    "with a as ({sorted}) select min(\"upper(n_name)\") from (select upper(n_name) from a) u"
                ),
                "ALGERIA",
            ),
        ] {
            assert_eq!(value(&analyst, &sql).await, expected, "{sql}");
        }
    });
}

/// What would be large or slow where nobody charges for it, and cannot be told to stop.
#[test]
fn what_cannot_be_charged_or_interrupted_is_refused_and_the_server_goes_on() {
    run(async {
        let sandbox = lakegate_tests::stack::sandbox(0.001).await.unwrap();
        let mut server = start_server(&sandbox, &SMALL).await;
        let analyst = login(&server, "analyst").await;
        let lists = "[1], ".repeat(400);
        for (sql, words) in [
            (
                "select arrow_cast(null, 'FixedSizeBinary(2147483647)') from sales.lineitem",
                "asks for values of a type",
            ),
            ("select cast(null as int[2147483647]) from sales.lineitem", "asks for values of a type"),
            ("select arrow_cast([1], 'LargeList(Int64)')", "asks for values of a type"),
            ("select array_agg(l_comment) over () from sales.lineitem", "cannot be window functions"),
            (
                "select string_agg(l_comment, '') over (order by l_orderkey) from sales.lineitem",
                "cannot be window functions",
            ),
            ("select levenshtein(repeat('a', 1000000), repeat('b', 1000000))", "too long"),
            ("select array_has_any(range(1, 1000000), range(-1000000, 0))", "too long"),
            (&format!("select cardinality(arrays_zip(range(1, 1000000), {lists}[1]))"), "more memory"),
            (&format!("select 'a'{}", " rlike 'a'".repeat(50_000)), "too complex"),
            (&nested("r_regionkey between 1 and 2", "E between false and true"), "too complex"),
            (&nested("r_name", "ifnull(E, 'a')"), "too complex"),
            (&nested("r_regionkey", "((E = 1)::bigint)"), "too complex"),
            (&nested("r_name", "((E || 'x') = 'y')"), "too complex"),
            (&nested("r_regionkey", "((E)::boolean is true)::bigint"), "too complex"),
            (&nested("true", "(case when E then r_regionkey > 1 else r_regionkey < 1 end)"), "too complex"),
            (&format!("set schema = 'a'{}", "rlike'a'".repeat(50_000)), "longer than"),
        ] {
            let shown = sql.chars().take(100).collect::<String>();
            let (_, text) = refusal(&analyst, sql).await;
            assert!(text.contains(words), "{shown}: {text}");
            assert!(server.is_running(), "the server ended: {shown}");
        }
        assert_eq!(value(&analyst, "select levenshtein('kitten', 'sitting')").await, "3");
        assert_eq!(value(&analyst, "select array_has_any([1, 2], [2, 3])").await, "true");
        assert_eq!(value(&analyst, "select cardinality(arrays_zip([1, 2], [3]))").await, "2");
    });
}

/// An expression within itself as often as the parser follows. What planning repeats of it doubles with each level.
fn nested(innermost: &str, around: &str) -> String {
    let expression = (0..26).fold(innermost.to_owned(), |inner, _| around.replacen('E', &inner, 1));
    format!("select {expression} as x from sales.region")
}

/// Bytes of the server's memory that are resident.
fn metric_of_process(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn functions_that_grow_answer_as_long_as_there_is_room() {
    run(async {
        let server = server().await;
        let analyst = login(&server, "analyst").await;
        for (sql, expected) in [
            ("select repeat('ab', 3)", "ababab"),
            ("select lpad('7', 3, '0')", "007"),
            ("select rpad('7', 3, 'ü')", "7üü"),
            ("select array_to_string(range(1, 5), ',')", "1,2,3,4"),
            ("select sum(x) from (select unnest(generate_series(1, 100000)) x) s", "5000050000"),
            (
                "select count(*) from (select unnest(generate_series(date '2024-01-01', date '2024-12-31', interval '1 day'))) s",
                "366",
            ),
            ("select cardinality(array_repeat('x', 1000))", "1000"),
            ("select octet_length(repeat('x', 10000000))", "10000000"),
            ("select max(octet_length(n_name || '-' || n_comment)) > 10 from sales.nation", "true"),
            ("select min(n_name || null) is null from sales.nation", "true"),
            ("select replace('aXbX', 'X', '--')", "a--b--"),
            ("select octet_length(column1) from (values (repeat('x', 1000)))", "1000"),
            ("select count(*) from sales.nation where n_name = concat('FRA', 'NCE')", "1"),
            ("select count(*) from sales.nation where n_name = 'FRA' || 'NCE'", "1"),
        ] {
            assert_eq!(value(&analyst, sql).await, expected, "{sql}");
        }
        let batches = rows(&analyst, "select n_name || '!' from sales.nation").await.unwrap();
        assert_eq!(batches[0].schema().field(0).name(), "n_name || '!'");
    });
}

#[test]
fn a_result_ends_with_an_error_where_it_has_too_many_rows_or_bytes() {
    run(async {
        let sandbox = lakegate_tests::stack::sandbox(0.001).await.unwrap();
        let limits =
            [("LAKEGATE__ENGINE__MAX_RESULT_ROWS", "100"), ("LAKEGATE__ENGINE__MAX_RESULT_BYTES", "10KiB")];
        let server = start_server(&sandbox, &limits).await;
        let analyst = login(&server, "analyst").await;
        let (code, text) = refusal(&analyst, "select o_orderkey from sales.orders").await;
        assert_eq!(code, Code::ResourceExhausted);
        assert!(text.starts_with("the result has more rows than"), "{text}");
        let (code, text) = refusal(&analyst, "select * from sales.orders limit 100").await;
        assert_eq!(code, Code::ResourceExhausted);
        assert!(text.starts_with("the result is larger than"), "{text}");
        assert_eq!(
            rows(&analyst, "select o_orderkey from sales.orders limit 100").await.unwrap()[0].num_rows(),
            100
        );
        assert_eq!(value(&analyst, "select count(*) from sales.orders").await, "1500");
        assert_eq!(metric(&server, "lakegate_limit_hits_total{limit=\"result_rows\"}").await, 1);
        assert_eq!(metric(&server, "lakegate_limit_hits_total{limit=\"result_bytes\"}").await, 1);
        assert_eq!(metric(&server, "lakegate_limit_hits_total{limit=\"scanned_bytes\"}").await, 0);
    });
}

/// Ten thousand rows, of which one in a hundred is of the north.
fn ledger() -> TableFiles {
    let fields = [field("id", "long"), field("region", "string")];
    let mut table = TableWriter::new(&[plain_protocol(), metadata(&fields, &[], json!({}))]);
    let ids: Vec<i64> = (0..10_000).collect();
    let regions: Vec<&str> = ids.iter().map(|id| if id % 100 == 0 { "north" } else { "south" }).collect();
    let action = table.data("part-0.parquet", &batch(&[("id", longs(&ids)), ("region", strings(&regions))]));
    table.commit(&[action]);
    table.finish()
}

#[test]
fn what_is_hidden_does_not_count_among_the_bytes_that_a_statement_reads() {
    run(async {
        let lake = Lake::start(&[("LAKEGATE__ENGINE__MAX_SCANNED_BYTES", "40KiB")]).await;
        lake.add("ledger", &ledger()).await;
        let north = Granted::Where("region = 'north'".to_owned());
        let shown = Shown { rows: north, columns: Columns::Only(vec!["id".to_owned()]) };
        lake.grant("eu_analyst", "ledger", shown).await;
        let sum = format!("select sum(id) from {DATABASE}.ledger");
        let (code, text) = refusal(&lake.login("analyst").await, &sum).await;
        assert_eq!(code, Code::ResourceExhausted);
        assert!(text.starts_with("the statement reads more bytes"), "{text}");
        assert_eq!(value(&lake.login("eu_analyst").await, &sum).await, "495000");
        assert_eq!(
            value(&lake.login("analyst").await, &format!("select count(*) from {DATABASE}.ledger")).await,
            "10000"
        );
        assert_eq!(metric(&lake.server, "lakegate_limit_hits_total{limit=\"scanned_bytes\"}").await, 1);
    });
}

#[test]
fn explain_analyze_tells_rows_of_operators_and_nothing_of_files() {
    run(async {
        let server = server().await;
        let analyst = login(&server, "analyst").await;
        let plan =
            answer(&analyst, "explain analyze select r_name from sales.region where r_regionkey > 1").await;
        for shown in ["GuardedScanExec: table=sales.region [rows=5", "FilterExec [rows=3"] {
            assert!(plan.contains(shown), "{shown} is not in {plan}");
        }
        let verbose =
            answer(&analyst, "explain verbose select r_name from sales.region where r_regionkey > 1").await;
        for shown in ["TableScan: sales.region", "GuardedScanExec: table=sales.region"] {
            assert!(verbose.contains(shown), "{shown} is not in {verbose}");
        }
        assert!(!verbose.contains("rows="), "{verbose}");
        let both = answer(&analyst, "explain analyze verbose select count(*) from sales.nation").await;
        assert!(both.contains("rows=1") && both.contains("TableScan: sales.nation"), "{both}");
        for text in [&plan, &verbose, &both] {
            for hidden in ["s3:", ".parquet", "lakegate-demo", "partitions", "DataSource", "bytes_scanned"] {
                assert!(!text.contains(hidden), "{hidden} is in {text}");
            }
        }
        let (code, text) =
            refusal(&analyst, "explain analyze select 1 / (r_regionkey - 1) from sales.region").await;
        assert_eq!((code, text.as_str()), (Code::InvalidArgument, "division by zero"));
    });
}

#[test]
fn explain_analyze_of_a_table_with_hidden_parts_is_for_users_whom_the_settings_name() {
    run(async {
        let shared = server().await;
        let statements = [
            "explain analyze select count(*) from hr.employees",
            "explain verbose select name from hr.employees",
            "explain analyze verbose select count(*) from hr.employees a, hr.employees b",
        ];
        let partner = login(&shared, "hr_partner").await;
        for sql in statements {
            let (code, text) = refusal(&partner, sql).await;
            assert_eq!(code, Code::PermissionDenied, "{sql}");
            assert!(text.ends_with("hr.employees"), "{text}");
        }
        let sandbox = lakegate_tests::stack::sandbox(0.001).await.unwrap();
        let named = [("LAKEGATE__ACCESS__EXPLAIN_ANALYZE_USERS", "somebody, hr_partner")];
        let server = start_server(&sandbox, &named).await;
        let partner = login(&server, "hr_partner").await;
        for sql in statements {
            let plan = answer(&partner, sql).await;
            assert!(plan.contains("GuardedScanExec: table=hr.employees"), "{plan}");
            for hidden in ["active", "ssn", "s3:", ".parquet", "country"] {
                assert!(!plan.contains(hidden), "{hidden} is in {plan}");
            }
        }
        let (code, _) = refusal(&login(&server, "support").await, statements[0]).await;
        assert_eq!(code, Code::PermissionDenied);
    });
}
