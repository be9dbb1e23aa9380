"""Literals, casts and small statements: which Arrow type and value each of them has, prepared and not."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import adbc_driver_flightsql.dbapi as flight_sql
import pyarrow as pa
import pytest
from adbc import connect, direct, prepared
from processes import Server

LITERALS: dict[str, tuple[pa.DataType, Any]] = {
    "true": (pa.bool_(), True),
    "cast(1 as tinyint)": (pa.int8(), 1),
    "cast(-32768 as smallint)": (pa.int16(), -32768),
    "cast(1 as int)": (pa.int32(), 1),
    "9223372036854775807": (pa.int64(), 2**63 - 1),
    "cast(1.5 as real)": (pa.float32(), 1.5),
    "cast(1.5 as double)": (pa.float64(), 1.5),
    "cast('-1.50' as decimal(10, 2))": (pa.decimal128(10, 2), Decimal("-1.50")),
    "cast('0.1' as decimal(38, 38))": (pa.decimal128(38, 38), Decimal("0.1" + "0" * 37)),
    "'text'": (pa.string(), "text"),
    "''": (pa.string(), ""),
    "'it''s 世界 🚀'": (pa.string(), "it's 世界 🚀"),
    "cast('text' as varchar(10))": (pa.string(), "text"),
    "X'0001ff'": (pa.binary(), b"\x00\x01\xff"),
    "date '0001-01-01'": (pa.date32(), datetime.date(1, 1, 1)),
    "cast('9999-12-31' as date)": (pa.date32(), datetime.date(9999, 12, 31)),
    "null": (pa.null(), None),
    "cast(null as int)": (pa.int32(), None),
    "cast(null as decimal(5, 2))": (pa.decimal128(5, 2), None),
    "arrow_cast('a', 'Utf8View')": (pa.string(), "a"),
    "arrow_cast('a', 'Dictionary(Int32, Utf8)')": (pa.string(), "a"),
}


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[flight_sql.Connection]:
    with connect(server) as connection:
        yield connection


@pytest.mark.parametrize("run", [direct, prepared])
@pytest.mark.parametrize("literal", LITERALS)
def test_a_literal_has_its_type_and_value(connection: flight_sql.Connection, literal: str, run: Any) -> None:
    kind, value = LITERALS[literal]
    table = run(connection, f"select {literal} as v")
    assert (table.schema.field("v").type, table["v"].to_pylist()) == (kind, [value])


STATEMENTS: dict[str, list[tuple[Any, ...]]] = {
    "values (1, 'a'), (2, 'b')": [(1, "a"), (2, "b")],
    "select 1 as one where false": [],
    "select 1 as one;": [(1,)],
    "/* before */ select 1 as one -- after": [(1,)],
    "with t as (select 1 as a) select * from t union all select 2": [(1,), (2,)],
    "select n_regionkey, count(*) as n from sales.nation group by 1 order by 1 limit 2": [(0, 5), (1, 5)],
    "select count(*), min(n_name), max(n_nationkey) from sales.nation": [(25, "ALGERIA", 24)],
    "select count(*), min(n_name) from sales.nation where n_nationkey < 0": [(0, None)],
    "select N_NAME from SALES.NATION where N_NATIONKEY = 6": [("FRANCE",)],
    'select "n_name" from "awsdatacatalog"."sales"."nation" where n_name like \'F%\'': [("FRANCE",)],
    "select r_name, row_number() over (order by r_name) from sales.region order by 1 limit 1": [("AFRICA", 1)],
    "select n_name from sales.nation n join sales.region r on n_regionkey = r_regionkey where r_name = 'ASIA' order by 1 limit 1": [("CHINA",)],
    "select table_name from information_schema.tables where table_schema = 'hr' order by 1": [("departments",), ("employees",)],
    "select column_name from information_schema.columns where table_schema = 'sales' and table_name = 'region' order by ordinal_position": [
        ("r_regionkey",), ("r_name",), ("r_comment",),
    ],
}  # fmt: skip


@pytest.mark.parametrize("run", [direct, prepared])
@pytest.mark.parametrize("sql", STATEMENTS, ids=lambda sql: sql[:50])
def test_a_statement_gives_its_rows(connection: flight_sql.Connection, sql: str, run: Any) -> None:
    table = run(connection, sql)
    # Statements without an order have few rows, and a UNION of constants is not sorted.
    assert sorted(zip(*(column.to_pylist() for column in table.columns)), key=str) == sorted(STATEMENTS[sql], key=str)


def test_the_schema_of_a_statement_is_told_without_running_it(connection: flight_sql.Connection) -> None:
    with connection.cursor() as cursor:
        schema = cursor.adbc_execute_schema("select n_nationkey + 1, n_name from sales.nation")
    assert schema.types == [pa.int64(), pa.string()]
