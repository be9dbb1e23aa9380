"""The connection against a running server: queries, PEP 249, tokens, data frames."""

from __future__ import annotations

import datetime
import sys
from decimal import Decimal

import adbc_driver_manager.dbapi
import pyarrow as pa
import pytest

import lakegate

PARAMETER = "select n_name from sales.nation where n_regionkey = ? order by n_name limit 1"


def test_it_is_adbcs_connection(lake: lakegate.Connection) -> None:
    assert isinstance(lake, adbc_driver_manager.dbapi.Connection)
    assert lake.adbc_get_info()["vendor_name"] == "Lakegate"


def test_a_query_returns_a_table(lake: lakegate.Connection) -> None:
    table = lake.query("select 1 as one, 'x' as letter")
    assert table.to_pydict() == {"one": [1], "letter": ["x"]}


def test_a_query_without_rows_returns_its_columns(lake: lakegate.Connection) -> None:
    table = lake.query("select 1 as one where false")
    assert (table.column_names, table.num_rows) == (["one"], 0)


def test_parameters_are_bound(lake: lakegate.Connection) -> None:
    assert lake.query(PARAMETER, [3]).to_pydict() == {"n_name": ["FRANCE"]}


def test_a_refused_statement_raises_and_the_connection_stays_usable(lake: lakegate.Connection) -> None:
    with pytest.raises(lakegate.ProgrammingError):
        lake.query("selekt 1")
    assert lake.query("select 2 as two").to_pydict() == {"two": [2]}


@pytest.mark.parametrize("sql", ["create table sales.x (a int)", "insert into sales.nation values (1)", "begin"])
def test_what_writes_is_not_supported(lake: lakegate.Connection, sql: str) -> None:
    with pytest.raises(lakegate.NotSupportedError, match="read-only"):
        lake.query(sql)


def test_the_reason_is_told_for_a_refused_statement_with_parameters(lake: lakegate.Connection) -> None:
    with pytest.raises(lakegate.NotSupportedError, match="read-only"):
        lake.query("delete from sales.nation where n_regionkey = ?", [3])


def test_batches_arrive_one_by_one_and_may_be_left(lake: lakegate.Connection) -> None:
    sql = "select l_orderkey, l_comment from sales.lineitem"
    batches = lake.batches(sql)
    assert next(batches).num_rows > 0
    batches.close()  # type: ignore[attr-defined]
    assert sum(batch.num_rows for batch in lake.batches(sql)) == lake.query(sql).num_rows


def test_one_call_connects_and_asks(url: str) -> None:
    table = lakegate.query("select 1 as one", url=url, user="analyst", password="analyst")
    assert table.to_pydict() == {"one": [1]}


def test_pandas_frames(lake: lakegate.Connection) -> None:
    pandas = pytest.importorskip("pandas")
    frame = lake.df("select n_regionkey, n_name from sales.nation where n_regionkey < ?", [2])
    assert isinstance(frame, pandas.DataFrame)
    assert frame.groupby("n_regionkey").size().to_dict() == {0: 5, 1: 5}


def test_pandas_reads_from_the_connection(lake: lakegate.Connection) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_sql("select * from hr.employees where id <= 3 order by id", lake)
    assert frame["id"].to_list() == [1, 2, 3]
    assert frame["hired_on"].iloc[0] == datetime.date(2014, 9, 20)


def test_polars_frames(lake: lakegate.Connection) -> None:
    polars = pytest.importorskip("polars")
    frame = lake.pl("select id, salary from hr.employees where id <= ? order by id", [3])
    assert frame.schema == {"id": polars.Int64, "salary": polars.Decimal(12, 2)}
    assert frame["id"].to_list() == [1, 2, 3]


def test_polars_reads_from_the_connection(lake: lakegate.Connection) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.read_database("select id, salary, hired_on from hr.employees where id <= 3 order by id", lake)
    assert frame["id"].to_list() == [1, 2, 3]
    assert frame.schema["hired_on"] == polars.Date


@pytest.mark.parametrize(("method", "package"), [("df", "pandas"), ("pl", "polars")])
def test_a_missing_package_is_named(
    lake: lakegate.Connection, monkeypatch: pytest.MonkeyPatch, method: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=f"pip install {package}"):
        getattr(lake, method)("select 1")


# Logins


def test_a_wrong_password_is_refused(url: str) -> None:
    with pytest.raises(lakegate.ProgrammingError, match="(?i)password is wrong"):
        lakegate.connect(url, "analyst", "wrong")


def test_a_token_stands_for_its_user(url: str) -> None:
    token = lakegate.login(url, "support", "support")
    with lakegate.connect(url, token=token) as connection:
        assert "ssn" not in connection.query("select * from hr.employees limit 1").column_names
    with lakegate.connect(url, "token", token.reveal()) as connection:
        assert connection.query("select 1 as one").num_rows == 1


def test_a_login_is_refused_with_the_exception_of_a_connection(url: str) -> None:
    with pytest.raises(lakegate.ProgrammingError, match="(?i)password is wrong"):
        lakegate.login(url, "analyst", "wrong")
    with pytest.raises(lakegate.OperationalError):
        lakegate.login("grpc://127.0.0.1:1", "analyst", "analyst", timeout=5)


def test_a_wrong_token_is_refused_by_the_first_query(url: str) -> None:
    with lakegate.connect(url, token="abc") as connection, pytest.raises(lakegate.Error, match="log in again"):
        connection.query("select 1")


def test_headers_are_sent(url: str) -> None:
    moment = {"X-Lakegate-Timestamp-As-Of": "1999-01-01"}
    with (
        lakegate.connect(url, "analyst", "analyst", headers=moment) as connection,
        pytest.raises(lakegate.Error),
    ):
        connection.query("select * from sales.nation")


# PEP 249


def test_the_module_is_a_dbapi_module() -> None:
    assert (lakegate.apilevel, lakegate.threadsafety, lakegate.paramstyle) == ("2.0", 1, "qmark")
    assert issubclass(lakegate.ProgrammingError, lakegate.DatabaseError)
    assert issubclass(lakegate.DatabaseError, lakegate.Error)
    assert issubclass(lakegate.InterfaceError, lakegate.Error)
    assert lakegate.Binary(b"x") == b"x"
    assert lakegate.Date(2026, 1, 31) == datetime.date(2026, 1, 31)


def test_a_description_has_types_that_compare_with_the_modules(lake: lakegate.Connection) -> None:
    sql = "select id, name, salary, hired_on, x'00' as raw, now() as at from hr.employees limit 0"
    description = lake.execute(sql).description
    assert description is not None
    assert all(len(column) == 7 for column in description)
    expected = [
        lakegate.NUMBER, lakegate.STRING, lakegate.NUMBER, lakegate.DATETIME, lakegate.BINARY, lakegate.DATETIME,
    ]  # fmt: skip
    assert [column[1] for column in description] == expected
    assert description[0][1] != lakegate.STRING
    assert description[2][4:6] == (12, 2)


def test_rows_are_fetched_one_many_or_all(lake: lakegate.Connection) -> None:
    cursor = lake.cursor()
    assert (cursor.description, cursor.rownumber) == (None, None)
    cursor.execute("select id from hr.employees order by id limit 10")
    assert cursor.fetchone() == (1,)
    assert cursor.fetchmany() == [(2,)]
    cursor.arraysize = 2
    assert cursor.fetchmany() == [(3,), (4,)]
    assert cursor.fetchmany(3) == [(5,), (6,), (7,)]
    assert cursor.rownumber == 7
    assert next(cursor) == (8,)
    assert cursor.fetchall() == [(9,), (10,)]
    assert (cursor.fetchone(), cursor.fetchmany(2), cursor.fetchall()) == (None, [], [])
    cursor.execute("select 1")
    assert list(cursor) == [(1,)]


def test_rows_are_plain_python_values(lake: lakegate.Connection) -> None:
    sql = """
        select cast('2026-01-31 12:00:00.000001' as timestamp), cast('12.50' as decimal(12, 2)), [1, null],
               named_struct('at', cast('2026-01-31 12:00:00' as timestamp)), x'00ff', cast(null as date),
               time '01:02:03'
    """
    (row,) = lake.execute(sql).fetchall()
    assert row == (
        datetime.datetime(2026, 1, 31, 12, 0, 0, 1),
        Decimal("12.50"),
        [1, None],
        {"at": datetime.datetime(2026, 1, 31, 12)},
        b"\x00\xff",
        None,
        datetime.time(1, 2, 3),
    )
    assert type(row[0]) is datetime.datetime


def test_rows_are_those_of_the_table(lake: lakegate.Connection) -> None:
    sql = "select * from hr.employees order by id"
    rows = lake.execute(sql).fetchall()
    assert rows == list(zip(*(column.to_pylist() for column in lake.query(sql).columns), strict=True))


def test_a_result_that_broke_off_never_looks_complete(lake: lakegate.Connection) -> None:
    cursor = lake.execute("select 1 / (id - 9000) from hr.employees order by id")
    for _ in range(2):
        with pytest.raises(lakegate.Error):
            cursor.fetchall()


def test_nothing_works_on_what_is_closed(url: str) -> None:
    connection = lakegate.connect(url, "analyst", "analyst")
    cursor = connection.execute("select 1")
    cursor.close()
    for use in (cursor.fetchone, cursor.fetchall, lambda: cursor.execute("select 1")):
        with pytest.raises(lakegate.Error):
            use()
    connection.close()
    for use in (connection.cursor, connection.commit, connection.rollback, lambda: connection.query("select 1")):
        with pytest.raises(lakegate.Error):
            use()


def test_fetching_before_a_query_is_an_error(lake: lakegate.Connection) -> None:
    with pytest.raises(lakegate.ProgrammingError, match="no result"):
        lake.cursor().fetchone()


def test_a_clone_is_a_connection_of_its_own(lake: lakegate.Connection) -> None:
    with lake.adbc_clone() as clone:
        assert isinstance(clone, lakegate.Connection)
        assert clone.query("select 1 as one") == lake.query("select 1 as one")
    assert lake.query("select 1").num_rows == 1


def test_a_timeout_ends_a_query(url: str) -> None:
    with lakegate.connect(url, "analyst", "analyst", timeout=0.000_001) as connection, pytest.raises(lakegate.Error):
        connection.query("select count(*) from sales.lineitem a join sales.lineitem b on a.l_tax = b.l_tax")


def test_arrow_types_are_kept(lake: lakegate.Connection) -> None:
    table = lake.query("select salary, hired_on from hr.employees limit 1")
    assert table.schema.types == [pa.decimal128(12, 2), pa.date32()]


def test_what_set_and_use_change_holds_for_the_connection(lake: lakegate.Connection) -> None:
    with lake.cursor() as cursor:
        cursor.execute("use sales")
        cursor.execute("select count(*) from nation")
        assert cursor.fetchone() == (25,)
        cursor.execute("set statement_timeout = '7s'")
        cursor.execute("show statement_timeout")
        assert cursor.fetchone()[-1] == "7s"
