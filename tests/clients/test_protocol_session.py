"""Sessions: their options by header, by cookie and by SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import adbc_driver_flightsql.dbapi as flight_sql
import grpc
import pytest
import wire
from adbc import connect, direct, prepared
from adbc_driver_flightsql import DatabaseOptions
from adbc_driver_manager import Error
from lake import RESTRICTED_USER, UNRESTRICTED_USER
from processes import Server
from wire import SERVICE, Client, Headers, action, basic, fields, message, only, packed, statement, unpacked

HEADER = DatabaseOptions.RPC_CALL_HEADER_PREFIX.value
COOKIES = {DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true"}
UNQUALIFIED = "select count(*) as n from nation"
TEXT = 1
NAME_ERROR, VALUE_ERROR = 1, 2


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.address, UNRESTRICTED_USER) as client:
        yield client


def option(name: str, value: str) -> bytes:
    """A SetSessionOptions request."""
    return message({1: message({1: name, 2: message({TEXT: value})})})


def kept(encoded: bytes) -> dict[str, str]:
    """The texts of a GetSessionOptions answer."""
    entries = [fields(entry) for entry in fields(encoded).get(1, [])]
    texts = {entry[1][0].decode(): fields(entry[2][0]).get(TEXT) for entry in entries}
    return {name: value[0].decode() for name, value in texts.items() if value}


def act(client: Client, kind: str, body: bytes = b"", headers: Headers = ()) -> tuple[bytes, Headers]:
    """The answer of an action and the cookies that came with it, as a client brings them back."""
    call = client.channel.unary_stream(SERVICE + "DoAction")(action(kind, body), metadata=client.headers + headers, timeout=30)
    (answer,) = [fields(each).get(1, [b""])[0] for each in call]
    cookies = [value.split(";")[0] for name, value in call.initial_metadata() if name == "set-cookie"]
    return answer, tuple(("cookie", cookie) for cookie in cookies)


def refusal(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def test_a_header_gives_the_schema(server: Server) -> None:
    with connect(server, **{f"{HEADER}schema": "sales"}) as connection:
        for run in (direct, prepared):
            assert run(connection, UNQUALIFIED).to_pydict() == {"n": [25]}
        assert direct(connection, "select count(*) as n from hr.departments")["n"].to_pylist() != [0]


def test_a_header_gives_the_catalog(server: Server) -> None:
    with connect(server, **{f"{HEADER}catalog": "awsdatacatalog"}) as connection:
        assert direct(connection, "select count(*) as n from sales.nation").to_pydict() == {"n": [25]}
    with connect(server, **{f"{HEADER}catalog": "another"}) as connection, pytest.raises(Error, match="catalog"):
        direct(connection, "select count(*) as n from sales.nation")


def test_a_prepared_statement_keeps_the_options_that_it_was_made_with(client: Client) -> None:
    handle = client.prepare(UNQUALIFIED, headers=(("schema", "sales"),))
    (ticket,) = client.flight_info(wire.prepared(handle)).tickets
    assert list(client.get(ticket))


def test_adbc_sets_and_reads_the_schema_with_a_cookie(server: Server) -> None:
    with connect(server, **COOKIES) as connection:
        connection.adbc_current_db_schema = "sales"
        assert connection.adbc_current_db_schema == "sales"
        for run in (direct, prepared):
            assert run(connection, UNQUALIFIED).to_pydict() == {"n": [25]}
        connection.adbc_current_db_schema = "hr"
        assert direct(connection, "select count(*) as n from departments")["n"].to_pylist() != [0]
        with pytest.raises(Error):
            direct(connection, UNQUALIFIED)


@pytest.mark.parametrize("sql", ["use sales", "set schema = 'sales'"])
@pytest.mark.parametrize("run", [direct, prepared])
def test_sql_changes_the_session(server: Server, sql: str, run: Callable[..., object]) -> None:
    with connect(server, **COOKIES) as connection:
        # A driver learns the first cookie from any answer.
        direct(connection, "select 1")
        run(connection, sql)
        assert direct(connection, UNQUALIFIED).to_pydict() == {"n": [25]}


def test_a_client_that_keeps_no_cookie_is_told_which_header_to_use(server: Server) -> None:
    with connect(server) as connection:
        with pytest.raises(Error):
            connection.adbc_current_db_schema = "sales"
        with pytest.raises(Error, match="header"):
            direct(connection, "use sales")


def test_a_session_lives_in_the_cookie_alone(server: Server, client: Client) -> None:
    _, offered = act(client, "GetSessionOptions")
    answer, cookies = act(client, "SetSessionOptions", option("schema", "sales"), headers=offered)
    assert fields(answer) == {}
    assert kept(act(client, "GetSessionOptions", headers=cookies)[0])["schema"] == "sales"
    # Another connection of the same user is in the session, if it brings the cookie.
    with Client(server.address, UNRESTRICTED_USER) as other:
        assert other.rows(UNQUALIFIED, headers=cookies) == 1
        assert refusal(lambda: other.rows(UNQUALIFIED))[0] is not grpc.StatusCode.OK


def test_a_cookie_of_another_user_is_refused(server: Server, client: Client) -> None:
    _, offered = act(client, "GetSessionOptions")
    _, cookies = act(client, "SetSessionOptions", option("schema", "sales"), headers=offered)
    with Client(server.address, RESTRICTED_USER) as thief:
        code, _ = refusal(lambda: thief.rows("select 1", headers=cookies))
    assert code in {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION}


@pytest.mark.parametrize("cookie", ["nonsense", "", "=", "a" * 10_000])
def test_a_cookie_that_is_none_starves_nobody(client: Client, cookie: str) -> None:
    headers = (("cookie", f"arrow_flight_session_id={cookie}"),)
    try:
        client.rows("select 1", headers=headers)
    except grpc.RpcError as error:
        assert error.code() in {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.PERMISSION_DENIED}
    assert client.rows("select 1") == 1


def test_options_that_are_wrong_are_refused_by_name(client: Client) -> None:
    _, offered = act(client, "GetSessionOptions")
    for name, value, expected in [("colour", "green", NAME_ERROR), ("catalog", "another", VALUE_ERROR)]:
        answer, _ = act(client, "SetSessionOptions", option(name, value), headers=offered)
        (entry,) = fields(answer)[1]
        assert only(entry, 1) == name.encode()
        assert only(only(entry, 2), 1) == expected


def test_a_token_is_accepted_as_the_password_of_the_user_token(server: Server, client: Client) -> None:
    token = dict(client.headers)["authorization"].removeprefix("Bearer ")
    with Client(server.address) as other:
        answered = other.login(basic("token", token))
    with Client(server.address, headers=(("authorization", answered),)) as other:
        assert other.rows("select * from sales.nation") == 1
    login = {"username": "token", "password": token}
    with flight_sql.connect(server.url, db_kwargs=login, autocommit=True) as connection:
        assert direct(connection, "select count(*) as n from sales.nation").to_pydict() == {"n": [25]}


def test_a_token_is_checked_by_a_handshake(server: Server, client: Client) -> None:
    with Client(server.address) as other:
        assert other.login((("authorization", dict(client.headers)["authorization"]),)).startswith("Bearer ")
        assert refusal(lambda: other.login((("authorization", "Bearer nonsense"),)))[0] is grpc.StatusCode.UNAUTHENTICATED


def test_statements_that_change_the_session_are_announced_as_updates(client: Client) -> None:
    def prepare(sql: str) -> dict[int, list[bytes]]:
        _, offered = act(client, "GetSessionOptions")
        request = packed("ActionCreatePreparedStatementRequest", message({1: sql}))
        return fields(unpacked(act(client, "CreatePreparedStatement", request, headers=offered)[0]))

    assert prepare("select 1")[4] == [0]
    assert prepare("use sales")[4] == [1]


def test_a_statement_is_found_in_the_schema_of_its_own_header_and_no_other(client: Client) -> None:
    assert client.rows(UNQUALIFIED, headers=(("schema", "sales"),)) == 1
    assert refusal(lambda: client.rows(UNQUALIFIED, headers=(("schema", "hr"),)))[0] is grpc.StatusCode.NOT_FOUND
    assert refusal(lambda: client.flight_info(statement(UNQUALIFIED)))[0] is not grpc.StatusCode.OK
