"""Parameters wherever an expression may stand, of every kind that Arrow has, and several rows of them."""

from __future__ import annotations

from collections.abc import Iterator

import adbc_driver_flightsql.dbapi as flight_sql
import pyarrow as pa
import pytest
from adbc import connect, prepared
from every_type import COLUMNS, EXPECTED, PRIMITIVES, Column
from processes import Server

PRIMITIVE = [column for column in COLUMNS if column.name in PRIMITIVES]


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[flight_sql.Connection]:
    with connect(server) as connection:
        yield connection


def row(*values: tuple[object, pa.DataType]) -> pa.RecordBatch:
    columns = [pa.array([value], kind) for value, kind in values]
    return pa.record_batch(columns, names=[str(position) for position in range(len(columns))])


@pytest.mark.parametrize("column", PRIMITIVE, ids=lambda column: column.name)
def test_a_parameter_comes_back_as_the_value_it_was(connection: flight_sql.Connection, column: Column) -> None:
    for value in EXPECTED[column.name]:
        answer = prepared(connection, "select ? as answer", row((value.as_py(), column.type.arrow)))
        assert (answer.schema.types, repr(answer["answer"].to_pylist())) == ([column.type.arrow], repr([value.as_py()]))


SELECTED = {
    "select ? + 1 as answer": 4,
    "select 1 + $1 as answer": 4,
    "select cast(? as bigint) as answer": 3,
    "select n_nationkey + ? as answer from sales.nation where n_name = 'CHINA'": 21,
    "select case when n_nationkey > ? then n_nationkey end as answer from sales.nation where n_name = 'CHINA'": 18,
    "select coalesce(?, n_nationkey) as answer from sales.nation where n_name = 'CHINA'": 3,
    "select max(n_nationkey) - ? as answer from sales.nation": 21,
    "select n_nationkey as answer from sales.nation order by 1 limit 1 offset ?": 3,
}


@pytest.mark.parametrize("sql", SELECTED)
def test_a_parameter_may_stand_wherever_a_value_may(connection: flight_sql.Connection, sql: str) -> None:
    assert prepared(connection, sql, row((3, pa.int64())))["answer"].to_pylist() == [SELECTED[sql]]


@pytest.mark.xfail(strict=True, reason="the engine wants one type for a parameter")
def test_the_same_parameter_may_be_used_twice(connection: flight_sql.Connection) -> None:
    answer = prepared(connection, "select $1 + $1 * $2 as answer", row((3, pa.int64()), (4, pa.int64())))
    assert answer["answer"].to_pylist() == [15]


ENCODED = {
    "dictionary": pa.array(["FRANCE"]).dictionary_encode(),
    "view": pa.array(["FRANCE"], pa.string_view()),
    "large": pa.array(["FRANCE"], pa.large_string()),
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_a_text_may_come_in_any_layout(connection: flight_sql.Connection, encoding: str) -> None:
    parameter = pa.record_batch([ENCODED[encoding]], names=["0"])
    answer = prepared(connection, "select n_nationkey from sales.nation where n_name = ?", parameter)
    assert answer["n_nationkey"].to_pylist() == [6]


def test_several_rows_of_parameters_give_the_rows_of_all_of_them(connection: flight_sql.Connection) -> None:
    rows = pa.record_batch([pa.array([6, 7, 9_999, 6])], names=["0"])
    answer = prepared(connection, "select n_name from sales.nation where n_nationkey = ?", rows)
    assert answer["n_name"].to_pylist() == ["FRANCE", "GERMANY", "FRANCE"]


def test_parameters_are_announced_with_the_types_that_they_are_compared_with(connection: flight_sql.Connection) -> None:
    with connection.cursor() as cursor:
        schema = cursor.adbc_prepare(
            "select 1 from hr.employees where salary > ? and hired_on < ? and active = ? and name like ? and id in (?, ?)"
        )
    assert schema.types[1:] == [pa.date32(), pa.bool_(), pa.string(), pa.int64(), pa.int64()]
    assert pa.types.is_decimal(schema.types[0])
