"""Substrait plans go through the same guard as SQL."""

from __future__ import annotations

from collections.abc import Iterator

import adbc
import grpc
import pytest
from lake import RESTRICTED_USER, UNRESTRICTED_USER
from processes import Server
from wire import Client, fields, message, packed

REQUIRED = 2
LONG, TEXT = 7, 12


def read_of(names: list[str], columns: dict[str, int]) -> bytes:
    """The plan that reads a table whole. Field numbers are those of Substrait's plan.proto and algebra.proto."""
    types = [message({kind: message({2: REQUIRED})}) for kind in columns.values()]
    base_schema = message({1: list(columns), 2: message({1: types, 3: REQUIRED})})
    read = message({1: message({1: b""}), 2: base_schema, 7: message({1: names})})
    root = message({1: message({1: read}), 2: list(columns)})
    return message({6: message({2: 53}), 3: message({2: root})})


def command(plan: bytes) -> bytes:
    """The command that asks for its rows."""
    return packed("CommandStatementSubstraitPlan", message({1: message({1: plan, 2: "0.53.0"})}))


REGIONS = read_of(["sales", "region"], {"r_regionkey": LONG, "r_name": TEXT, "r_comment": TEXT})


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.address, UNRESTRICTED_USER) as client:
        yield client


def test_a_plan_that_reads_a_table(client: Client) -> None:
    (ticket,) = client.flight_info(command(REGIONS)).tickets
    assert any(fields(each).get(1000) for each in client.get(ticket))


def test_a_plan_reads_nothing_that_is_not_granted(server: Server) -> None:
    with Client(server.address, RESTRICTED_USER) as client, pytest.raises(grpc.RpcError) as caught:
        client.flight_info(command(REGIONS))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_plan_that_is_none_is_the_clients_fault(client: Client) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.flight_info(command(b"\xff" * 9))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_adbc_sends_a_plan_as_bytes(server: Server) -> None:
    with adbc.connect(server) as connection, connection.cursor() as cursor:
        cursor.execute(REGIONS)
        plan = cursor.fetch_arrow_table()
        cursor.execute("select r_regionkey, r_name, r_comment from sales.region")
        assert plan.equals(cursor.fetch_arrow_table())
