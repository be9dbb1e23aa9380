"""What the protocol lets a server say about itself and its tables."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.flight as flight
import pytest
from adbc import connect
from lake import UNRESTRICTED_USER
from processes import Server
from wire import message, packed

REMARKS = b"ARROW:FLIGHT:SQL:REMARKS"
TEXT, BOOLEAN, LONG, INTEGER, TEXTS, MAP = range(6)
CHILDREN = {
    TEXT: [0, 1, 2, 504, 513, 529, 530, 531],
    BOOLEAN: [3, 4, 5, 9, 10, 11, 506, 515, 516, 518, 519, 520, 521, 523, 524, 532, 556, 563, 565, 566, 572, 573, 574, 575, 576],
    LONG: [code for code in range(541, 563) if code != 556],
    INTEGER: [8, 100, 101, 503, 505, 507, 522, 525, 526, 528, 533, 534, 535, 538, 540, 564, 567, 568, 569, 570, 571],
    TEXTS: [508, 509, 510, 511, 512],
    MAP: [517],
}
"""By union child, the codes whose values drivers look for there; some read another child without asking."""


@pytest.fixture(scope="module")
def read(server: Server) -> Iterator:
    client = flight.FlightClient(server.url)
    options = flight.FlightCallOptions(headers=[client.authenticate_basic_token(UNRESTRICTED_USER, UNRESTRICTED_USER)])

    def read(command: bytes) -> pa.Table:
        info = client.get_flight_info(flight.FlightDescriptor.for_command(command), options)
        return client.do_get(info.endpoints[0].ticket, options).read_all()

    with client:
        yield read


def test_every_fact_about_the_server_has_the_type_that_drivers_expect(read) -> None:
    told = read(packed("CommandGetSqlInfo")).combine_chunks()
    kinds = dict(zip(told["info_name"].to_pylist(), told["value"].chunk(0).type_codes.to_pylist()))
    expected = {code: child for child, codes in CHILDREN.items() for code in codes}
    assert {code: kinds.get(code) for code in expected} == expected


def test_facts_that_nobody_knows_are_left_out(read) -> None:
    told = read(packed("CommandGetSqlInfo", message({1: [0, 99_999, 3]})))
    assert sorted(told["info_name"].to_pylist()) == [0, 3]


@pytest.mark.xfail(strict=True, reason="the driver passes no comments of columns on")
def test_comments_of_columns_are_told(server: Server, read) -> None:
    (row,) = read(packed("CommandGetTables", message({2: "hr", 3: "employees", 5: True}))).to_pylist()
    schema = pa.ipc.read_schema(pa.py_buffer(row["table_schema"]))
    commented = {field.name: field.metadata[REMARKS] for field in schema if REMARKS in (field.metadata or {})}
    assert commented
    with connect(server) as connection:
        found = connection.adbc_get_objects(depth="columns", db_schema_filter="hr", table_name_filter="employees")
        (catalog,) = found.read_all().to_pylist()
    (table,) = catalog["catalog_db_schemas"][0]["db_schema_tables"]
    remarks = {column["column_name"]: column["remarks"] for column in table["table_columns"] if column["remarks"]}
    assert remarks == {name: text.decode() for name, text in commented.items()}


def test_types_are_told_by_their_standard_number(read) -> None:
    everything = read(packed("CommandGetXdbcTypeInfo"))
    assert everything.num_rows > 10
    one = read(packed("CommandGetXdbcTypeInfo", message({1: 12})))
    assert set(one["data_type"].to_pylist()) == {12}
