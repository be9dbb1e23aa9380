"""What a row filter costs that Lake Formation demands, beside the same filter written by hand.

The restricted user's filters are asked from Lake Formation. The unrestricted user sends the same query with every
filtered table replaced by a selection from it, which the optimiser may treat as it likes.

And what the guard costs a user from whom nothing is hidden: scans beside the bare engine over the same files, which asks
nobody, has no wire, and reads from the local disk.
"""

from __future__ import annotations

from .lake import SALES, Lake
from .measure import in_turns, remarks
from .peers import DataFusion, Peers
from .report import LAKEGATE, Report
from .settings import Settings
from .tpch import queries

USER = "eu_analyst"
BY_HAND = "by hand"
REPETITIONS = 20
"""Of each round, question by question in turn, because the machine's speed changes within seconds."""

TPCH = ("q02", "q11", "q13", "q16", "q22")
"""Those that ask for no table that the user may not read."""

LOOKUPS = {
    "one order by key": "select * from sales.orders where o_orderkey = 30016",
    "customers of a nation": "select c_custkey, c_name, c_acctbal from sales.customer where c_nationkey = 7",
    "orders of a day": "select count(*) as orders, sum(o_totalprice) as total"
    " from sales.orders where o_orderdate = date '1995-03-15'",
}

OPEN = {
    "all of lineitem, unrestricted": "select sum(l_quantity), sum(l_extendedprice), max(l_comment) from sales.lineitem",
    "groups of lineitem, unrestricted": "select l_shipmode, count(*), sum(l_extendedprice * (1 - l_discount)) from sales.lineitem"
    " group by l_shipmode",
    "a month of lineitem, unrestricted": "select sum(l_extendedprice * l_discount) from sales.lineitem"
    " where l_shipdate >= date '1995-03-01' and l_shipdate < date '1995-04-01'",
    "all of orders, unrestricted": "select o_orderpriority, count(*), max(o_totalprice) from sales.orders group by o_orderpriority",
}
"""Tables of which the user sees everything."""


def run(settings: Settings, lake: Lake, peers: Peers, report: Report) -> None:
    filters = lake.row_filters(USER, SALES)
    restricted, unrestricted = lake.connect(USER), lake.connect()
    texts = queries(settings.scale_factor)
    for name, sql in ({name: texts[name] for name in TPCH} | LOOKUPS).items():
        by_hand = written_out(sql, filters)
        tasks = {LAKEGATE: lambda sql=sql: restricted.rows(sql), BY_HAND: lambda sql=by_hand: unrestricted.rows(sql)}
        runs = in_turns(tasks, settings.rounds * REPETITIONS)
        report.add("guard", name, "ms", {engine: run.median_ms() for engine, run in runs.items()}, remarks(runs))
    bare = peers.started.get(DataFusion.name)
    for name, sql in OPEN.items() if bare else ():
        tasks = {LAKEGATE: lambda sql=sql: unrestricted.rows(sql), DataFusion.name: lambda sql=sql: bare.rows(sql)}
        runs = in_turns(tasks, settings.rounds * REPETITIONS)
        report.add("guard", name, "ms", {engine: run.median_ms() for engine, run in runs.items()}, remarks(runs))
    restricted.close()
    unrestricted.close()


def written_out(sql: str, filters: dict[str, str]) -> str:
    """The query with every filtered table replaced by its visible rows."""
    for table, condition in filters.items():
        name = f"{SALES}.{table}"
        words = sql.split(name)
        sql = words[0]
        for rest in words[1:]:
            is_longer_name = rest[:1].isalnum() or rest[:1] == "_"
            sql += (name if is_longer_name else f"(select * from {name} where {condition})") + rest
    return sql
