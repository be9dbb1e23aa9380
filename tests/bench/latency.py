"""Small questions over a kept connection: an unrestricted user, one with row filters, and Sail; from Python and from Rust."""

from __future__ import annotations

from .lake import Lake
from .measure import in_turns, remarks
from .peers import Peers
from .report import LAKEGATE, Report
from .rust import RustConnection
from .settings import Settings

WARM_UPS = 10
REPETITIONS = 100
FILTERED = "row filters"
"""The column of Lakegate's user with row filters. It may see fewer rows, so their numbers are not compared."""

SHAPES = {
    "select 1": "select 1",
    "one row of nation": "select n_name from sales.nation where n_nationkey = 7",
    # A key that exists from scale factor 0.01 on: of 32 numbers in a row, the first 8 are taken.
    "one order by key": "select * from sales.orders where o_orderkey = 30016",
    "aggregate of 25 rows": "select n_regionkey, count(*) as nations, min(n_name) as name"
    " from sales.nation group by n_regionkey order by n_regionkey",
    "join of three tables": "select s_name, n_name, r_name from sales.supplier"
    " join sales.nation on n_nationkey = s_nationkey join sales.region on r_regionkey = n_regionkey"
    " where s_suppkey <= 100 order by s_suppkey limit 5",
}


def run(settings: Settings, lake: Lake, peers: Peers, report: Report) -> None:
    from_python = {LAKEGATE: lake.connect().rows, FILTERED: lake.connect("eu_analyst").rows}
    from_rust = {LAKEGATE: RustConnection(lake.binaries, lake.server.url, "analyst").rows}
    if peers.sail:
        from_python[peers.sail.name] = peers.sail.rows
        from_rust[peers.sail.name] = RustConnection(lake.binaries, peers.sail.url).rows
    for name, sql in SHAPES.items():
        for client, ask in (("", from_python), ("Rust, ", from_rust)):
            tasks = {engine: lambda rows=rows, sql=sql: rows(sql) for engine, rows in ask.items()}
            runs = in_turns(tasks, settings.rounds, REPETITIONS, WARM_UPS)
            note = remarks({engine: run for engine, run in runs.items() if engine != FILTERED or run.failure})
            for percent in (50, 95):
                figures = {engine: run.percentile_ms(percent) for engine, run in runs.items()}
                report.add("latency", f"{name}, {client}p{percent}", "ms", figures, note)
