"""Types announced against types sent, for every operator that brings its operands to one type.

What is announced is the type in which rows are computed: GetFlightInfo, the prepared statement and the stream name the same
one, and the value has not been cut on its way.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import adbc_driver_flightsql.dbapi as flight_sql
import pyarrow as pa
import pyarrow.flight as flight
import pytest
from adbc import connect, direct, prepared
from lake import UNRESTRICTED_USER
from processes import Server
from test_pyarrow_flight import Connection as PlainFlight
from wire import statement

CENTS = Decimal("0.07")
AN_INSTANT = datetime(2024, 5, 1, 10, 30)

COERCING = {
    "UNION ALL": ("select max(v) from (select 1 as v union all select 2.5)", 2.5),
    "UNION": ("select min(v) from (select cast(2 as smallint) as v union select 0.5)", 0.5),
    "UNION of NULL first": ("select max(v) from (select null as v union all select 7)", 7),
    "UNION of a date and a timestamp": (
        "select max(v) from (select date '2024-05-01' as v union all select timestamp '2024-05-01 10:30:00')",
        AN_INSTANT,
    ),
    "EXCEPT": ("select v from (select 2.5 as v except select 1)", 2.5),
    "INTERSECT": ("select v from (select cast(1 as smallint) as v intersect select 1)", 1),
    "VALUES": ("select max(v) from (values (1), (2.5)) t(v)", 2.5),
    "CASE": ("select case when false then 0 else cast('0.07' as decimal(9,2)) end", CENTS),
    "CASE with an operand": ("select case 1 when 2 then 0 else cast('0.07' as decimal(9,2)) end", CENTS),
    "CASE over a table": ("select sum(case when n_nationkey < 0 then 0 else cast('0.07' as decimal(9,2)) end) from sales.nation", 25 * CENTS),
    "COALESCE": ("select coalesce(cast(null as int), cast('0.07' as decimal(9,2)))", CENTS),
    "NVL": ("select nvl(cast(null as smallint), 70000)", 70000),
    "GREATEST": ("select greatest(1, 2.5)", 2.5),
    "LEAST": ("select least(2, 0.5)", 0.5),
    "addition": ("select cast(1 as smallint) + 70000", 70001),
    "multiplication": ("select 2 * cast('0.07' as decimal(9,2))", 2 * CENTS),
    "division": ("select cast('0.07' as decimal(9,2)) / 2", CENTS / 2),
    "a list": ("select [1, 2.5]", [1.0, 2.5]),
    "an aggregate": ("select avg(v) from (values (1), (2)) t(v)", 1.5),
    "a window": ("select max(s) from (select sum(v) over (order by v) as s from (values (1), (2.5)) t(v))", 3.5),
    "lag with a default": ("select min(s) from (select lag(v, 1, 0.5) over (order by v) as s from (values (1.0), (2.0)) t(v))", 0.5),
    "a scalar subquery": ("select (select max(v) from (values (1), (2.5)) t(v)) + 1", 3.5),
}


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[flight_sql.Connection]:
    with connect(server) as connection:
        yield connection


@pytest.fixture(scope="module")
def plain_flight(server: Server) -> PlainFlight:
    return PlainFlight(server, UNRESTRICTED_USER)


@pytest.mark.parametrize("operator", COERCING)
def test_the_announced_type_is_the_one_that_is_sent_and_keeps_the_value(
    connection: flight_sql.Connection, plain_flight: PlainFlight, operator: str
) -> None:
    sql, value = COERCING[operator]
    described = plain_flight.info(statement(sql)).schema
    handle = plain_flight.prepare(sql)
    announced = pa.ipc.read_schema(pa.py_buffer(handle[2]))
    sent = direct(connection, sql)
    assert described.types == announced.types == sent.schema.types == prepared(connection, sql).schema.types
    assert sent.column(0).to_pylist() == [value]
    plain_flight.close(handle[1])


def test_a_parameter_that_is_bound_keeps_the_announced_type(connection: flight_sql.Connection) -> None:
    sql = "select coalesce(n_nationkey, $1) as v from sales.nation where n_nationkey = 7"
    with connection.cursor() as cursor:
        cursor.adbc_prepare(sql)
        cursor.execute(sql, (3,))
        bound = cursor.fetch_arrow_table()
    assert bound.schema.types == direct(connection, sql.replace("$1", "3")).schema.types
    assert bound.column(0).to_pylist() == [7]


def test_get_schema_tells_the_same(plain_flight: PlainFlight) -> None:
    sql = "select 1 as v union all select 2.5"
    command = flight.FlightDescriptor.for_command(statement(sql))
    assert plain_flight.client.get_schema(command, plain_flight.options).schema.types == [pa.float64()]
