"""The same tests for clients in other languages, each of which is a small program of this folder.

    <program> <address> <user> query <sql>                  prints the result as an Arrow stream
    <program> <address> <user> prepared <sql> <text>…       the same, with parameters
    <program> <address> <user> rows <sql>                   prints the values as JSON, in JavaScript alone
    <program> <address> <user> browse                       prints what there is as JSON

A program that fails prints the server's words on standard error. What a program prints was decoded and encoded again by
its language's Arrow library, so a value that a client cannot hold does not come out as it was.

Which programs there are follows from the environment, which the Makefile sets; what is missing is skipped and says so.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from comparison import assert_same, assert_same_values
from every_type import DATABASE, EMPTY, EXPECTED, FILTERED, TABLE
from lake import RESTRICTED_USER, STRANGER, UNRESTRICTED_USER
from processes import Server

HERE = Path(__file__).resolve().parent
SECONDS = 120
WHOLE = f"select * from {DATABASE}.{TABLE} order by id"

Program = Callable[..., subprocess.CompletedProcess[bytes]]


def rust(binaries: Path) -> list[str]:
    program = binaries / "lakegate-test-client"
    if not program.exists():
        pytest.skip(f"there is no {program}")
    return [str(program)]


def node(_: Path) -> list[str]:
    program = shutil.which("node")
    if not program:
        pytest.skip("Node is not installed")
    if not os.environ.get("LAKEGATE_NODE_MODULES"):
        pytest.skip("LAKEGATE_NODE_MODULES names no folder with the packages of package.json: use `make clients`")
    return [program, str(HERE / "node" / "client.cjs")]


def java(_: Path) -> list[str]:
    if not os.environ.get("LAKEGATE_JARS"):
        pytest.skip("LAKEGATE_JARS names no folder with the jars of the Java client: use `make test-java`")
    program, compiler = shutil.which("java"), shutil.which("javac")
    if not program:
        pytest.skip("Java is not installed")
    source = HERE / "java" / "FlightSqlProgram.java"
    jars = str(Path(os.environ["LAKEGATE_JARS"]) / "*")
    # Arrow's memory is outside of the heap, which it reaches through private fields.
    run = [program, "--add-opens=java.base/java.nio=ALL-UNNAMED", "-cp"]
    if not compiler:
        return [*run, jars, str(source)]
    classes = tempfile.mkdtemp(prefix="lakegate-java-")
    atexit.register(shutil.rmtree, classes, ignore_errors=True)
    subprocess.run([compiler, "-nowarn", "-d", classes, "-cp", jars, str(source)], check=True, timeout=SECONDS)
    return [*run, f"{classes}{os.pathsep}{jars}", source.stem]


PROGRAMS = {"rust": rust, "node": node, "java": java}


@pytest.fixture(scope="module", params=PROGRAMS)
def language(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def program(language: str, binaries: Path) -> Program:
    """Runs the language's program."""
    command = PROGRAMS[language](binaries)
    return lambda *arguments: subprocess.run([*command, *arguments], capture_output=True, timeout=SECONDS)


def answer(done: subprocess.CompletedProcess[bytes]) -> bytes:
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-4000:]
    return done.stdout


def table(done: subprocess.CompletedProcess[bytes]) -> pa.Table:
    return pa.ipc.open_stream(answer(done)).read_all()


def refusal(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode != 0, done.stdout[:1000]
    return done.stderr.decode(errors="replace")


def assert_equal(language: str, found: pa.Table, expected: pa.Table) -> None:
    if language == "node":
        # Its Arrow library writes no nullability of what is nested.
        assert_same_values(found, expected)
    else:
        assert_same(found, expected)


def test_every_type_is_equal(language: str, program: Program, server: Server) -> None:
    found = table(program(server.address, UNRESTRICTED_USER, "query", WHOLE))
    assert_equal(language, found, EXPECTED)


def test_every_type_is_equal_below_a_row_filter(language: str, program: Program, server: Server) -> None:
    found = table(program(server.address, RESTRICTED_USER, "query", WHOLE))
    assert_equal(language, found, FILTERED)


def test_a_table_without_rows_keeps_its_columns(language: str, program: Program, server: Server) -> None:
    found = table(program(server.address, UNRESTRICTED_USER, "query", f"select * from {DATABASE}.{EMPTY}"))
    assert_equal(language, found, EXPECTED.slice(0, 0))


def test_a_result_of_many_messages_arrives_whole(program: Program, server: Server) -> None:
    found = table(program(server.address, UNRESTRICTED_USER, "query", "select l_orderkey, l_comment from sales.lineitem"))
    counted = table(program(server.address, UNRESTRICTED_USER, "query", "select count(*) as n from sales.lineitem"))
    assert [found.num_rows] == counted["n"].to_pylist()


def test_a_prepared_statement_takes_parameters(language: str, program: Program, server: Server) -> None:
    if language == "node":
        pytest.skip("the Node client sends its prepared statements in a form that is not Flight SQL's")
    sql = "select n_nationkey from sales.nation where n_name = $1 or n_name = $2 order by 1"
    found = table(program(server.address, UNRESTRICTED_USER, "prepared", sql, "FRANCE", "GERMANY"))
    assert found.to_pydict() == {"n_nationkey": [6, 7]}
    without = table(program(server.address, UNRESTRICTED_USER, "prepared", "select r_name from sales.region order by 1 limit 1"))
    assert without.to_pydict() == {"r_name": ["AFRICA"]}


def test_browsing_shows_what_is_granted(program: Program, server: Server) -> None:
    found = json.loads(answer(program(server.address, RESTRICTED_USER, "browse")))
    assert found == {
        "catalogs": ["awsdatacatalog"],
        "databases": ["hr", DATABASE],
        "tables": ["hr.departments", "hr.employees", f"{DATABASE}.{TABLE}"],
        "table_types": ["TABLE"],
        "server": "Lakegate",
    }


def test_refusals_reach_the_client_in_the_servers_words(program: Program, server: Server) -> None:
    refused = {
        "selec 1": "cannot be parsed",
        "select * from sales.nothing": "table not found or not granted: sales.nothing",
        "select 1 / (l_linenumber - 7) from sales.lineitem": "division by zero",
    }
    for sql, words in refused.items():
        assert words in refusal(program(server.address, UNRESTRICTED_USER, "query", sql))
    assert "not found or not granted" in refusal(program(server.address, STRANGER, "query", WHOLE))
    assert "user name or password is wrong" in refusal(program(server.address, "nobody", "query", "select 1"))


def test_a_script_sees_the_values_themselves(binaries: Path, server: Server) -> None:
    """Not only their encoding, which JavaScript could pass on without a look."""
    sql = f"select long, text, boolean, integer_list, wide_struct from {DATABASE}.{TABLE} where id = 3"
    done = subprocess.run([*node(binaries), server.address, UNRESTRICTED_USER, "rows", sql], capture_output=True, timeout=SECONDS)
    (row,) = json.loads(answer(done))
    expected = EXPECTED.slice(2, 1).to_pylist()[0]
    assert [row[name] for name in ("text", "boolean", "integer_list")] == [expected["text"], False, None]
    # Beyond what a double can hold.
    assert row["wide_struct"]["long"] == f"{2**53 + 1}n"
    assert row["wide_struct"]["text"] == expected["wide_struct"]["text"]
