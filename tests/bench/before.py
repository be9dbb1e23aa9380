"""This server beside the one of an earlier commit, in front of the same lake: what a change has cost, or saved.

A figure of another run is no figure to compare with: machines slow down and speed up. Here both answer in turns.
"""

from __future__ import annotations

from .lake import Lake, Server
from .latency import REPETITIONS, SHAPES, WARM_UPS
from .measure import Run, in_turns, remarks
from .peers import Peers
from .report import LAKEGATE, Report
from .settings import Settings
from .streaming import SQL as ALL_ROWS
from .tpch import add_total, queries

BEFORE = "before"
USERS = {"": "analyst", ", row filters": "eu_analyst"}
CONSTANTS = ", ".join(str(number) for number in range(5_000))
LONG_TO_PLAN = {
    "5,000 constants in a list": f"select count(*) from sales.nation where n_nationkey in ({CONSTANTS})",
    "a sum of 200 columns": "select " + " + ".join(["n_nationkey"] * 200) + " from sales.nation",
    "100 aggregates": "select "
    + ", ".join(f"sum(n_nationkey + {number}) as s{number}" for number in range(100))
    + " from sales.nation",
}


def run(settings: Settings, lake: Lake, peers: Peers, report: Report) -> None:
    if settings.before is None:
        report.add("before", "the section", note="LAKEGATE_BENCH_BEFORE names no folder with an earlier lakegate-server")
        return
    servers = {LAKEGATE: Server(lake, "server-now"), BEFORE: Server(lake, "server-before", settings.before)}
    for words, user in USERS.items():
        connections = {engine: server.connect(user) for engine, server in servers.items()}

        def ask(sql: str, repetitions: int = 1, warm_ups: int = 1, connections=connections) -> dict[str, Run]:
            tasks = {engine: lambda each=each: each.rows(sql) for engine, each in connections.items()}
            return in_turns(tasks, settings.rounds, repetitions, warm_ups)

        for name, sql in (SHAPES | LONG_TO_PLAN).items():
            runs = ask(sql, REPETITIONS, WARM_UPS)
            for percent in (50, 95):
                figures = {engine: run.percentile_ms(percent) for engine, run in runs.items()}
                report.add("before", f"{name}{words}, p{percent}", "ms", figures, remarks(runs))
        runs = ask(ALL_ROWS)
        medians = {engine: run.median_ms() for engine, run in runs.items()}
        report.add("before", f"all of lineitem{words}", "ms", medians, remarks(runs))
        all_runs = []
        for name, sql in queries(settings.scale_factor).items():
            runs = ask(sql)
            medians = {engine: run.median_ms() for engine, run in runs.items()}
            report.add("before", f"{name}{words}", "ms", medians, remarks(runs))
            all_runs.append(runs)
        add_total(all_runs, list(servers), report, "before", f"total of medians{words}")
    for server in servers.values():
        server.process.stop()
