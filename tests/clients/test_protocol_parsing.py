"""Texts that are short and cost a parser or planner much: whoever sends them waits, and nobody else does."""

from __future__ import annotations

import grpc
import pytest
from lake import RESTRICTED_USER, STRANGER
from processes import Server
from wire import Client, descriptor, statement

SECONDS_OF_PATIENCE = 2
SECONDS_FOR_OTHERS = 30
SENDERS = 4
"""More than the server has threads of any kind on a small machine."""

TEXTS = {
    "a typo within nested casts": "select " + "cast(" * 40 + "1 1" + " as int)" * 40,
    "casts nested deeper than the parser goes": "select " + "cast(" * 100 + "1" + " as int)" * 100,
    "a typo within nested calls": "select " + "floor(" * 40 + "1 1" + ")" * 40,
}


@pytest.mark.parametrize("text", TEXTS)
def test_others_are_served_whatever_one_sends(own_server: Server, text: str) -> None:
    request = descriptor(statement(TEXTS[text]))
    with Client(own_server.address, RESTRICTED_USER) as other:
        other.rows("select * from hr.employees")
        for _ in range(SENDERS):
            with Client(own_server.address, STRANGER) as sender:
                try:
                    sender.unary("GetFlightInfo", request, timeout=SECONDS_OF_PATIENCE)
                except grpc.RpcError as error:
                    assert error.code() in {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.DEADLINE_EXCEEDED}
        for _ in range(5):
            assert other.unary("GetFlightInfo", descriptor(statement("select 1")), timeout=SECONDS_FOR_OTHERS)
