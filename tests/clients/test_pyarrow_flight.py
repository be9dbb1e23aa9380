"""pyarrow.flight: a client of plain Flight, for which a test writes the commands of Flight SQL itself."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.flight as flight
import pytest
from comparison import assert_same, assert_same_schema
from every_type import DATABASE, EMPTY, EXPECTED, FILTERED, SCHEMA, TABLE
from lake import RESTRICTED_USER, UNRESTRICTED_USER
from processes import Server
from wire import message, only, packed, prepared, statement, unpacked

WHOLE = f"select * from {DATABASE}.{TABLE} order by id"


class Connection:
    """A user's login at a server."""

    def __init__(self, server: Server, user: str = UNRESTRICTED_USER) -> None:
        self.client = flight.FlightClient(server.url)
        header = self.client.authenticate_basic_token(user, user)
        self.options = flight.FlightCallOptions(headers=[header])

    def info(self, command: bytes) -> flight.FlightInfo:
        return self.client.get_flight_info(flight.FlightDescriptor.for_command(command), self.options)

    def read(self, command: bytes) -> pa.Table:
        """Reads a result, which has to keep to the schema that was announced for it."""
        info = self.info(command)
        tables = [self.client.do_get(endpoint.ticket, self.options).read_all() for endpoint in info.endpoints]
        for table in tables:
            assert table.schema.equals(info.schema, check_metadata=True)
        return pa.concat_tables(tables)

    def act(self, kind: str, body: bytes = b"") -> list[bytes]:
        return [result.body.to_pybytes() for result in self.client.do_action(flight.Action(kind, body), self.options)]

    def prepare(self, sql: str) -> dict[int, bytes]:
        (answer,) = self.act("CreatePreparedStatement", packed("ActionCreatePreparedStatementRequest", message({1: sql})))
        return {number: only(unpacked(answer), number) for number in (1, 2, 3)}

    def bind(self, handle: bytes, row: pa.RecordBatch) -> bytes:
        """Binds parameters, and returns the handle that holds them."""
        command = flight.FlightDescriptor.for_command(prepared(handle))
        writer, answers = self.client.do_put(command, row.schema, self.options)
        with writer:
            writer.write_batch(row)
            writer.done_writing()
            return only(answers.read().to_pybytes(), 1)

    def close(self, handle: bytes) -> None:
        self.act("ClosePreparedStatement", packed("ActionClosePreparedStatementRequest", message({1: handle})))


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[Connection]:
    connection = Connection(server)
    with connection.client:
        yield connection


def test_every_type_is_equal(connection: Connection) -> None:
    assert_same(connection.read(statement(WHOLE)), EXPECTED)
    assert_same(connection.read(statement(f"select * from {DATABASE}.{EMPTY}")), EXPECTED.slice(0, 0))


def test_every_type_is_equal_below_a_row_filter(server: Server) -> None:
    with (restricted := Connection(server, RESTRICTED_USER)).client:
        assert_same(restricted.read(statement(WHOLE)), FILTERED)


def test_every_type_is_equal_through_a_prepared_statement(connection: Connection) -> None:
    answer = connection.prepare(WHOLE)
    assert_same_schema(pa.ipc.read_schema(pa.py_buffer(answer[2])), SCHEMA)
    assert_same(connection.read(prepared(answer[1])), EXPECTED)
    connection.close(answer[1])


def test_the_schema_alone_is_the_same(connection: Connection) -> None:
    descriptor = flight.FlightDescriptor.for_command(statement(WHOLE))
    assert_same_schema(connection.client.get_schema(descriptor, connection.options).schema, SCHEMA)


def test_a_statement_has_one_endpoint_without_a_location(connection: Connection) -> None:
    info = connection.info(statement("select * from sales.nation"))
    (endpoint,) = info.endpoints
    assert endpoint.locations == []
    assert endpoint.expiration_time is not None
    assert (info.total_records, info.total_bytes) == (-1, -1)
    assert info.app_metadata


def test_a_ticket_may_be_used_again(connection: Connection) -> None:
    ticket = connection.info(statement("select * from sales.nation")).endpoints[0].ticket
    first, second = (connection.client.do_get(ticket, connection.options).read_all() for _ in range(2))
    assert first.num_rows == 25
    assert first.equals(second)


def test_the_old_handle_and_the_new_one_are_both_good_after_binding(connection: Connection) -> None:
    """Java closes the old one, ADBC the new one, and flightsql-dbapi ignores the new one."""
    old = connection.prepare("select n_name from sales.nation where n_nationkey = $1")[1]
    bound = [connection.bind(old, pa.record_batch([[key]], names=["x"])) for key in (6, 7)]
    assert [connection.read(prepared(handle)).to_pydict() for handle in bound] == [
        {"n_name": ["FRANCE"]},
        {"n_name": ["GERMANY"]},
    ]
    for handle in (old, *bound, old, b"never given out"):
        connection.close(handle)


def test_actions_are_listed(connection: Connection) -> None:
    listed = {action.type for action in connection.client.list_actions(connection.options)}
    assert {"CreatePreparedStatement", "ClosePreparedStatement", "SetSessionOptions", "CloseSession"} <= listed


METADATA = {
    "CommandGetCatalogs": b"",
    "CommandGetDbSchemas": b"",
    "CommandGetTables": message({5: True}),
    "CommandGetTableTypes": b"",
    "CommandGetSqlInfo": b"",
    "CommandGetXdbcTypeInfo": b"",
    "CommandGetPrimaryKeys": message({3: "nation"}),
    "CommandGetExportedKeys": message({3: "nation"}),
    "CommandGetImportedKeys": message({3: "nation"}),
    "CommandGetCrossReference": message({3: "nation", 6: "region"}),
}
WITHOUT_ROWS = {"CommandGetPrimaryKeys", "CommandGetExportedKeys", "CommandGetImportedKeys", "CommandGetCrossReference"}


@pytest.mark.parametrize("command", METADATA)
def test_metadata_keeps_to_its_announced_schema(connection: Connection, command: str) -> None:
    table = connection.read(packed(command, METADATA[command]))
    assert (table.num_rows == 0) == (command in WITHOUT_ROWS)


def test_the_schemas_of_tables_are_whole_messages(connection: Connection) -> None:
    filters = message({2: DATABASE, 3: TABLE, 5: True})
    (row,) = connection.read(packed("CommandGetTables", filters)).to_pylist()
    assert pa.ipc.read_schema(pa.py_buffer(row["table_schema"])).names == SCHEMA.names


CALLS = {
    "a path": lambda client, options: client.get_flight_info(flight.FlightDescriptor.for_path("sales"), options),
    "list flights": lambda client, options: list(client.list_flights(options=options)),
    "an unknown action": lambda client, options: list(client.do_action(("Unknown", b""), options)),
}


@pytest.mark.parametrize("call", CALLS)
def test_what_is_no_part_of_flight_sql_is_refused(connection: Connection, call: str) -> None:
    with pytest.raises((flight.FlightError, pa.ArrowException, NotImplementedError)) as caught:
        CALLS[call](connection.client, connection.options)
    assert not isinstance(caught.value, flight.FlightInternalError), caught.value


def test_exchanging_data_is_refused(connection: Connection) -> None:
    descriptor = flight.FlightDescriptor.for_command(statement("select 1"))
    with pytest.raises(NotImplementedError):
        writer, reader = connection.client.do_exchange(descriptor, connection.options)
        with writer:
            reader.read_chunk()
