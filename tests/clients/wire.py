"""Flight SQL's messages by hand, and its calls over plain gRPC.

No client library stands between a test and the server here: a test can send what no library would, and sees the answer
as it is. A message is a dict from field number to value; numbers are those of Arrow's Flight.proto and FlightSql.proto.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pyarrow as pa

SERVICE = "/arrow.flight.protocol.FlightService/"
TYPES = "type.googleapis.com/arrow.flight.protocol.sql."

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
COMMAND_DESCRIPTOR = 2
LARGEST_MESSAGE = 64 << 20

Value = bool | int | str | bytes | list["Value"]
Headers = tuple[tuple[str, str], ...]


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def message(fields: dict[int, Value]) -> bytes:
    """Encodes a message; a list repeats its field."""
    encoded = b""
    for number, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, int):
                encoded += varint(number << 3 | VARINT) + varint(each)
            else:
                content = each.encode() if isinstance(each, str) else each
                encoded += varint(number << 3 | BYTES) + varint(len(content)) + content
    return encoded


def fields(encoded: bytes) -> dict[int, list[Any]]:
    """Decodes a message by one level: integers of varints, bytes of everything else."""
    found: dict[int, list[Any]] = {}
    position = 0

    def read_varint() -> int:
        nonlocal position
        number = shift = 0
        while True:
            byte = encoded[position]
            position += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while position < len(encoded):
        tag = read_varint()
        kind = tag & 7
        if kind == VARINT:
            value: Any = read_varint()
        else:
            length = read_varint() if kind == BYTES else {FIXED_64: 8, FIXED_32: 4}[kind]
            value = encoded[position : position + length]
            position += length
        found.setdefault(tag >> 3, []).append(value)
    return found


def only(encoded: bytes, number: int) -> Any:
    """The value of a field that is there once."""
    (value,) = fields(encoded)[number]
    return value


def packed(name: str, body: bytes = b"") -> bytes:
    """A Flight SQL message within an `Any`."""
    return message({1: TYPES + name, 2: body})


def unpacked(encoded: bytes) -> bytes:
    return fields(encoded).get(2, [b""])[0]


def statement(sql: str) -> bytes:
    return packed("CommandStatementQuery", message({1: sql}))


def prepared(handle: bytes) -> bytes:
    return packed("CommandPreparedStatementQuery", message({1: handle}))


def descriptor(command: bytes) -> bytes:
    return message({1: COMMAND_DESCRIPTOR, 2: command})


def action(kind: str, body: bytes = b"") -> bytes:
    return message({1: kind, 2: body})


def upload(handle: bytes, batch: pa.RecordBatch) -> list[bytes]:
    """The messages of DoPut that bind a batch: its schema with the command, then its rows."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    reader = pa.ipc.MessageReader.open_stream(sink.getvalue())
    schema, rows = reader.read_next_message(), reader.read_next_message()
    first = message({1: descriptor(prepared(handle)), 2: schema.metadata.to_pybytes()})
    return [first, message({2: rows.metadata.to_pybytes(), 1000: rows.body.to_pybytes()})]


def basic(user: str, password: str | None = None) -> Headers:
    login = f"{user}:{password or user}".encode()
    return (("authorization", "Basic " + base64.b64encode(login).decode()),)


@dataclass(frozen=True)
class FlightInfo:
    """What GetFlightInfo answers."""

    encoded: bytes
    schema: bytes
    endpoints: list[bytes]
    ordered: bool
    app_metadata: bytes

    @classmethod
    def of(cls, encoded: bytes) -> FlightInfo:
        found = fields(encoded)
        schema, metadata = (found.get(number, [b""])[0] for number in (1, 7))
        return cls(encoded, schema, found.get(3, []), bool(found.get(6, [0])[0]), metadata)

    @property
    def tickets(self) -> list[bytes]:
        return [only(only(endpoint, 1), 1) for endpoint in self.endpoints]


class Client:
    """A connection that is logged in as a user; without a user it sends no authorization."""

    def __init__(self, address: str, user: str | None = None, headers: Headers = (), **options: int) -> None:
        # Channels with equal options would share one connection.
        settings = {"grpc.use_local_subchannel_pool": 1, "grpc.max_receive_message_length": LARGEST_MESSAGE} | options
        self.channel = grpc.insecure_channel(address, options=list(settings.items()))
        self.headers = headers
        if user:
            self.headers += (("authorization", self.login(basic(user))),)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def login(self, login: Headers) -> str:
        """The `authorization` header that a handshake answers with."""
        call = self.channel.stream_stream(SERVICE + "Handshake")(iter([b""]), metadata=login, timeout=30)
        list(call)
        return dict(call.initial_metadata())["authorization"]

    def unary(self, method: str, request: bytes, headers: Headers = (), timeout: float = 60) -> bytes:
        call = self.channel.unary_unary(SERVICE + method)
        return call(request, metadata=self.headers + headers, timeout=timeout)

    def flight_info(self, command: bytes, headers: Headers = ()) -> FlightInfo:
        return FlightInfo.of(self.unary("GetFlightInfo", descriptor(command), headers))

    def stream(self, method: str, request: bytes, headers: Headers = (), timeout: float = 60) -> Any:
        """A call with a stream of answers, which is an iterator that can be cancelled."""
        call = self.channel.unary_stream(SERVICE + method)
        return call(request, metadata=self.headers + headers, timeout=timeout)

    def get(self, ticket: bytes, headers: Headers = (), timeout: float = 60) -> Any:
        return self.stream("DoGet", message({1: ticket}), headers, timeout)

    def act(self, kind: str, body: bytes = b"", headers: Headers = ()) -> list[bytes]:
        """Bodies of the results of an action."""
        answers = self.stream("DoAction", action(kind, body), headers)
        return [fields(answer).get(1, [b""])[0] for answer in answers]

    def prepare(self, sql: str, headers: Headers = ()) -> bytes:
        """The handle of a statement."""
        request = packed("ActionCreatePreparedStatementRequest", message({1: sql}))
        (answer,) = self.act("CreatePreparedStatement", request, headers)
        return only(unpacked(answer), 1)

    def exchange(self, method: str, requests: Iterable[bytes], headers: Headers = (), timeout: float = 60) -> Iterator[bytes]:
        call = self.channel.stream_stream(SERVICE + method)
        return call(iter(requests), metadata=self.headers + headers, timeout=timeout)

    def rows(self, sql: str, headers: Headers = ()) -> int:
        """Runs a statement to its end and counts the messages with rows."""
        (ticket,) = self.flight_info(statement(sql), headers).tickets
        return sum(1 for each in self.get(ticket, headers) if fields(each).get(1000))
