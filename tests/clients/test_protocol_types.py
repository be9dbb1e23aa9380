"""Years up to 9999, zones and odd floats where SQL computes with them, not only where they are passed on."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import adbc_driver_flightsql.dbapi as flight_sql
import pyarrow as pa
import pytest
from adbc import connect, direct
from processes import Server

TABLE = "types.every_type"
LAST = datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[flight_sql.Connection]:
    with connect(server) as connection:
        yield connection


def value(connection: flight_sql.Connection, sql: str) -> object:
    return direct(connection, sql)[0][0].as_py()


@pytest.mark.parametrize("literal", ["timestamp '9999-12-31 23:59:59.999999'", "cast('9999-12-31T23:59:59.999999' as timestamp)"])
def test_a_timestamp_may_be_in_any_year_of_four_digits(connection: flight_sql.Connection, literal: str) -> None:
    assert value(connection, f"select {literal}") == LAST


@pytest.mark.parametrize(
    "literal", ["timestamptz '2023-05-15 13:45:30+02:00'", "timestamp with time zone '2023-05-15 13:45:30+02:00'"]
)
def test_a_timestamp_with_a_zone_has_one(connection: flight_sql.Connection, literal: str) -> None:
    table = direct(connection, f"select {literal} as v")
    assert table.schema.field("v").type.tz is not None
    assert table["v"][0].as_py() == datetime.datetime(2023, 5, 15, 11, 45, 30, tzinfo=datetime.timezone.utc)


PREDICATES = {
    "moment < timestamp '9999-12-31 00:00:00'": 4,
    "local_moment < timestamp '9999-12-31 00:00:00'": 4,
    "moment > '9998-01-01 00:00:00'": 1,
    "moment > date '9998-01-01'": 1,
    "date < timestamp '2020-01-01 00:00:00'": 4,
    "date > '9998-01-01'": 1,
    "date_trunc('year', moment) = timestamp '2024-01-01 00:00:00'": 1,
    "cast(date as timestamp) >= local_moment": 1,
    "double = cast('NaN' as double)": 1,
    "float = cast('NaN' as float)": 1,
    "double * 2.0 > 100": 3,
    "double > 1e308 and double <> cast('Infinity' as double)": 2,
    "moment in (timestamp '9999-12-31 23:59:59.999999', date '2024-02-29')": 1,
    "moment < now()": 4,
    "decimal_38_38 < 1": 4,
}


@pytest.mark.parametrize("predicate", PREDICATES)
def test_a_predicate_finds_its_rows(connection: flight_sql.Connection, predicate: str) -> None:
    assert value(connection, f"select count(*) from {TABLE} where {predicate}") == PREDICATES[predicate]


@pytest.mark.parametrize("expression", ["decimal_38_0 + 1", "long + 1", "-long", "byte + byte", "integer * integer"])
def test_an_overflow_is_an_error_and_no_wrong_number(connection: flight_sql.Connection, expression: str) -> None:
    with pytest.raises((flight_sql.Error, pa.ArrowException, OSError), match="overflow"):
        direct(connection, f"select {expression} from {TABLE}")


def test_an_escape_of_a_pattern_is_honoured(connection: flight_sql.Connection) -> None:
    assert value(connection, "select 'a_b' like 'a!_b' escape '!'") is True
    assert value(connection, "select 'axb' like 'a!_b' escape '!'") is False


def test_a_decimal_is_found_by_its_digits(connection: flight_sql.Connection) -> None:
    (salary,) = direct(connection, "select salary from hr.employees order by id limit 1").to_pylist()
    found = direct(connection, f"select count(*) as n from hr.employees where salary = {salary['salary']}")
    assert found["n"].to_pylist() == [1]
    in_range = "select count(*) as n from sales.lineitem where l_discount {}"
    counts = [direct(connection, in_range.format(text))["n"][0].as_py() for text in ("between 0.05 and 0.07", "in (0.05, 0.06, 0.07)")]
    assert counts[0] == counts[1] > 0


TYPE_NAMES = {
    "varbinary": pa.binary(),
    "character varying(20)": pa.string(),
    "char varying": pa.string(),
    "datetime": pa.timestamp("us"),
    "timestamp": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
}


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_types_have_the_names_that_other_engines_give_them(connection: flight_sql.Connection, name: str) -> None:
    assert direct(connection, f"select cast(null as {name}) as v").schema.field("v").type == TYPE_NAMES[name]
