"""The life of a query beside its rows: polling, cancelling, renewing, dividing, compressing, and who else is served."""

from __future__ import annotations

import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator

import grpc
import pyarrow as pa
import pytest
from adbc import connect, direct
from adbc_driver_flightsql import DatabaseOptions
from comparison import assert_same
from every_type import DATABASE, EXPECTED, TABLE
from lake import RESTRICTED_USER, UNRESTRICTED_USER
from processes import Server
from wire import Client, FlightInfo, descriptor, fields, message, only, packed, prepared, statement, unpacked

HEADER = DatabaseOptions.RPC_CALL_HEADER_PREFIX.value
MANY_ROWS = "select a.l_comment from sales.lineitem a cross join sales.lineitem b"
NATIONS = "select n_nationkey, n_name from sales.nation"
CANCELLED, CANCELLING = 1, 2
SERVING = 1
SECONDS_FOR_OTHERS = 30


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.address, UNRESTRICTED_USER) as client:
        yield client


def refusal(call: Callable[[], object]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code()


def table_of(messages: list[bytes]) -> pa.Table:
    """Decodes a stream of FlightData."""
    encoded = b""
    for each in messages:
        found = fields(each)
        header = found.get(2, [b""])[0]
        padded = header + b"\0" * (-len(header) % 8)
        encoded += b"\xff\xff\xff\xff" + len(padded).to_bytes(4, "little") + padded + found.get(1000, [b""])[0]
    return pa.ipc.open_stream(encoded).read_all()


def test_polling_ends_with_the_whole_answer(client: Client) -> None:
    polled = fields(client.unary("PollFlightInfo", descriptor(statement(NATIONS))))
    for _ in range(100):
        if 2 not in polled:
            break
        polled = fields(client.unary("PollFlightInfo", polled[2][0]))
    assert 2 not in polled, "the query is never complete"
    (ticket,) = FlightInfo.of(polled[1][0]).tickets
    assert table_of(list(client.get(ticket))).num_rows == 25


def test_polling_a_prepared_statement(client: Client) -> None:
    command = prepared(client.prepare(NATIONS))
    assert only(client.unary("PollFlightInfo", descriptor(command)), 1)


def test_polling_tells_what_is_wrong(client: Client) -> None:
    assert refusal(lambda: client.unary("PollFlightInfo", descriptor(statement("selec 1")))) is grpc.StatusCode.INVALID_ARGUMENT
    missing = descriptor(statement("select * from sales.nothing"))
    assert refusal(lambda: client.unary("PollFlightInfo", missing)) is grpc.StatusCode.NOT_FOUND


def test_cancelling_by_its_info_ends_a_running_query(client: Client) -> None:
    info = client.flight_info(statement(MANY_ROWS))
    stream = client.get(info.tickets[0])
    next(stream)
    (answer,) = client.act("CancelFlightInfo", message({1: info.encoded}))
    assert only(answer, 1) in (CANCELLED, CANCELLING)
    assert refusal(lambda: list(stream)) is grpc.StatusCode.CANCELLED


def test_cancelling_in_the_older_way(client: Client) -> None:
    info = client.flight_info(statement(MANY_ROWS))
    stream = client.get(info.tickets[0])
    next(stream)
    (answer,) = client.act("CancelQuery", packed("ActionCancelQueryRequest", message({1: info.encoded})))
    assert only(unpacked(answer), 1) in (CANCELLED, CANCELLING)
    assert refusal(lambda: list(stream)) is grpc.StatusCode.CANCELLED


def test_nobody_cancels_the_query_of_another(server: Server, client: Client) -> None:
    info = client.flight_info(statement(MANY_ROWS))
    stream = client.get(info.tickets[0])
    next(stream)
    with Client(server.address, RESTRICTED_USER) as other:
        try:
            (answer,) = other.act("CancelFlightInfo", message({1: info.encoded}))
            assert fields(answer).get(1, [0])[0] not in (CANCELLED, CANCELLING)
        except grpc.RpcError as error:
            assert error.code() in {
                grpc.StatusCode.NOT_FOUND,
                grpc.StatusCode.PERMISSION_DENIED,
                grpc.StatusCode.INVALID_ARGUMENT,
            }
    for _ in range(50):
        next(stream)
    stream.cancel()


def test_a_renewed_endpoint_gives_the_same_rows(client: Client) -> None:
    info = client.flight_info(statement(NATIONS + " order by 1"))
    (renewed,) = client.act("RenewFlightEndpoint", message({1: info.endpoints[0]}))
    assert 3 in fields(renewed), "no expiration time"
    tables = [table_of(list(client.get(only(only(endpoint, 1), 1)))) for endpoint in (info.endpoints[0], renewed)]
    assert tables[0].equals(tables[1])


def test_nobody_renews_the_endpoint_of_another(server: Server, client: Client) -> None:
    info = client.flight_info(statement("select * from hr.employees"))
    with Client(server.address, RESTRICTED_USER) as other:
        refused = refusal(lambda: other.act("RenewFlightEndpoint", message({1: info.endpoints[0]})))
    assert refused in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT}


def test_all_actions_are_listed(client: Client) -> None:
    listed = {only(each, 1).decode() for each in client.stream("ListActions", b"")}
    assert {"CancelFlightInfo", "CancelQuery", "RenewFlightEndpoint", "SetSessionOptions", "GetSessionOptions"} <= listed


def test_a_result_is_divided_when_the_client_asks_for_it(client: Client) -> None:
    info = client.flight_info(statement(NATIONS), headers=(("x-lakegate-endpoints", "4"),))
    assert len(info.endpoints) > 1
    assert not info.ordered
    parts = [table_of(list(client.get(ticket))) for ticket in info.tickets]
    whole = table_of(list(client.get(client.flight_info(statement(NATIONS)).tickets[0])))
    assert Counter(map(str, pa.concat_tables(parts).to_pylist())) == Counter(map(str, whole.to_pylist()))


def test_a_divided_result_of_every_type_is_equal(server: Server) -> None:
    with connect(server, **{f"{HEADER}x-lakegate-endpoints": "3"}) as connection:
        assert_same(direct(connection, f"select * from {DATABASE}.{TABLE}").sort_by("id"), EXPECTED)


def test_partitions_of_adbc(server: Server) -> None:
    with connect(server, **{f"{HEADER}x-lakegate-endpoints": "3"}) as connection, connection.cursor() as cursor:
        partitions, _ = cursor.adbc_execute_partitions(NATIONS)
        assert len(partitions) > 1
        rows = 0
        for partition in partitions:
            cursor.adbc_read_partition(partition)
            rows += cursor.fetch_arrow_table().num_rows
    assert rows == 25


@pytest.mark.parametrize("sql", [NATIONS + " order by 1", NATIONS + " limit 3", "select count(*) from sales.nation"])
def test_what_cannot_be_divided_is_not(client: Client, sql: str) -> None:
    info = client.flight_info(statement(sql), headers=(("x-lakegate-endpoints", "4"),))
    assert len(info.endpoints) == 1
    assert info.ordered == ("order by" in sql)


@pytest.mark.parametrize("value", ["0", "-1", "many", "1000000"])
def test_a_number_of_endpoints_that_is_none_is_refused(client: Client, value: str) -> None:
    headers = (("x-lakegate-endpoints", value),)
    assert refusal(lambda: client.flight_info(statement(NATIONS), headers)) is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_rows_are_equal(server: Server, client: Client, codec: str) -> None:
    whole = f"select * from {DATABASE}.{TABLE} order by id"
    with connect(server, **{f"{HEADER}x-lakegate-compression": codec}) as connection:
        assert_same(direct(connection, whole), EXPECTED)
    sizes = []
    for headers in ((), (("x-lakegate-compression", codec),)):
        (ticket,) = client.flight_info(statement("select long_text from types.every_type"), headers).tickets
        sizes.append(sum(map(len, client.get(ticket, headers))))
    assert sizes[1] < sizes[0] / 2


def test_texts_and_binaries_come_as_views_to_a_client_that_asks_for_them(server: Server) -> None:
    whole = f"select * from {DATABASE}.{TABLE} order by id"
    with connect(server, **{f"{HEADER}x-lakegate-view-types": "true"}) as connection:
        with connection.cursor() as cursor:
            cursor.execute(whole)
            prepared_views = cursor.fetch_arrow_table()
        for views in (direct(connection, whole), prepared_views):
            assert {pa.string_view(), pa.binary_view()} <= set(views.schema.types)
            assert not {pa.string(), pa.binary()} & set(views.schema.types)
            assert_same(views.cast(EXPECTED.schema), EXPECTED)


def test_a_compression_that_nobody_knows_is_refused(client: Client) -> None:
    headers = (("x-lakegate-compression", "brotli"),)
    assert refusal(lambda: client.flight_info(statement(NATIONS), headers)) is grpc.StatusCode.INVALID_ARGUMENT


def test_a_deadline_ends_the_stream_itself(client: Client) -> None:
    (ticket,) = client.flight_info(statement(MANY_ROWS)).tickets
    stream = client.get(ticket, timeout=1)
    assert refusal(lambda: list(stream)) is grpc.StatusCode.DEADLINE_EXCEEDED


def test_one_row_beyond_every_limit_is_refused(client: Client) -> None:
    long = " || ".join(["long_text"] * 80)
    sql = f"select {long} as longer from {DATABASE}.{TABLE} where id = 3"
    (ticket,) = client.flight_info(statement(sql)).tickets
    assert refusal(lambda: list(client.get(ticket))) is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_the_standard_health_check_answers(server: Server) -> None:
    with Client(server.address) as nobody:
        answer = nobody.channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=30)
    assert only(answer, 1) == SERVING


HEAVY = {
    "a join of everything with everything": "a cross join sales.lineitem b where a.l_comment < b.l_comment",
    "a join that matches much": "a join sales.lineitem b on a.l_returnflag = b.l_returnflag",
}


@pytest.mark.parametrize("join", HEAVY)
@pytest.mark.parametrize("cancelled", [False, True], ids=["runs", "was cancelled"])
def test_others_are_served_while_a_heavy_query_computes(own_server: Server, join: str, cancelled: bool) -> None:
    """It gives no row for minutes, so that nothing but the engine can end it or make room."""
    with Client(own_server.address, UNRESTRICTED_USER) as heavy, Client(own_server.address, RESTRICTED_USER) as other:
        other.rows("select count(*) from hr.employees")
        (ticket,) = heavy.flight_info(statement(f"select count(*) from sales.lineitem {HEAVY[join]}")).tickets
        stream = heavy.get(ticket)
        # The schema comes before the first row is computed.
        next(stream)
        if cancelled:
            stream.cancel()
        # Long enough for the engine's threads to be deep in the join.
        for _ in range(30):
            time.sleep(0.1)
            info = FlightInfo.of(other.unary("GetFlightInfo", descriptor(statement("select 1")), timeout=SECONDS_FOR_OTHERS))
            assert list(other.get(info.tickets[0], timeout=SECONDS_FOR_OTHERS))
        stream.cancel()


def test_tls_on_a_plaintext_port_is_logged_as_what_it_is(own_server: Server) -> None:
    host, port = own_server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as plain, pytest.raises((ssl.SSLError, OSError)):
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")
    with Client(own_server.address, UNRESTRICTED_USER) as client:
        client.rows("select 1")
    assert "TLS" in own_server.process.log.read_text(errors="replace")
