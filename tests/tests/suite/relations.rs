//! Joined columns, set operations, subqueries and windows give the rows that the SQL standard says: NULLs, empty subqueries and rows
//! that occur several times are where engines differ without a word.
//!
//! Each statement stands with all of its rows, as PostgreSQL and DuckDB give them, or with a part of the error.

use arrow::util::display::array_value_to_string;
use lakegate_client::Connection;

use crate::support::{login, rows, run, server};

const ONE_ROW: &str = "!a subquery in the place of a value gives more than one row";

/// Columns that a join by name merges.
const JOINED: &[(&str, &str)] = &[
    (
        "select day from (values (10)) a(day) full join (values (20)) b(day) using (day) order by day",
        "10; 20",
    ),
    (
        "select * from (values (10, 1)) a(day, x) full join (values (20, 2)) b(day, y) using (day) order by day",
        "10|1|; 20||2",
    ),
    ("select * from (values (1, 10)) a(x, day) right join (values (2, 20)) b(y, day) using (day)", "20||2"),
    ("select * from (values (1, 10)) z(x, day) join (values (2, 10)) b(y, day) using (day)", "10|1|2"),
    ("select * from (values (1, 10)) z(x, day) left join (values (2, 20)) b(y, day) using (day)", "10|1|"),
    (
        "select day, z.day, b.day from (values (1, 10)) z(x, day) left join (values (2, 20)) b(y, day) using (day)",
        "10|10|",
    ),
    (
        "select z.*, b.* from (values (1, 10)) z(x, day) natural full join (values (2, 20)) b(y, day) order by 2",
        "1|10||; ||2|20",
    ),
    (
        "select * from (values (1, 1)) a(k, x) full join (values (2, 2)) b(k, y) using (k) full join (values (2, 3), (1, 7)) c(k, z) using (k) order by k",
        "1|1||7; 2||2|3",
    ),
    (
        "select * from (values (1, 1, 5)) a(k, x, j) full join (values (2, 2, 5)) b(k, y, j) using (k, j) order by k",
        "1|5|1|; 2|5||2",
    ),
    (
        "select day, count(*) from (values (10)) z(day) natural full join (values (20), (20)) b(day) group by day order by day",
        "10|1; 20|2",
    ),
    ("select day from (values (10)) z(day) natural full join (values (20)) b(day) where day > 10", "20"),
    (
        "select day + 1 from (values (10)) z(day) full join (values (20)) b(day) using (day) order by day desc",
        "21; 11",
    ),
    (
        "select max(day) over (), day from (values (10)) z(day) full join (values (20)) b(day) using (day) order by 2",
        "20|10; 20|20",
    ),
    (
        "select day from (values (10)) z(day) full join (values (20)) b(day) using (day) group by day having day > 10",
        "20",
    ),
    (
        "select * from ((values (10)) a(day) full join (values (20)) b(day) using (day)) as j order by day",
        "10; 20",
    ),
    (
        "with j as (select * from (values (10)) a(day) full join (values (20)) b(day) using (day)) select sum(day) from j natural join j as k",
        "30",
    ),
    (
        "select * except (x) from (values (1, 10)) a(x, day) full join (values (2, 10)) b(y, day) using (day)",
        "10|2",
    ),
    (
        "select (select count(*) from (values (1)) c(i) full join (values (2)) d(i) using (i) where i > 1) from (values (1)) t(v)",
        "1",
    ),
    (
        "select * from (values (1)) a(k) join (values (1)) b(j) using (k)",
        "!a column of USING is not in both tables",
    ),
    (
        "select 1 from (values (1)) a(k) join (values (1)) b(k) on true join (values (1)) c(k) using (k)",
        "!on one side of the join twice",
    ),
    ("select k from (values (1)) a(k) semi join (values (1)) b(k) using (k)", "!"),
    ("select k from (values (1), (2)) a(k) left semi join (values (1)) b(k) using (k)", "1"),
];

/// Set operations with and without ALL; NULLs are equal.
const SETS: &[(&str, &str)] = &[
    ("(values ('u'), ('u')) except all (values ('u'))", "u"),
    ("select * from ((values (1), (1), (null), (null)) except all (values (1), (null))) order by 1", "1; "),
    (
        "select * from ((values (1), (1), (null), (null)) intersect all (values (1), (1), (null))) order by 1",
        "1; 1; ",
    ),
    ("select * from ((values (1), (1), (null), (null)) except (values (1), (2))) order by 1", ""),
    ("select * from ((values (1), (1), (null), (null)) intersect (values (1), (null))) order by 1", "1; "),
    (
        "select * from ((values (1, 'a'), (1, 'a'), (1, null)) except all (values (1, 'a'), (1, null), (2, 'b'))) order by 1",
        "1|a",
    ),
    (
        "select count(*) from (select n_regionkey from sales.nation except all select r_regionkey from sales.region)",
        "20",
    ),
    (
        "select count(*) from (select n_regionkey from sales.nation intersect all select n_regionkey from sales.nation where n_nationkey < 10)",
        "10",
    ),
    ("select * from (select 1 as v except select 2.5e0)", "1.0"),
    ("select date '2024-05-01' intersect select timestamp '2024-05-01'", "2024-05-01T00:00:00"),
    ("select * from ((values (1), (1), (2)) except all (values (1e0))) order by 1", "1.0; 2.0"),
];

/// An aggregate without groups, or with an empty set of them, has a row; conditions of constants are for that row.
const LONE_ROWS: &[(&str, &str)] = &[
    ("select c from (select 'x' as c, count(*) n from (values (1)) t(v)) q where c < c", ""),
    (
        "select d3.c3 from (select cast(true as varchar) as c3 from (select cast(null as date) as d where false) as a2 group by grouping sets ((a2.d), (a2.d), ())) as d3 where d3.c3 < d3.c3",
        "",
    ),
    ("select count(*) from (values (1)) t(v) having (select false)", ""),
    ("select 1 from (values (1), (2)) t(v) having true", "1"),
    ("select 1 from (values (1), (2)) t(v) having 1 > 2", ""),
];

const GROUPS: &str =
    "with p(g) as (values (1), (2), (3)), q(h, m) as (values (1, 7), (1, null), (2, 5), (2, null)) ";

/// Conditions with subqueries, over the relations of [`GROUPS`].
const CONDITIONS: &[(&str, &str)] = &[
    ("select g from p where 7 not in (select q.m from q where q.h = p.g) order by 1", "3"),
    ("select g from p where 7 in (select q.m from q where q.h = p.g) order by 1", "1"),
    ("select g from p where not (7 in (select q.m from q where q.h = p.g)) order by 1", "3"),
    ("select g from p where (7 in (select q.m from q where q.h = p.g)) is null order by 1", "2"),
    ("select g, 7 in (select q.m from q where q.h = p.g) from p order by 1", "1|true; 2|; 3|false"),
    ("select g, 9 not in (select q.m from q) from p order by 1", "1|; 2|; 3|"),
    ("select g from p where 9 not in (select q.m from q) or g > 2 order by 1", "3"),
    ("select g from p where g not in (select q.m from q where false) order by 1", "1; 2; 3"),
    ("select g from p where nullif(g, 1) not in (select q.h from q where q.h > 2) order by 1", "1; 2; 3"),
    ("select g from p where nullif(g, 1) not in (select q.h from q where q.h = 2) order by 1", "3"),
    ("select g from p where exists (select sum(1) from q where q.h = p.g + 1) order by 1", "1; 2; 3"),
    ("select g from p where not exists (select sum(1) from q where q.h = p.g + 1) order by 1", ""),
    (
        "select g from p where exists (select count(*) from q where q.h = p.g having count(*) = 0) order by 1",
        "3",
    ),
    (
        "select g from p where exists (select count(*) from q where q.h = p.g having count(*) > 1) order by 1",
        "1; 2",
    ),
    ("select g from p where exists (select 1 from q where q.h = p.g offset 1) order by 1", "1; 2"),
    ("select g from p where exists (select 1 from q where q.h = p.g offset 2) order by 1", ""),
    ("select g from p where exists (select 1 from q where q.h = p.g limit 0) order by 1", ""),
    ("select g from p where g - 1 in (select count(m) from q where q.h = p.g) order by 1", "2"),
    ("select g from p where 0 not in (select count(m) from q where q.h = p.g) order by 1", "1; 2"),
    ("select g from p where 7 in (select max(m) over () from q where q.h = p.g) order by 1", "1"),
    (
        "select g from p where 2 in (select row_number() over (order by m) from q where q.h = p.g) order by 1",
        "1; 2",
    ),
    (
        "select g from p where exists (select 1 from q a join q b on a.h = b.h where a.h = p.g and b.m = p.g + 3) order by 1",
        "2",
    ),
    (
        "select g from p where exists (select 1 from q a join q b on a.m = b.m where a.h = p.g and b.h = p.g + 0) order by 1",
        "1; 2",
    ),
    (
        "select g from p where exists (select 1 from q where q.h = p.g union all select 1 from q where q.h = p.g - 1) order by 1",
        "1; 2; 3",
    ),
    ("select g from p where 7 = any (select m from q where q.h = p.g) order by 1", "1"),
    (
        "select g, 6 > any (select m from q where q.h = p.g), 6 > all (select m from q where q.h = p.g) from p order by 1",
        "1||false; 2|true|; 3|false|true",
    ),
    ("select g, 5 <> all (select m from q where q.h = p.g) from p order by 1", "1|; 2|false; 3|true"),
    ("select count(*) filter (where exists (select 1 from q where q.h = p.g)) from p", "2"),
    ("select g from p order by exists (select 1 from q where q.h = p.g), g desc", "3; 2; 1"),
    (
        "select case when exists (select 1 from q where q.h = p.g) then 'y' else 'n' end from p order by g",
        "y; y; n",
    ),
    (
        "select a.g from p a join p b on a.g = b.g and exists (select 1 from q where q.h = b.g) order by 1",
        "1; 2",
    ),
    (
        "select g from p where exists (select 1 from q where q.h = p.g and exists (select 1 from p b where b.g = q.h and p.g < 2)) order by 1",
        "1",
    ),
    ("select g from p where (g, 7) in (select q.h, q.m from q where q.h = p.g) order by 1", "1"),
    ("select g from p where (1, 7) in (select h, m from q) order by 1", "1; 2; 3"),
    ("select g, (g, 5) in (select h, m from q) from p order by 1", "1|; 2|true; 3|false"),
    ("select g from p where (g, 5) not in (select h, m from q) order by 1", "3"),
    ("select (g, count(*)) in (select h, m from q) from p group by g", "!an aggregate or a window function"),
];

/// Subqueries in the place of a value.
const VALUES: &[(&str, &str)] = &[
    ("select g, (select count(*) from q where q.h = p.g) from p order by 1", "1|2; 2|2; 3|0"),
    ("select g, (select count(*) + 1 from q where q.h = p.g) from p order by 1", "1|3; 2|3; 3|1"),
    ("select g, (select coalesce(sum(m), 0) from q where q.h = p.g) from p order by 1", "1|7; 2|5; 3|0"),
    (
        "select g, (select count(*) from q where q.h = p.g having count(*) > 0) from p order by 1",
        "1|2; 2|2; 3|",
    ),
    (
        "select g, (select count(*) from q where q.h = p.g having count(*) < 1) from p order by 1",
        "1|; 2|; 3|0",
    ),
    (
        "select g, (select count(*) from (select count(*) from q where q.h = p.g) z) from p order by 1",
        "1|1; 2|1; 3|1",
    ),
    (
        "select g, (select count(*) from (select distinct h from q where q.h = p.g) z) from p order by 1",
        "1|1; 2|1; 3|0",
    ),
    ("select g, (select q.m from q where q.h = p.g order by m limit 1) from p order by 1", "1|7; 2|5; 3|"),
    ("select g, (select q.m from q where q.h = p.g and m > 0) from p order by 1", "1|7; 2|5; 3|"),
    ("select g, (select q.m from q where q.h = p.g) from p order by 1", ONE_ROW),
    ("select g, (select max(m) from q where q.h < p.g) from p order by 1", "1|; 2|7; 3|7"),
    ("select g, (select max(m) from q where q.h = p.g group by h) from p order by 1", "1|7; 2|5; 3|"),
    ("select g from p where (select count(*) from q where q.h = p.g) = 0", "3"),
    ("select sum((select count(*) from q where q.h = p.g)) from p", "4"),
    ("select (select m from q)", ONE_ROW),
    ("select (select n_nationkey from sales.nation)", ONE_ROW),
    ("select (select 1 where false) is null, coalesce((select 1 where false), 2)", "true|2"),
    (
        "select g, v is null from (select g, (select 1 where p.g = 2) as v from p) s order by 1",
        "1|true; 2|false; 3|true",
    ),
    ("select g, (select p.g + 1) from p order by 1", "1|2; 2|3; 3|4"),
    (
        "select g, l.m from p cross join lateral (select m from q where q.h = p.g order by m desc nulls last limit 1) l order by 1",
        "1|7; 2|5",
    ),
    (
        "select g, l.c from p left join lateral (select count(*) as c from q where q.h = p.g having count(*) > 0) l on true order by 1",
        "1|2; 2|2; 3|",
    ),
    (
        "select g, l.n from p cross join lateral (select row_number() over (order by m) as n from q where q.h = p.g) l order by 1, 2",
        "1|1; 1|2; 2|1; 2|2",
    ),
];

/// Over the table that stands around.
const SAME_TABLE: &[(&str, &str)] = &[
    (
        "select count(*) from sales.nation where n_nationkey = any (select n_nationkey from sales.nation where n_regionkey = 0)",
        "5",
    ),
    (
        "select count(*) from sales.nation where n_nationkey > all (select n_nationkey from sales.nation where n_regionkey = 0)",
        "8",
    ),
    (
        "select count(*) from sales.nation where n_nationkey <> all (select n_nationkey from sales.nation where n_regionkey <> 0)",
        "5",
    ),
    (
        "select count(*) from sales.nation where n_nationkey < any (select n_nationkey from sales.nation where n_regionkey = 0)",
        "16",
    ),
    (
        "select count(*) from sales.nation where n_nationkey not in (select n_nationkey from sales.nation where n_regionkey <> 0)",
        "5",
    ),
    (
        "select count(*) from sales.nation n where (select count(*) from sales.nation m where m.n_regionkey = n.n_regionkey and m.n_nationkey < n.n_nationkey) = 0",
        "5",
    ),
];

/// Windows that ignore NULLs, and frames over them; extremes of NaN.
const WINDOWS: &[(&str, &str)] = &[
    (
        "select k, lead(v, 2) ignore nulls over (order by k desc), sum(v) over (order by k rows between 1 following and unbounded following) from (values (0, 9), (1, 5), (2, null), (3, 7), (4, 2), (5, null), (6, 4), (7, 2)) t(k, v) order by k",
        "0||20; 1||15; 2|9|15; 3|9|8; 4|5|6; 5|7|6; 6|7|2; 7|2|",
    ),
    (
        "select k, lead(v, 2) ignore nulls over (partition by p order by k desc rows between 1 following and unbounded following) from (values (0, 1, 1), (1, 0, 1), (2, 1, null), (3, 1, 8), (4, 0, 4), (5, 1, 0), (6, 1, 0), (7, 0, 4), (8, 1, 6), (9, 0, 7)) t(k, p, v) order by k",
        "0|; 1|; 2|; 3|; 4|; 5|1; 6|8; 7|1; 8|0; 9|4",
    ),
    (
        "select k, first_value(v) ignore nulls over w, last_value(v) ignore nulls over w, nth_value(v, 2) ignore nulls over w from (values (1, 1), (2, null), (3, 3), (4, null), (5, 9)) t(k, v) window w as (order by k rows between 1 preceding and 1 following) order by k",
        "1|1|1|; 2|1|3|3; 3|3|3|; 4|3|9|9; 5|9|9|",
    ),
    (
        "select k, count(*) over (order by k nulls first range between unbounded preceding and 1 following), count(*) over (order by k nulls last range between 1 preceding and unbounded following) from (values (1), (2), (null), (null), (5)) t(k) order by k nulls last",
        "1|4|5; 2|4|5; 5|5|3; |2|2; |2|2",
    ),
    (
        "select v, max(x), min(x) from (values ('a', 1e0), ('a', cast('nan' as double)), ('b', 'nan'), ('b', 2e0), ('c', 'inf'), ('d', '-inf')) t(v, x) group by v order by 1",
        "a|NaN|1.0; b|NaN|2.0; c|inf|inf; d|-inf|-inf",
    ),
];

/// What a user sees of the rows that another one does not have.
const OF_TABLES: &[(&str, &str)] = &[
    (
        "select count(*) - (select count(*) from sales.customer) from (select c_custkey from sales.customer intersect all select c_custkey from sales.customer)",
        "0",
    ),
    (
        "select count(*) from (select c_nationkey from sales.customer except all select c_nationkey from sales.customer)",
        "0",
    ),
    (
        "select count(*) from sales.customer c where c_custkey not in (select o_custkey from sales.orders o where o.o_custkey = c.c_custkey) and exists (select 1 from sales.orders o where o.o_custkey = c.c_custkey)",
        "0",
    ),
    (
        "select count(*) - (select count(*) from sales.customer) from (select c_custkey, exists (select 1 from sales.orders o where o.o_custkey = c_custkey limit 1) as e from sales.customer)",
        "0",
    ),
    (
        "select count(*) from (select c_custkey, (select o_orderkey from sales.orders o where o.o_custkey = c_custkey order by o_orderkey limit 1) as f, (select min(o_orderkey) from sales.orders o where o.o_custkey = c_custkey) as g from sales.customer) where f is distinct from g",
        "0",
    ),
    (
        "select count(*) - (select count(*) from sales.customer) from sales.customer a full join sales.customer b using (c_custkey) where c_custkey is not null",
        "0",
    ),
];

async fn all_rows(connection: &Connection, sql: &str) -> String {
    let batches = match rows(connection, sql).await {
        Ok(batches) => batches,
        Err(error) => return format!("!{error}"),
    };
    let mut found = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter().map(|column| array_value_to_string(column, row).unwrap());
            found.push(values.collect::<Vec<_>>().join("|"));
        }
    }
    found.join("; ")
}

fn check(user: &str, prefix: &str, statements: &[(&str, &str)]) {
    run(async {
        let connection = login(&*server().await, user).await;
        let mut wrong = Vec::new();
        for (sql, expected) in statements {
            let found = all_rows(&connection, &format!("{prefix}{sql}")).await;
            let is_right = match expected.strip_prefix('!') {
                Some(words) => found.starts_with('!') && found.contains(words),
                None => found == *expected,
            };
            if !is_right {
                wrong.push(format!("{user}: {prefix}{sql}: {found}, not {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn joins_by_name_merge_their_columns() {
    check("analyst", "", JOINED);
}

#[test]
fn set_operations_count_rows() {
    check("analyst", "", SETS);
}

#[test]
fn conditions_know_true_false_and_null() {
    check("analyst", "", LONE_ROWS);
    check("analyst", GROUPS, CONDITIONS);
}

#[test]
fn a_subquery_in_the_place_of_a_value_has_one_row() {
    check("analyst", GROUPS, VALUES);
}

#[test]
fn a_subquery_may_read_the_table_around_it() {
    check("analyst", "", SAME_TABLE);
}

#[test]
fn windows_ignore_nulls_and_know_nan() {
    check("analyst", "", WINDOWS);
}

#[test]
fn the_same_holds_where_rows_are_hidden() {
    check("analyst", "", OF_TABLES);
    check("eu_analyst", "", OF_TABLES);
}
