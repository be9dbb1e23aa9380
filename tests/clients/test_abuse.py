"""Clients that are broken or hostile: right codes, and a server that goes on serving everybody else.

What matters after each of them is the same: the server answers a well-behaved client. The fixture `server` looks at its
end whether the process is still the first one and whether anything panicked.
"""

from __future__ import annotations

import os
import random
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator

import grpc
import pyarrow as pa
import pytest
from adbc import connect, direct
from adbc_driver_manager import Error
from lake import RESTRICTED_USER, STRANGER, UNRESTRICTED_USER
from processes import Server
from wire import Client, descriptor, message, only, packed, prepared, statement, unpacked, upload, varint

SEED = 7
MANY_ROWS = "select a.l_comment from sales.lineitem a cross join sales.lineitem b"
CLIENTS_FAULT = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.OUT_OF_RANGE,
}
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS = 0, 1, 3, 4
END_STREAM, END_HEADERS = 1, 4


@pytest.fixture(scope="module")
def analyst(server: Server) -> Iterator[Client]:
    with Client(server.address, UNRESTRICTED_USER) as client:
        yield client


@pytest.fixture(autouse=True)
def everybody_else_is_served(server: Server) -> Iterator[None]:
    yield
    with Client(server.address, RESTRICTED_USER) as client:
        assert client.rows("select * from hr.employees") > 0


def refusal(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def outcome(call: Callable[[], object]) -> grpc.StatusCode:
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def ticket_of(client: Client, sql: str = "select * from sales.nation") -> bytes:
    (ticket,) = client.flight_info(statement(sql)).tickets
    return ticket


def handle_of(client: Client) -> bytes:
    return client.prepare("select * from sales.nation where n_nationkey = $1")


def noise() -> list[bytes]:
    """Things that are no command: nothing, text, random bytes, lengths that lie, and wrong insides."""
    chance = random.Random(SEED)
    return [
        b"",
        b"select 1",
        b"\xff" * 64,
        b"\x0a" + varint(1 << 31) + b"short",
        b"\x0a" + varint((1 << 64) - 1),
        b"\x80" * 20,
        *(chance.randbytes(chance.randrange(1, 300)) for _ in range(60)),
        packed("CommandStatementQuery", b"\xff\xff"),
        packed("CommandStatementQuery", message({1: b"\xff\xfe\xfd"})),
        packed("CommandNobodyKnows"),
        packed("TicketStatementQuery"),
        packed("TicketStatementQuery", message({1: b"garbage"})),
        packed("CommandPreparedStatementQuery", message({1: b"garbage"})),
        message({1: "type.example/other", 2: b"x"}),
    ]


def mutants(genuine: bytes, count: int = 120) -> list[bytes]:
    """The genuine bytes with one of them changed, cut short, or made longer."""
    chance = random.Random(SEED)
    found = []
    for _ in range(count):
        position = chance.randrange(len(genuine))
        changed = genuine[:position] + bytes([genuine[position] ^ chance.randrange(1, 256)]) + genuine[position + 1 :]
        found += [changed, genuine[:position], genuine[:position] + chance.randbytes(5) + genuine[position:]]
    return found


CALLS: dict[str, Callable[[Client, bytes], object]] = {
    "GetFlightInfo": lambda client, junk: client.unary("GetFlightInfo", descriptor(junk)),
    "GetSchema": lambda client, junk: client.unary("GetSchema", descriptor(junk)),
    "PollFlightInfo": lambda client, junk: client.unary("PollFlightInfo", descriptor(junk)),
    "DoGet": lambda client, junk: list(client.get(junk)),
    "DoPut": lambda client, junk: list(client.exchange("DoPut", [message({1: descriptor(junk)})])),
    "DoExchange": lambda client, junk: list(client.exchange("DoExchange", [message({1: descriptor(junk)})])),
    "CreatePreparedStatement": lambda client, junk: client.act("CreatePreparedStatement", junk),
    "ClosePreparedStatement": lambda client, junk: client.act("ClosePreparedStatement", junk),
    "CancelFlightInfo": lambda client, junk: client.act("CancelFlightInfo", junk),
    "RenewFlightEndpoint": lambda client, junk: client.act("RenewFlightEndpoint", junk),
    "an unknown action": lambda client, junk: client.act(junk.hex(), junk),
}


@pytest.mark.parametrize("call", CALLS)
def test_noise_in_the_place_of_a_command_is_the_clients_fault(analyst: Client, call: str) -> None:
    for junk in noise():
        assert outcome(lambda junk=junk: CALLS[call](analyst, junk)) in CLIENTS_FAULT, junk


@pytest.mark.parametrize("call", ["SetSessionOptions", "GetSessionOptions", "CloseSession"])
def test_noise_in_the_place_of_session_options_does_no_harm(analyst: Client, call: str) -> None:
    for junk in noise():
        # What decodes by chance names options that nobody knows, which is an answer and no failure.
        assert outcome(lambda junk=junk: analyst.act(call, junk)) in CLIENTS_FAULT | {grpc.StatusCode.OK}, junk


@pytest.mark.parametrize("method", ["GetFlightInfo", "GetSchema", "PollFlightInfo"])
def test_a_message_that_is_none_is_refused(analyst: Client, method: str) -> None:
    for junk in (b"\xff\xff\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x12\x05ab"):
        code, text = refusal(lambda junk=junk: analyst.unary(method, junk))
        # Decoded by the gRPC library, which calls it a defect; it names no path of ours.
        assert code in CLIENTS_FAULT | {grpc.StatusCode.INTERNAL}
        assert "/" not in text


def test_a_ticket_that_was_changed_is_refused(analyst: Client) -> None:
    genuine = ticket_of(analyst)
    assert outcome(lambda: list(analyst.get(genuine))) is grpc.StatusCode.OK
    sealed = only(unpacked(genuine), 1)
    for changed in mutants(sealed):
        junk = packed("TicketStatementQuery", message({1: changed}))
        assert outcome(lambda junk=junk: list(analyst.get(junk))) in CLIENTS_FAULT, changed


def test_a_handle_that_was_changed_is_refused(analyst: Client) -> None:
    for changed in mutants(handle_of(analyst), count=40):
        for call in (analyst.flight_info, analyst.get):
            assert outcome(lambda call=call, changed=changed: list(fields_of(call(prepared(changed))))) in CLIENTS_FAULT


def fields_of(answer: object) -> Iterator[object]:
    """Reads a stream to its end; other answers have nothing to read."""
    return iter(answer if isinstance(answer, grpc.Call) else [])


def test_every_beginning_of_a_command_is_refused_or_complete(analyst: Client) -> None:
    whole = packed("CommandGetTables", message({1: "awsdatacatalog", 2: "sales", 5: True}))
    for length in range(len(whole)):
        assert outcome(lambda length=length: analyst.flight_info(whole[:length])) in CLIENTS_FAULT | {grpc.StatusCode.OK}


@pytest.mark.parametrize("thief", [RESTRICTED_USER, STRANGER])
def test_tickets_and_handles_of_others_are_refused_like_forged_ones(server: Server, analyst: Client, thief: str) -> None:
    ticket, handle = ticket_of(analyst, "select * from hr.employees"), handle_of(analyst)
    with Client(server.address, thief) as other:
        refused = [
            refusal(lambda: list(other.get(ticket))),
            refusal(lambda: list(other.get(prepared(handle)))),
            refusal(lambda: other.flight_info(prepared(handle))),
            refusal(lambda: list(other.exchange("DoPut", [message({1: descriptor(prepared(handle))})]))),
        ]
    for code, text in refused:
        assert code in {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT}, text
        assert UNRESTRICTED_USER not in text


def test_a_ticket_and_a_handle_cannot_stand_for_each_other_or_for_a_token(server: Server, analyst: Client) -> None:
    ticket, handle = only(unpacked(ticket_of(analyst)), 1), analyst.prepare("select 1")
    token = dict(analyst.headers)["authorization"].removeprefix("Bearer ").encode()
    swapped = [packed("TicketStatementQuery", message({1: each})) for each in (handle, token)]
    swapped += [prepared(each) for each in (ticket, token)]
    for each in swapped:
        assert outcome(lambda each=each: list(analyst.get(each))) in CLIENTS_FAULT
    for each in (ticket, handle):
        headers = (("authorization", "Bearer " + each.hex()),)
        with Client(server.address, headers=headers) as forger:
            assert refusal(lambda: forger.rows("select 1"))[0] is grpc.StatusCode.UNAUTHENTICATED


AUTHORIZATIONS = [
    "",
    "Bearer",
    "Bearer ",
    "Basic",
    "Basic !!!",
    "Basic " + "QQ" * 20_000,
    "Negotiate x",
    "Bearer " + "x" * 40_000,
]


@pytest.mark.parametrize("authorization", AUTHORIZATIONS, ids=lambda text: f"{text[:10]} {len(text)}")
def test_a_broken_authorization_is_refused(server: Server, authorization: str) -> None:
    with Client(server.address, headers=(("authorization", authorization),)) as client:
        assert refusal(lambda: client.rows("select 1"))[0] is grpc.StatusCode.UNAUTHENTICATED
        assert refusal(lambda: client.login(client.headers))[0] is grpc.StatusCode.UNAUTHENTICATED


def test_no_call_is_answered_without_a_login(server: Server) -> None:
    with Client(server.address) as nobody:
        for name, call in CALLS.items():
            code, _ = refusal(lambda call=call: call(nobody, statement("select 1")))
            assert code is grpc.StatusCode.UNAUTHENTICATED, name
        for method in ("ListFlights", "ListActions"):
            assert refusal(lambda method=method: list(nobody.stream(method, b"")))[0] is grpc.StatusCode.UNAUTHENTICATED


def test_large_headers_are_taken_and_huge_ones_refused(server: Server, analyst: Client) -> None:
    fat = tuple((f"x-{number}", "v" * 1000) for number in range(50))
    assert outcome(lambda: analyst.rows("select 1", headers=fat)) is grpc.StatusCode.OK
    for huge in ((("x-huge", "v" * 200_000),), tuple((f"x-{number}", "v" * 1000) for number in range(500))):
        with Client(server.address, UNRESTRICTED_USER) as client:
            assert outcome(lambda client=client, huge=huge: client.rows("select 1", headers=huge)) is not grpc.StatusCode.OK


def test_deadlines_that_are_none_are_ignored_or_refused(server: Server) -> None:
    for text in ("", "1", "S", "-1S", "999999999S", "1.5S", "1s", "1e3S", "99999999H", "0n"):
        with RawConnection(server) as raw:
            raw.request(1, "ListActions", {"grpc-timeout": text})
            assert raw.read(), f"grpc-timeout {text!r} has no answer"


def test_a_message_beyond_the_limit_is_refused(analyst: Client) -> None:
    code, _ = refusal(lambda: analyst.flight_info(statement("select '" + "x" * (2 << 20) + "'")))
    assert code in CLIENTS_FAULT
    code, _ = refusal(lambda: analyst.flight_info(statement("select '" + "x" * (20 << 20) + "'")))
    assert code in CLIENTS_FAULT


def test_broken_parameters_are_refused(analyst: Client) -> None:
    handle = handle_of(analyst)
    genuine = upload(handle, pa.record_batch([[1]], names=["0"]))
    assert outcome(lambda: list(analyst.exchange("DoPut", genuine))) is grpc.StatusCode.OK
    schema, row = genuine
    broken = [[], [b""], [schema], [row], [schema, schema], [schema, row, row], [message({1: descriptor(prepared(handle))})] * 40]
    broken += [[changed, row] for changed in mutants(schema, count=40)]
    broken += [[schema, changed] for changed in mutants(row, count=80)]
    for each in broken:
        found = outcome(lambda each=each: list(analyst.exchange("DoPut", each)))
        # A change may leave a row that is as good as the first one, or no message at all, which ends the upload.
        assert found in CLIENTS_FAULT | {grpc.StatusCode.OK, grpc.StatusCode.CANCELLED}, each


def test_a_message_that_claims_gigabytes_takes_none(server: Server) -> None:
    with RawConnection(server) as raw:
        raw.request(1, "GetFlightInfo", {}, end=False)
        raw.frame(DATA, 0, 1, b"\0" + struct.pack(">I", 0xFFFF_FFFF) + b"x" * 1000)
        assert raw.read()
    with RawConnection(server) as raw:
        raw.request(1, "GetFlightInfo", {}, end=False)
        raw.frame(DATA, END_STREAM, 1, b"\1" + struct.pack(">I", 4) + b"zzzz")
        assert raw.read()
    assert resident_megabytes(server) < 1500


def test_calls_that_are_cancelled_at_once_leave_nothing_behind(analyst: Client) -> None:
    for _ in range(300):
        analyst.get(ticket_of(analyst, MANY_ROWS)).cancel()
    for _ in range(300):
        call = analyst.channel.unary_unary("/arrow.flight.protocol.FlightService/GetFlightInfo")
        call.future(descriptor(statement("select count(*) from sales.lineitem")), metadata=analyst.headers).cancel()
    assert outcome(lambda: analyst.rows("select * from sales.nation")) is grpc.StatusCode.OK


def test_rapid_resets_of_one_connection_do_not_reach_the_others(server: Server, analyst: Client) -> None:
    with RawConnection(server) as raw:
        try:
            for stream in range(1, 20_001, 2):
                raw.request(stream, "DoGet", {})
                raw.frame(RST_STREAM, 0, stream, struct.pack(">I", 8))
        except OSError:
            pass  # The server may end such a connection.
        assert analyst.rows("select * from sales.nation") > 0


def test_hundreds_of_idle_connections_do_not_keep_others_out(server: Server) -> None:
    silent = [socket.create_connection(endpoint(server), timeout=10) for _ in range(300)]
    greeted = [RawConnection(server) for _ in range(300)]
    try:
        with connect(server) as connection:
            assert direct(connection, "select 1 as one").to_pydict() == {"one": [1]}
    finally:
        for each in silent + greeted:
            each.close()


def test_a_connection_that_stops_in_the_middle_is_of_no_concern(server: Server) -> None:
    beginnings = [
        b"P",
        PREFACE[:10],
        PREFACE,
        PREFACE + b"\0\0\x40\1",
        PREFACE + b"\0" * 9,
        b"\x16\x03\x01\x02\0\1",
        b"GET / HTTP/1.1\r\n\r\n",
    ]
    opened = []
    for beginning in beginnings * 20:
        opened.append(socket.create_connection(endpoint(server), timeout=10))
        opened[-1].sendall(beginning)
    with connect(server) as connection:
        assert direct(connection, "select 1 as one").to_pydict() == {"one": [1]}
    for position, each in enumerate(opened):
        if position % 2:
            # Closed by a reset instead of an orderly end.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        each.close()


def test_tls_on_a_plaintext_port_is_turned_away(server: Server) -> None:
    context = ssl.create_default_context()
    with socket.create_connection(endpoint(server), timeout=10) as plain, pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(plain, server_hostname="localhost")


def test_uploads_that_never_go_on_do_not_keep_others_out(server: Server) -> None:
    with Client(server.address, UNRESTRICTED_USER) as client:
        handle = handle_of(client)
        ended = False

        def forever() -> Iterator[bytes]:
            yield message({1: descriptor(prepared(handle))})
            while not ended:
                yield message({})
                release.acquire()

        release = threading.Semaphore(0)
        calls = [client.exchange("DoPut", forever(), timeout=600) for _ in range(100)]
        with connect(server) as connection:
            assert direct(connection, "select 1 as one").to_pydict() == {"one": [1]}
        ended = True
        for call in calls:
            call.cancel()
            release.release()


def test_readers_that_stop_reading_hold_little_memory_and_block_nobody(server: Server) -> None:
    before = resident_megabytes(server)
    with Client(server.address, UNRESTRICTED_USER) as client:
        stopped = [client.get(ticket_of(client, MANY_ROWS)) for _ in range(12)]
        for each in stopped:
            next(each)
        with connect(server, RESTRICTED_USER) as connection:
            for _ in range(20):
                assert direct(connection, "select count(*) as n from hr.employees")["n"].to_pylist() != [0]
        assert resident_megabytes(server) - before < 400
        for each in stopped:
            each.cancel()


def test_a_user_who_takes_all_places_keeps_nobody_else_out(server: Server) -> None:
    with Client(server.address, UNRESTRICTED_USER) as greedy:
        ticket = ticket_of(greedy, MANY_ROWS)
        running = [greedy.get(ticket) for _ in range(16)]
        for each in running:
            next(each)
        more = greedy.get(ticket, timeout=2)
        with Client(server.address, RESTRICTED_USER) as other:
            assert other.rows("select * from hr.employees") > 0
        assert outcome(lambda: next(more)) in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED}
        for each in running:
            each.cancel()


def test_adbc_survives_partitions_that_are_none(server: Server) -> None:
    with connect(server) as connection, connection.cursor() as cursor:
        partitions, _ = cursor.adbc_execute_partitions("select * from sales.nation")
        for junk in [b"", b"garbage", *mutants(partitions[0], count=20)]:
            try:
                cursor.adbc_read_partition(junk)
                cursor.fetch_arrow_table()
            except (Error, pa.ArrowException, OSError) as error:
                assert "panicked" not in str(error)
        assert direct(connection, "select 1 as one").to_pydict() == {"one": [1]}


def test_adbc_survives_a_server_that_goes_away(server: Server) -> None:
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute(MANY_ROWS)
        reader = cursor.fetch_record_batch()
        reader.read_next_batch()
    with pytest.raises((Error, pa.ArrowException, OSError, ValueError)) as caught:
        for _ in reader:
            pass
    assert "panicked" not in str(caught.value)


class RawConnection:
    """An HTTP/2 connection written frame by frame, as a client that keeps no rules would."""

    def __init__(self, server: Server) -> None:
        self.authority = server.address
        self.socket = socket.create_connection(endpoint(server), timeout=20)
        self.socket.sendall(PREFACE)
        self.frame(SETTINGS, 0, 0, b"")

    def __enter__(self) -> RawConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        self.socket.sendall(struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload)

    def request(self, stream: int, method: str, headers: dict[str, str], end: bool = True) -> None:
        """Opens a stream; header fields are literals, which need no table."""
        found = {
            ":method": "POST",
            ":scheme": "http",
            ":path": f"/arrow.flight.protocol.FlightService/{method}",
            ":authority": self.authority,
            "te": "trailers",
            "content-type": "application/grpc",
        } | headers
        block = b"".join(b"\0" + hpack(name) + hpack(value) for name, value in found.items())
        self.frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block)

    def read(self) -> bytes:
        """The kinds of frames that come until the first one that answers a stream."""
        while True:
            head = self._read(9)
            length, kind = int.from_bytes(head[:3], "big"), head[3]
            payload = self._read(length)
            if int.from_bytes(head[5:9], "big"):
                return bytes([kind]) + payload

    def _read(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            piece = self.socket.recv(count - len(found))
            if not piece:
                raise ConnectionError("the server closed the connection")
            found += piece
        return found


def hpack(text: str) -> bytes:
    """A text as HPACK writes it without Huffman's code."""
    encoded = text.encode()
    if len(encoded) < 127:
        return bytes([len(encoded)]) + encoded
    return b"\x7f" + varint(len(encoded) - 127) + encoded


def endpoint(server: Server) -> tuple[str, int]:
    host, port = server.address.split(":")
    return host, int(port)


def resident_megabytes(server: Server) -> float:
    """Memory of the server; 0 where the system does not tell."""
    path = f"/proc/{server.process.child.pid}/status"
    if not os.path.exists(path):
        return 0.0
    with open(path) as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
