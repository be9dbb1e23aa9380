"""`flight_sql_client`, the command line that arrow-flight brings, built by `make clients`.

It prints tables for people, so its output is compared as text; the crate's client itself reads every type in
test_other_languages.py.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest
from lake import RESTRICTED_USER, UNRESTRICTED_USER
from processes import Server

SECONDS = 60

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(server: Server) -> Run:
    """Runs a command as a user, whose password is the user's name."""
    program = os.environ.get("LAKEGATE_FLIGHT_SQL_CLIENT")
    if not program:
        pytest.skip("LAKEGATE_FLIGHT_SQL_CLIENT names no program: use `make clients`")
    host, port = server.address.split(":")

    def run(*command: str, user: str = UNRESTRICTED_USER) -> subprocess.CompletedProcess[str]:
        login = ["--host", host, "--port", port, "--username", user, "--password", user]
        return subprocess.run([program, *login, *command], capture_output=True, text=True, timeout=SECONDS)

    return run


def cells(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
    """The cells of the table that was printed, its head first."""
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_a_statement(run: Run) -> None:
    found = cells(run("statement-query", "select n_nationkey, n_name from sales.nation where n_regionkey = 3 order by 1 limit 2"))
    assert found == [["n_nationkey", "n_name"], ["6", "FRANCE"], ["7", "GERMANY"]]


def test_a_prepared_statement(run: Run) -> None:
    sql = "select n_name from sales.nation where n_nationkey = $1 and n_name like $2"
    found = cells(run("prepared-statement-query", sql, "-p", "$1=6", "-p", "$2=F%"))
    assert found == [["n_name"], ["FRANCE"]]


def test_the_metadata_commands(run: Run) -> None:
    assert cells(run("catalogs"))[1:] == [["awsdatacatalog"]]
    assert ["awsdatacatalog", "sales"] in cells(run("db-schemas", "awsdatacatalog"))
    tables = cells(run("tables", "awsdatacatalog", "--db-schema-filter", "hr"))
    assert [row[2] for row in tables[1:]] == ["departments", "employees"]
    assert cells(run("table-types"))[1:] == [["TABLE"]]


def test_a_user_sees_what_is_granted(run: Run) -> None:
    found = cells(run("statement-query", "select distinct country from hr.employees", user=RESTRICTED_USER))
    assert found == [["country"], ["FR"]]


def test_a_refusal_is_in_the_servers_words(run: Run) -> None:
    done = run("statement-query", "select * from sales.nothing")
    assert done.returncode != 0
    assert "table not found or not granted" in done.stdout + done.stderr
