"""A small question of well-behaved clients, alone and beside as many hostile ones.

Hostile clients want all memory, multiply whole tables, send SQL without an end, stop to read, and go away in the midst
of an answer. They begin anew as soon as they are refused.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .clients import Outcome
from .concurrency import one_turn
from .driver import Connection
from .lake import Lake, Server
from .measure import in_ms, percentile
from .peers import Peers
from .report import LAKEGATE, Report
from .settings import Settings

CLIENTS = 32
"""Of each kind."""
SMALL = ("select n_name from sales.nation where n_nationkey = 7",)
QUIET = "quiet"
"""The column of the same clients without the others, so that the ratio is what the hostile ones cost."""
SECONDS_TO_BEGIN = 3.0
SECONDS_STOPPED = 5.0

LIMITS = {
    "LAKEGATE__ENGINE__QUERY_MEMORY_LIMIT": "128MiB",
    "LAKEGATE__ENGINE__STATEMENT_TIMEOUT": "20s",
    "LAKEGATE__ENGINE__SPILL_LIMIT": "1GiB",
}

MUCH = "select a.* from sales.orders a cross join sales.orders b"
ATTACKS = (
    "select array_agg(a.o_comment || b.o_comment) from sales.orders a cross join sales.orders b",
    "select a.o_comment || b.o_comment as c, count(*) from sales.orders a cross join sales.orders b group by 1 order by 2",
    "select sum(a.o_totalprice * b.o_totalprice) from sales.orders a, sales.orders b, sales.orders c",
    "select " + "(" * 3000 + "1" + ")" * 3000,
    "select 1 where 1 in (" + ",".join(["1"] * 200_000) + ")",
)


def run(settings: Settings, lake: Lake, _: Peers, report: Report) -> None:
    server = Server(lake, "hostile", **LIMITS)
    quiet, beside = Outcome(), Outcome()
    for _turn in range(settings.rounds):
        quiet.merge(one_turn(server.url, "analyst", CLIENTS, SMALL))
        with hostile_clients(server.url):
            beside.merge(one_turn(server.url, "analyst", CLIENTS, SMALL))
    failures = quiet.failures + beside.failures
    note = f"{len(failures)} failed, such as: {failures[0]}" if failures else ""
    for percent in (50, 99):
        figures = {LAKEGATE: in_ms(percentile(beside.seconds, percent)), QUIET: in_ms(percentile(quiet.seconds, percent))}
        report.add("hostile", f"one row beside {CLIENTS} hostile clients, p{percent}", "ms", figures, note)
    server.process.stop()


@contextmanager
def hostile_clients(url: str) -> Iterator[None]:
    """They are a process of their own, which is ended at the end: some of them just vanish."""
    child = multiprocessing.get_context("spawn").Process(target=attack, args=(url,), daemon=True)
    child.start()
    time.sleep(SECONDS_TO_BEGIN)
    try:
        yield
    finally:
        child.kill()
        child.join()


def attack(url: str) -> None:
    threads = [threading.Thread(target=_attacker, args=(url, number), daemon=True) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _attacker(url: str, number: int) -> None:
    while True:
        connection = Connection(url, "eu_analyst")
        try:
            if number % 4 == 0:
                with connection.kept.cursor() as cursor:
                    cursor.adbc_statement.set_sql_query(MUCH)
                    _unread = cursor.adbc_statement.execute_query()
                    time.sleep(SECONDS_STOPPED)
            elif number % 4 == 1:
                cursor = connection.kept.cursor()
                cursor.adbc_statement.set_sql_query(MUCH)
                cursor.adbc_statement.execute_query()
            else:
                connection.rows(ATTACKS[number // 2 % len(ATTACKS)])
        except Exception:  # Refused, as it should be.
            time.sleep(0.05)
        finally:
            connection.close()
