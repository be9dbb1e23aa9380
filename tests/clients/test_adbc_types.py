"""All data types through the ADBC driver: as results, and as parameters."""

from __future__ import annotations

from collections.abc import Iterator

import adbc_driver_flightsql.dbapi as flight_sql
import every_type
import pyarrow as pa
import pytest
from adbc import connect, direct, prepared
from comparison import assert_same, assert_same_schema, described
from every_type import COLUMNS, DATABASE, EMPTY, EXPECTED, FILTERED, SCHEMA, TABLE, Column
from lake import HIDDEN_COLUMN_USER, RESTRICTED_USER
from processes import Server

WHOLE = f"select * from {DATABASE}.{TABLE}"
IN_ORDER = f"{WHOLE} order by id"

PRIMITIVE = [column for column in COLUMNS if column.name in every_type.PRIMITIVES]


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[flight_sql.Connection]:
    with connect(server) as connection:
        yield connection


def test_a_whole_table_is_equal(connection: flight_sql.Connection) -> None:
    assert_same(prepared(connection, WHOLE).sort_by("id"), EXPECTED)


def test_a_whole_table_is_equal_without_preparing(connection: flight_sql.Connection) -> None:
    assert_same(direct(connection, IN_ORDER), EXPECTED)


def test_a_table_without_rows_keeps_its_types(connection: flight_sql.Connection) -> None:
    assert_same(direct(connection, f"select * from {DATABASE}.{EMPTY}"), EXPECTED.slice(0, 0))


def test_a_row_filter_leaves_the_same_values_of_every_type(server: Server) -> None:
    with connect(server, RESTRICTED_USER) as connection:
        assert_same(direct(connection, IN_ORDER), FILTERED)


def test_a_column_grant_leaves_the_same_values(server: Server) -> None:
    with connect(server, HIDDEN_COLUMN_USER) as connection:
        assert_same(direct(connection, IN_ORDER), EXPECTED.select(["id", "text"]))


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_column_of_a_subquery_is_equal(connection: flight_sql.Connection, column: Column) -> None:
    sql = f'select "{column.name}" from (select * from {DATABASE}.{TABLE} where id between 2 and 7) order by id'
    sql = sql.replace("select *", f'select id, "{column.name}"') if column.name != "id" else sql
    assert_same(direct(connection, sql), EXPECTED.select([column.name]).slice(1, 6))


@pytest.mark.parametrize("column", PRIMITIVE, ids=lambda column: column.name)
def test_a_value_that_was_read_finds_its_row_as_a_parameter(connection: flight_sql.Connection, column: Column) -> None:
    sql = f'select id from {DATABASE}.{TABLE} where "{column.name}" = ? order by id'
    for row, value in enumerate(EXPECTED[column.name]):
        if value.as_py() is None or value.as_py() != value.as_py():
            continue  # NULL equals nothing, and whether NaN does is not a matter of the driver.
        parameter = pa.record_batch([pa.array([value.as_py()], column.type.arrow)], names=["0"])
        assert row + 1 in prepared(connection, sql, parameter)["id"].to_pylist(), value


def test_the_schema_is_the_same_wherever_it_is_asked_for(connection: flight_sql.Connection) -> None:
    with connection.cursor() as cursor:
        assert_same_schema(cursor.adbc_execute_schema(WHOLE), SCHEMA)
        assert_same_schema(cursor.adbc_prepare(WHOLE) or pa.schema([]), pa.schema([]))
        cursor.execute(WHOLE)
        assert_same_schema(cursor.fetch_record_batch().schema, SCHEMA)


def test_the_catalog_tells_the_same_types(connection: flight_sql.Connection) -> None:
    """It knows them from Glue, which cannot say that a column is never NULL."""
    found = connection.adbc_get_table_schema(TABLE, db_schema_filter=DATABASE)
    assert found.names == SCHEMA.names
    assert [loose(field.type) for field in found] == [loose(field.type) for field in SCHEMA]


def loose(kind: pa.DataType) -> str:
    """A type without nullability."""
    return described(pa.field("", kind)).replace(" not null", "")
