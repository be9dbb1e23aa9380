"""A small question of well-behaved clients, alone and beside as many hostile ones of one kind after the other.

Hostile clients want all memory, multiply whole tables, send SQL without an end, stop to read, and go away in the midst of an
answer; send text that is hard to parse or to plan, functions that make much of little, patterns made for each row, names that
nobody knows, and descriptions of versions; prepare and set without an end. They begin anew as soon as they are refused. The
ratio of each line is what its kind costs the others: at the most five is what a server owes them.
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
MIXED = "a mix that runs"
LARGE_PATTERN = "'(\\w{1,50}){1,' || cast(o_orderkey % 90 + 1 as varchar) || '}'"

ATTACKS: dict[str, tuple[str, ...]] = {
    MIXED: (
        "select array_agg(a.o_comment || b.o_comment) from sales.orders a cross join sales.orders b",
        "select a.o_comment || b.o_comment as c, count(*) from sales.orders a cross join sales.orders b group by 1 order by 2",
        "select sum(a.o_totalprice * b.o_totalprice) from sales.orders a, sales.orders b, sales.orders c",
        "select " + "(" * 3000 + "1" + ")" * 3000,
        "select 1 where 1 in (" + ",".join(["1"] * 200_000) + ")",
    ),
    "text that is hard to parse": (
        "select count(*) from " + "(" * 40 + "sales.nation" + ")" * 40,
        "select 1 from " + "(" * 215 + "a.b" + ")" * 215,
        "select " + "case when " * 60 + "true" + " then true end" * 60,
    ),
    "text that is hard to plan": (
        "select " + "||".join(["'a'"] * 200),
        "select " + " + ".join(["1"] * 400),
        "select count(*) from sales.nation where " + " or ".join(f"n_nationkey = {number}" for number in range(500)),
        "select count(*) from sales.nation group by cube ("
        + ", ".join(f"n_nationkey + {number}" for number in range(20))
        + ")",
    ),
    "functions that make much of little": (
        "select "
        + ", ".join(f"upper(substr(s, {number + 1})) as c{number}" for number in range(70))
        + " from (select repeat('x', 1000000) as s) t",
        "select cardinality(array_distinct(range(0, 1000000)))",
        "select cardinality(array_intersect(range(0, 1000000), range(0, 1000000)))",
    ),
    "patterns made for each row": (
        f"select count(*) from sales.orders where regexp_like(o_comment, {LARGE_PATTERN})",
        "select max(levenshtein(repeat(a.o_comment, 20), repeat(b.o_comment, 20))) from sales.orders a, sales.orders b",
    ),
    "names that nobody knows": ("select 1 from " + ",".join(f"a.t{number}" for number in range(64)),),
    "descriptions of versions": tuple(
        f"select * from sales.nation version as of {version}" for version in (0, 1, 900, 901, 902)
    ),
    "statements prepared and forgotten": tuple(
        f"select n_name from sales.nation where n_nationkey = {number}" for number in range(5)
    ),
    "settings of sessions": ("set schema = sales", "use hr", "reset schema"),
}
"""By kind, whose name is what its line says. Each line is a turn of the clients of SECONDS_TO_BEGIN more than a quiet one."""

DESCRIBED = ("descriptions of versions", "names that nobody knows")
PREPARED = ("statements prepared and forgotten",)


def run(settings: Settings, lake: Lake, _: Peers, report: Report) -> None:
    server = Server(lake, "hostile", **LIMITS)
    quiet = Outcome()
    beside = {kind: Outcome() for kind in ATTACKS}
    for turn in range(settings.rounds):
        quiet.merge(one_turn(server.url, "analyst", CLIENTS, SMALL))
        for kind in ATTACKS if turn == 0 else (MIXED,):
            with hostile_clients(server.url, kind):
                beside[kind].merge(one_turn(server.url, "analyst", CLIENTS, SMALL))
    for kind, outcome in beside.items():
        failures = quiet.failures + outcome.failures
        note = f"{len(failures)} failed, such as: {failures[0]}" if failures else ""
        for percent in (50, 99) if kind == MIXED else (99,):
            figures = {
                LAKEGATE: in_ms(percentile(outcome.seconds, percent)),
                QUIET: in_ms(percentile(quiet.seconds, percent)),
            }
            what = f"one row beside {CLIENTS} hostile clients, p{percent}" if kind == MIXED else f"beside {kind}, p{percent}"
            report.add("hostile", what, "ms", figures, note)
    server.process.stop()


@contextmanager
def hostile_clients(url: str, kind: str) -> Iterator[None]:
    """They are a process of their own, which is ended at the end: some of them just vanish."""
    child = multiprocessing.get_context("spawn").Process(target=attack, args=(url, kind), daemon=True)
    child.start()
    time.sleep(SECONDS_TO_BEGIN)
    try:
        yield
    finally:
        child.kill()
        child.join()


def attack(url: str, kind: str) -> None:
    threads = [threading.Thread(target=_attacker, args=(url, kind, number), daemon=True) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _attacker(url: str, kind: str, number: int) -> None:
    attacks = ATTACKS[kind]
    turn = number
    while True:
        connection = Connection(url, "eu_analyst")
        try:
            if kind == MIXED and number % 4 == 0:
                with connection.kept.cursor() as cursor:
                    cursor.adbc_statement.set_sql_query(MUCH)
                    _unread = cursor.adbc_statement.execute_query()
                    time.sleep(SECONDS_STOPPED)
            elif kind == MIXED and number % 4 == 1:
                cursor = connection.kept.cursor()
                cursor.adbc_statement.set_sql_query(MUCH)
                cursor.adbc_statement.execute_query()
            elif kind == MIXED:
                connection.rows(attacks[number // 2 % len(attacks)])
            else:
                _repeat(connection, kind, attacks[turn % len(attacks)])
                turn += 1
        except Exception:  # Refused, as it should be.
            time.sleep(0.05)
        finally:
            connection.close()


def _repeat(connection: Connection, kind: str, sql: str) -> None:
    """One thing again and again over one connection, until it is refused: logins are not what is measured here."""
    while True:
        with connection.kept.cursor() as cursor:
            cursor.adbc_statement.set_sql_query(sql)
            if kind in PREPARED:
                cursor.adbc_statement.prepare()
            elif kind in DESCRIBED:
                cursor.adbc_statement.execute_schema()
            else:
                connection.rows(sql)
