"""What the ADBC driver does beside reading values: sessions, prepared statements, partitions, cancel, deadlines, errors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import adbc_driver_flightsql.dbapi as flight_sql
import pyarrow as pa
import pytest
from adbc import connect, direct, prepared
from adbc_driver_flightsql import ConnectionOptions, DatabaseOptions, StatementOptions
from adbc_driver_manager import AdbcStatusCode, Error
from lake import RESTRICTED_USER, STRANGER
from processes import Server

MANY_ROWS = "select a.l_comment from sales.lineitem a cross join sales.lineitem b"
"""Billions of rows that nobody reads to the end."""

HEADER = DatabaseOptions.RPC_CALL_HEADER_PREFIX.value


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[flight_sql.Connection]:
    with connect(server) as connection:
        yield connection


def refusal(call: Callable[[], object]) -> tuple[AdbcStatusCode, str]:
    """Code and text with which a call fails."""
    with pytest.raises(Error) as caught:
        call()
    return caught.value.status_code, str(caught.value)


def stream_failure(reader: pa.RecordBatchReader) -> str:
    """The text with which a stream of rows ends; Arrow raises errors of its own there."""
    with pytest.raises((Error, pa.ArrowException, OSError)) as caught:
        for _ in reader:
            pass
    return str(caught.value)


def test_a_row_comes_as_python_values(connection: flight_sql.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select n_nationkey, n_name from sales.nation order by 1")
        assert [column[0] for column in cursor.description] == ["n_nationkey", "n_name"]
        assert cursor.fetchone() == (0, "ALGERIA")
        assert cursor.fetchmany(2) == [(1, "ARGENTINA"), (2, "BRAZIL")]
        assert len(cursor.fetchall()) == 22
        assert cursor.fetchone() is None


def test_cursors_of_one_connection_do_not_disturb_each_other(connection: flight_sql.Connection) -> None:
    with connection.cursor() as first, connection.cursor() as second:
        first.execute("select n_name from sales.nation order by 1")
        assert first.fetchone() == ("ALGERIA",)
        second.execute("select r_name from sales.region order by 1")
        assert second.fetchone() == ("AFRICA",)
        assert first.fetchone() == ("ARGENTINA",)


def test_text_beyond_ascii_survives_in_statements_and_names(connection: flight_sql.Connection) -> None:
    table = direct(connection, "select 'Grüße, 世界 🚀' as \"Ünïque 名\"")
    assert table.to_pydict() == {"Ünïque 名": ["Grüße, 世界 🚀"]}


def test_a_result_of_many_messages_arrives_whole(connection: flight_sql.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select l_orderkey, l_linenumber, l_comment from sales.lineitem")
        batches = list(cursor.fetch_record_batch())
    assert len(batches) > 1
    counted = direct(connection, "select count(*) from sales.lineitem")
    assert sum(batch.num_rows for batch in batches) == counted[0][0].as_py()


def test_a_prepared_statement_runs_again_with_other_parameters(connection: flight_sql.Connection) -> None:
    sql = "select n_name from sales.nation where n_nationkey = ? and n_name like $2".replace("?", "$1")
    with connection.cursor() as cursor:
        schema = cursor.adbc_prepare(sql)
        assert schema.types == [pa.int64(), pa.string()]
        for key, pattern, name in [(6, "F%", "FRANCE"), (7, "G%", "GERMANY"), (6, "%RANC%", "FRANCE")]:
            cursor.execute(sql, (key, pattern))
            assert cursor.fetchall() == [(name,)]


def test_parameters_are_cast_to_what_the_statement_takes(connection: flight_sql.Connection) -> None:
    sql = "select n_name from sales.nation where n_nationkey = ? and n_name = ?"
    kinds = [(pa.int8(), pa.large_string()), (pa.int32(), pa.string()), (pa.uint64(), pa.string()), (pa.float64(), pa.string())]
    for number, text in kinds:
        row = pa.record_batch([pa.array([6], number), pa.array(["FRANCE"], text)], names=["b", "a"])
        assert prepared(connection, sql, row).to_pydict() == {"n_name": ["FRANCE"]}


def test_null_parameters_are_bound(connection: flight_sql.Connection) -> None:
    sql = "select n_name from sales.nation where n_nationkey = ? or n_name is null"
    for nothing in (pa.nulls(1), pa.nulls(1, pa.int64()), pa.nulls(1, pa.string())):
        assert prepared(connection, sql, pa.record_batch([nothing], names=["0"])).num_rows == 0


def test_parameters_are_refused_when_they_do_not_fit(connection: flight_sql.Connection) -> None:
    sql = "select n_name from sales.nation where n_nationkey = ?"
    for parameters in ([1, 2], ["seven"]):
        code, text = refusal(lambda parameters=parameters: prepared(connection, sql, parameters))
        assert code == AdbcStatusCode.INVALID_ARGUMENT, text
        assert "parameter" in text
    code, text = refusal(lambda: prepared(connection, sql))
    assert (code, "parameter" in text) == (AdbcStatusCode.INVALID_ARGUMENT, True)


def test_parameters_of_more_than_a_megabyte_are_refused(connection: flight_sql.Connection) -> None:
    sql = "select n_name from sales.nation where n_name = ?"
    code, text = refusal(lambda: prepared(connection, sql, ["x" * (1 << 20)]))
    assert "too large" in text, code


def test_a_partition_is_read_by_another_connection_of_the_same_user(server: Server, connection: flight_sql.Connection) -> None:
    with connection.cursor() as cursor:
        partitions, schema = cursor.adbc_execute_partitions("select * from sales.nation")
    rows = 0
    with connect(server) as other, other.cursor() as cursor:
        for partition in partitions:
            cursor.adbc_read_partition(partition)
            table = cursor.fetch_arrow_table()
            assert table.schema.equals(schema)
            rows += table.num_rows
    assert rows == 25


@pytest.mark.parametrize("thief", [RESTRICTED_USER, STRANGER])
def test_a_partition_is_of_no_use_to_another_user(server: Server, connection: flight_sql.Connection, thief: str) -> None:
    with connection.cursor() as cursor:
        partitions, _ = cursor.adbc_execute_partitions("select * from hr.employees")

    def read(user: str) -> None:
        with connect(server, user) as other, other.cursor() as cursor:
            cursor.adbc_read_partition(partitions[0])
            cursor.fetch_arrow_table()

    code, text = refusal(lambda: read(thief))
    assert code in (AdbcStatusCode.UNAUTHORIZED, AdbcStatusCode.UNKNOWN), text
    assert "employees" not in text


def test_cancel_ends_a_running_statement_and_keeps_the_connection(connection: flight_sql.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MANY_ROWS)
        reader = cursor.fetch_record_batch()
        reader.read_next_batch()
        canceller = threading.Timer(0.2, cursor.adbc_cancel)
        canceller.start()
        assert "cancel" in stream_failure(reader).lower()
        canceller.join()
    assert direct(connection, "select 1 as one").to_pydict() == {"one": [1]}


def test_a_result_may_be_left_unread(connection: flight_sql.Connection) -> None:
    for _ in range(5):
        with connection.cursor() as cursor:
            cursor.execute(MANY_ROWS)
            cursor.fetch_record_batch().read_next_batch()
    assert direct(connection, "select 1 as one").to_pydict() == {"one": [1]}


def test_the_deadline_of_a_query_is_kept(connection: flight_sql.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.adbc_statement.set_options(**{StatementOptions.TIMEOUT_QUERY.value: 0.001})
        cursor.adbc_statement.set_sql_query("select count(*) from sales.lineitem")
        code, _ = refusal(cursor.adbc_statement.execute_query)
    assert code == AdbcStatusCode.TIMEOUT


def test_the_deadline_of_a_fetch_is_kept_while_the_result_streams(connection: flight_sql.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.adbc_statement.set_options(**{StatementOptions.TIMEOUT_FETCH.value: 0.5})
        cursor.adbc_statement.set_sql_query(MANY_ROWS)
        stream, _ = cursor.adbc_statement.execute_query()
        reader = pa.RecordBatchReader.from_stream(stream)
        assert "DeadlineExceeded" in stream_failure(reader)


def test_cookies_do_no_harm(server: Server) -> None:
    with connect(server, **{DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true"}) as connection:
        for _ in range(3):
            assert direct(connection, "select 1 as one").to_pydict() == {"one": [1]}


def test_the_catalog_is_a_session_option(connection: flight_sql.Connection) -> None:
    assert connection.adbc_current_catalog == "awsdatacatalog"
    connection.adbc_current_catalog = "awsdatacatalog"
    with pytest.raises(Error, match="catalog"):
        connection.adbc_current_catalog = "another"
    options = connection.adbc_connection.get_option(ConnectionOptions.OPTION_SESSION_OPTIONS.value)
    assert '"catalog":"awsdatacatalog"' in options


def test_an_option_that_nobody_knows_is_refused_by_its_name(connection: flight_sql.Connection) -> None:
    option = {f"{ConnectionOptions.OPTION_SESSION_OPTION_PREFIX.value}colour": "green"}
    _, text = refusal(lambda: connection.adbc_connection.set_options(**option))
    assert "colour" in text


def test_headers_of_a_connection_reach_the_server(server: Server) -> None:
    with connect(server, **{f"{HEADER}x-lakegate-timestamp-as-of": "no moment"}) as connection:
        code, text = refusal(lambda: direct(connection, "select count(*) from sales.nation"))
    assert (code, "no moment" in text) == (AdbcStatusCode.INVALID_ARGUMENT, True)
    with connect(server, **{f"{HEADER}x-of-another-server": "is ignored"}) as connection:
        assert direct(connection, "select 1 as one").to_pydict() == {"one": [1]}


def test_transactions_are_said_to_be_missing(server: Server) -> None:
    with pytest.warns(Warning, match="autocommit"):
        plain = flight_sql.connect(server.url, db_kwargs={"username": "analyst", "password": "analyst"})
    with plain:
        assert direct(plain, "select 1 as one").to_pydict() == {"one": [1]}
        plain.commit()


WRITES: dict[str, Callable[[flight_sql.Cursor], object]] = {
    "update": lambda cursor: cursor.adbc_statement.execute_update(),
    "insert": lambda cursor: cursor.execute("insert into sales.region values (9, 'MOON', '')"),
    "executemany": lambda cursor: cursor.executemany("delete from sales.region where r_name = ?", [("ASIA",), ("EUROPE",)]),
    "ingest": lambda cursor: cursor.adbc_ingest("moon", pa.table({"a": [1]})),
}


@pytest.mark.parametrize("write", WRITES)
def test_what_would_write_is_refused_as_read_only(connection: flight_sql.Connection, write: str) -> None:
    with connection.cursor() as cursor:
        cursor.adbc_statement.set_sql_query("create table moon (a int)")
        code, text = refusal(lambda: WRITES[write](cursor))
    assert code in (AdbcStatusCode.INVALID_ARGUMENT, AdbcStatusCode.NOT_IMPLEMENTED)
    assert "read-only" in text


REFUSALS = {
    "selec 1": AdbcStatusCode.INVALID_ARGUMENT,
    "select 1; select 2": AdbcStatusCode.INVALID_ARGUMENT,
    "select nothing from sales.nation": AdbcStatusCode.INVALID_ARGUMENT,
    "select * from sales.nothing": AdbcStatusCode.NOT_FOUND,
    "select * from nowhere.nothing": AdbcStatusCode.NOT_FOUND,
    "select " + "(" * 5000 + "1" + ")" * 5000: AdbcStatusCode.INVALID_ARGUMENT,
}


@pytest.mark.parametrize("sql", REFUSALS, ids=lambda sql: sql[:24])
def test_a_wrong_statement_is_refused_with_the_right_code(connection: flight_sql.Connection, sql: str) -> None:
    for run in (direct, prepared):
        code, text = refusal(lambda run=run: run(connection, sql))
        assert code == REFUSALS[sql], text
        assert "panic" not in text


def test_an_error_while_rows_flow_reaches_the_reader(connection: flight_sql.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select 1 / (l_linenumber - 7) from sales.lineitem")
        assert "division by zero" in stream_failure(cursor.fetch_record_batch())


def test_who_is_not_known_is_refused(server: Server) -> None:
    logins = [
        {"username": "analyst", "password": "wrong"},
        {"username": "nobody", "password": "nobody"},
        {DatabaseOptions.AUTHORIZATION_HEADER.value: "Bearer nonsense"},
        {DatabaseOptions.AUTHORIZATION_HEADER.value: "Basic nonsense"},
        {},
    ]
    for login in logins:
        with pytest.raises(Error) as caught, flight_sql.connect(server.url, db_kwargs=login, autocommit=True) as connection:
            direct(connection, "select 1")
        assert caught.value.status_code == AdbcStatusCode.UNAUTHENTICATED, login
