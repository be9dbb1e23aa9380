//! Operators that keep rows, multiply them, or go through them again and again.

use super::Answer::{Either, Refused, Value};
use super::Who::{NoGrant, RowFiltered, Writer};
use super::{Case, at_once, listed, sql};

pub(in super::super) fn cases() -> Vec<Case> {
    let three = "sales.lineitem a, sales.lineitem b, sales.lineitem c";
    vec![
        sql(
            "a product that is counted",
            Writer,
            Value("15625"),
            "select count(*) from sales.nation a, sales.nation b, sales.nation c",
        ),
        sql(
            "a product of three tables",
            Writer,
            Refused,
            format!("select sum(a.l_quantity * b.l_quantity * c.l_quantity) from {three}"),
        ),
        at_once(
            6,
            "a product of three tables, six times",
            Writer,
            Refused,
            format!("select sum(a.l_quantity * b.l_quantity * c.l_quantity) from {three}"),
        ),
        sql(
            "a product of filtered rows",
            RowFiltered,
            Refused,
            "select sum(a.id * b.id * c.id * d.id) from hr.employees a, hr.employees b, hr.employees c, hr.employees d",
        ),
        sql(
            "a product without a table",
            NoGrant,
            Refused,
            "select sum(a * b * c) from unnest(range(0, 30000)) x(a), unnest(range(0, 30000)) y(b), unnest(range(0, 3000)) z(c)",
        ),
        sql(
            "a product that is sorted",
            Writer,
            Refused,
            "select a.l_comment from sales.lineitem a, sales.lineitem b order by a.l_comment || b.l_comment",
        ),
        sql(
            "a product that is grouped",
            Writer,
            Refused,
            "select count(*) from (select a.l_comment || b.l_comment as s from sales.lineitem a, sales.lineitem b group by 1) t",
        ),
        sql(
            "a product that is distinct",
            Writer,
            Refused,
            "select count(*) from (select distinct a.l_orderkey, b.l_orderkey, a.l_comment from sales.lineitem a, sales.lineitem b) t",
        ),
        sql(
            "a product in a window",
            Writer,
            Refused,
            "select max(n) from (select row_number() over (order by a.l_comment || b.l_comment) as n from sales.lineitem a, sales.lineitem b) t",
        ),
        sql(
            "a product in a union",
            Writer,
            Refused,
            "select count(*) from (select a.l_comment from sales.lineitem a, sales.lineitem b union select b.l_comment || a.l_comment from sales.lineitem a, sales.lineitem b) t",
        ),
        sql(
            "a product that is intersected",
            Writer,
            Refused,
            "select count(*) from (select a.l_comment || b.l_comment from sales.lineitem a, sales.lineitem b intersect select b.l_comment || a.l_comment from sales.lineitem a, sales.lineitem b) t",
        ),
        sql(
            "a join by a comparison",
            Writer,
            Either,
            "select count(*) from sales.lineitem a join sales.lineitem b on a.l_comment < b.l_comment",
        ),
        sql(
            "a join by a pattern",
            Writer,
            Either,
            "select count(*) from sales.lineitem a join sales.lineitem b on a.l_comment like '%' || b.l_comment || '%'",
        ),
        sql(
            "a join by a regular expression",
            Writer,
            Either,
            "select count(*) from sales.lineitem a join sales.lineitem b on a.l_comment ~ b.l_comment",
        ),
        sql(
            "a full join by OR",
            Writer,
            Either,
            "select count(*) from sales.lineitem a full join sales.lineitem b on a.l_orderkey = b.l_orderkey or a.l_partkey < b.l_partkey",
        ),
        sql(
            "a join by one key",
            Writer,
            Refused,
            "select sum(a.l_quantity + b.l_tax) from sales.lineitem a join sales.lineitem b on a.l_linestatus = b.l_linestatus join sales.lineitem c on b.l_linestatus = c.l_linestatus",
        ),
        sql(
            "NOT IN of a table",
            Writer,
            Either,
            "select count(*) from sales.lineitem where l_comment not in (select o_comment || l_comment from sales.orders)",
        ),
        sql(
            "a subquery per row",
            Writer,
            Either,
            "select max((select count(*) from sales.lineitem b where b.l_comment < a.l_comment)) from sales.lineitem a",
        ),
        sql(
            "a series that is joined",
            NoGrant,
            Refused,
            "select count(*) from unnest(range(0, 9000000)) a(x) join unnest(range(0, 9000000)) b(y) on x + y > 3 and x * y < 7",
        ),
        sql(
            "a series that is sorted",
            NoGrant,
            Either,
            "select max(s) from (select cast(x as varchar) || repeat('x', 200) as s from unnest(range(0, 900000)) a(x) order by 1) t",
        ),
        sql(
            "a series that is grouped",
            NoGrant,
            Either,
            "select count(*) from (select x, count(*) from unnest(range(0, 3000000)) a(x) group by 1) t",
        ),
        sql(
            "a window of a long frame",
            Writer,
            Either,
            "select max(s) from (select min(l_comment) over (order by l_orderkey rows between 5000 preceding and 5000 following) as s from sales.lineitem) t",
        ),
        sql(
            "100 windows of a long frame",
            Writer,
            Either,
            format!(
                "select {} from sales.lineitem limit 1",
                listed(
                    100,
                    "max(l_comment || '#') over (order by l_orderkey, # rows between 3000 preceding and 3000 following) as c#",
                    ","
                )
            ),
        ),
        sql(
            "sums of many windows",
            Writer,
            Either,
            format!(
                "select {} from sales.lineitem limit 1",
                listed(
                    60,
                    "sum(l_quantity + #) over (partition by l_partkey % (# + 2) order by l_comment) as c#",
                    ","
                )
            ),
        ),
        sql(
            "array_agg over a frame",
            Writer,
            Refused,
            "select array_agg(l_comment) over (order by l_orderkey) from sales.lineitem",
        ),
        sql(
            "many DISTINCT aggregates of groups",
            Writer,
            Either,
            format!(
                "select l_orderkey, {} from sales.lineitem group by 1",
                listed(50, "count(distinct l_comment || '#') as c#", ",")
            ),
        ),
        sql(
            "grouping sets over rows",
            Writer,
            Either,
            "select count(*) from (select count(*) from sales.lineitem group by cube (l_orderkey, l_partkey, l_suppkey, l_linenumber, l_quantity, l_comment)) t",
        ),
        sql(
            "all rows, all columns, sorted by all",
            Writer,
            Either,
            "select * from sales.lineitem order by l_comment, l_shipdate, l_commitdate, l_receiptdate, l_quantity, l_tax, l_discount limit 10",
        ),
        sql(
            "recursion over a table",
            Writer,
            Either,
            "with recursive r as (select n_nationkey as n from sales.nation union all select r.n + 1 from r, sales.nation) select count(*) from r",
        ),
        sql(
            "an EXPLAIN ANALYZE of a product",
            Writer,
            Either,
            format!("explain analyze select count(a.l_comment || b.l_comment) from {three}"),
        ),
        sql(
            "a text beside many rows",
            Writer,
            Either,
            "select max(octet_length(s || l_comment)) from (select repeat('x', 3000000) as s) a, sales.lineitem",
        ),
        sql(
            "a text that is joined to many rows",
            Writer,
            Either,
            "select max(octet_length(s)) from (select n_nationkey % 1 as k, repeat(n_name, 300000) as s from sales.nation) a join sales.lineitem on k = l_orderkey % 1",
        ),
        sql(
            "CASE that makes one row long",
            Writer,
            Either,
            "select max(octet_length(m)) from (select max(t) over () as m from (select case when l_orderkey = 1 then repeat('x', 3000000) else 'y' end as t from sales.lineitem) q) r",
        ),
    ]
}
