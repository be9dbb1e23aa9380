"""Servers behind a load balancer: each call of a client may reach another one."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import grpc
import pyarrow as pa
import pytest
from lake import UNRESTRICTED_USER
from processes import Server, start_server
from wire import Client, only, prepared, statement, upload

OLD, NEW, OTHER = (base64.b64encode(bytes([number]) * 32).decode() for number in range(1, 4))
RINGS = {"before": OLD, "rotating": f"{NEW},{OLD}", "after": NEW, "stranger": OTHER}
"""The sealing keys of servers while a key is replaced, and those of a server that has no part in it."""


@pytest.fixture(scope="module")
def replicas(binaries: Path, folder: Path, sandbox: str) -> Iterator[dict[str, Server]]:
    servers = {
        name: start_server(binaries, folder, sandbox, name=name, LAKEGATE__IDENTITY__SEALING_KEYS=keys)
        for name, keys in RINGS.items()
    }
    yield servers
    for server in servers.values():
        server.process.stop()


def login_at(server: Server) -> tuple[tuple[str, str], ...]:
    with Client(server.address, UNRESTRICTED_USER) as client:
        return client.headers


@pytest.mark.parametrize(("one", "other"), [("before", "rotating"), ("rotating", "after")])
def test_what_one_server_sealed_is_good_at_another(replicas: dict[str, Server], one: str, other: str) -> None:
    headers = login_at(replicas[one])
    with Client(replicas[one].address, headers=headers) as first, Client(replicas[other].address, headers=headers) as second:
        (ticket,) = first.flight_info(statement("select * from sales.nation")).tickets
        assert len(list(second.get(ticket))) == len(list(first.get(ticket)))
        (ticket,) = second.flight_info(prepared(first.prepare("select * from sales.region"))).tickets
        assert b"AFRICA" in b"".join(second.get(ticket))


def test_every_call_of_a_prepared_statement_may_reach_another_server(replicas: dict[str, Server]) -> None:
    headers = login_at(replicas["before"])
    with Client(replicas["before"].address, headers=headers) as one, Client(replicas["rotating"].address, headers=headers) as two:
        handle = one.prepare("select n_name from sales.nation where n_nationkey = $1")
        (bound,) = one.exchange("DoPut", upload(handle, pa.record_batch([[6]], names=["0"])))
        (ticket,) = two.flight_info(prepared(only(only(bound, 1), 1))).tickets
        assert b"FRANCE" in b"".join(two.get(ticket))


@pytest.mark.parametrize(("maker", "stranger"), [("before", "stranger"), ("rotating", "before")])
def test_a_server_without_the_key_opens_nothing(replicas: dict[str, Server], maker: str, stranger: str) -> None:
    headers = login_at(replicas[maker])
    with Client(replicas[maker].address, headers=headers) as one:
        ticket = one.flight_info(statement("select * from sales.nation")).tickets[0]
    with Client(replicas[stranger].address, headers=headers) as other, pytest.raises(grpc.RpcError) as caught:
        list(other.get(ticket))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    with Client(replicas[stranger].address, UNRESTRICTED_USER) as other, pytest.raises(grpc.RpcError) as caught:
        list(other.get(ticket))
    assert caught.value.code() is not grpc.StatusCode.INTERNAL
