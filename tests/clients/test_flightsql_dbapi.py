"""flightsql-dbapi: an older driver on top of pyarrow.flight, with a dialect for SQLAlchemy 1.4."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
import sqlalchemy
from comparison import assert_same
from every_type import DATABASE, EXPECTED, TABLE
from flightsql import FlightSQLClient
from flightsql import connect as connect_dbapi
from flightsql.client import TableRef
from lake import RESTRICTED_USER, UNRESTRICTED_USER
from processes import Server

WHOLE = f"select * from {DATABASE}.{TABLE} order by id"


def open_client(server: Server, user: str = UNRESTRICTED_USER) -> FlightSQLClient:
    host, port = server.address.split(":")
    return FlightSQLClient(host=host, port=int(port), user=user, password=user, insecure=True)


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[FlightSQLClient]:
    client = open_client(server)
    yield client
    client.close()


@pytest.fixture(scope="module")
def engine(server: Server) -> Iterator[sqlalchemy.engine.Engine]:
    login = f"{UNRESTRICTED_USER}:{UNRESTRICTED_USER}"
    engine = sqlalchemy.create_engine(f"datafusion://{login}@{server.address}?insecure=True")
    yield engine
    engine.dispose()


def read(client: FlightSQLClient, info) -> pa.Table:
    return client.do_get(info.endpoints[0].ticket).read_all()


def test_every_type_is_equal(client: FlightSQLClient) -> None:
    assert_same(read(client, client.execute(WHOLE)), EXPECTED)


def test_rows_come_as_python_values(client: FlightSQLClient) -> None:
    """Through pandas, which has no NULL for most types: those are compared above."""
    cursor = connect_dbapi(client).cursor()
    cursor.execute(f"select id, text, boolean, long from {DATABASE}.{TABLE} where id in (2, 3) order by id")
    assert [column[0] for column in cursor.description] == ["id", "text", "boolean", "long"]
    assert cursor.fetchall() == [[2, "", True, -(2**63)], [3, " padded\t\r\n", False, 0]]


def test_a_prepared_statement_without_parameters(client: FlightSQLClient) -> None:
    with client.prepare("select r_name from sales.region order by 1 limit 1") as prepared:
        assert read(client, prepared.execute(None)).to_pydict() == {"r_name": ["AFRICA"]}


def test_parameters_are_refused_because_this_driver_ignores_the_handle_that_holds_them(client: FlightSQLClient) -> None:
    cursor = connect_dbapi(client).cursor()
    with pytest.raises(pa.ArrowInvalid, match="use the handle that binding returns"):
        cursor.execute("select r_name from sales.region where r_regionkey = ?", (3,))


def test_browsing(client: FlightSQLClient) -> None:
    nation = TableRef(db_schema="sales", table="nation")
    assert read(client, client.get_catalogs())["catalog_name"].to_pylist() == ["awsdatacatalog"]
    assert read(client, client.get_db_schemas())["db_schema_name"].to_pylist() == ["hr", "sales", DATABASE]
    assert read(client, client.get_table_types())["table_type"].to_pylist() == ["TABLE"]
    tables = read(client, client.get_tables(db_schema_filter_pattern="sales", table_name_filter_pattern="n%"))
    assert tables["table_name"].to_pylist() == ["nation"]
    for answer in (client.get_primary_keys(nation), client.get_exported_keys(nation), client.get_imported_keys(nation)):
        assert read(client, answer).num_rows == 0
    assert read(client, client.get_xdbc_type_info(12))["type_name"].to_pylist()
    assert read(client, client.get_sql_info([0, 2, 3, 504]))["info_name"].to_pylist() == [0, 2, 3, 504]


def test_a_wrong_password_is_refused(server: Server) -> None:
    host, port = server.address.split(":")
    with pytest.raises(pa.flight.FlightUnauthenticatedError):
        FlightSQLClient(host=host, port=int(port), user=UNRESTRICTED_USER, password="wrong", insecure=True)


def test_a_user_sees_what_is_granted(server: Server) -> None:
    client = open_client(server, RESTRICTED_USER)
    table = read(client, client.execute("select distinct country, active from hr.employees"))
    assert table.to_pylist() == [{"country": "FR", "active": True}]
    client.close()


def test_sqlalchemy_reads_rows(engine: sqlalchemy.engine.Engine) -> None:
    with engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text("select n_name from sales.nation where n_regionkey = 3 order by 1"))
        assert [row[0] for row in rows] == ["FRANCE", "GERMANY", "ROMANIA", "RUSSIA", "UNITED KINGDOM"]


def test_sqlalchemy_reflects_tables(engine: sqlalchemy.engine.Engine) -> None:
    inspector = sqlalchemy.inspect(engine)
    assert inspector.get_schema_names() == ["hr", "sales", DATABASE]
    assert inspector.get_table_names(schema="hr") == ["departments", "employees"]
    columns = inspector.get_columns("nation", schema="sales")
    assert [column["name"] for column in columns] == ["n_nationkey", "n_name", "n_regionkey", "n_comment"]
