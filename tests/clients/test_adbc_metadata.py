"""What ADBC tells about the server and the lake: the calls that tools make to fill their trees and dialogs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import adbc_driver_flightsql.dbapi as flight_sql
import pytest
from adbc import connect
from adbc_driver_manager import AdbcStatusCode, Error
from every_type import COLUMNS, DATABASE, EMPTY, TABLE
from lake import HIDDEN_COLUMN_USER, STRANGER
from processes import Server

CATALOG = "awsdatacatalog"
SALES = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"]
TABLES = {"hr": ["departments", "employees"], "sales": SALES, DATABASE: [TABLE, EMPTY]}


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[flight_sql.Connection]:
    with connect(server) as connection:
        yield connection


def objects(connection: flight_sql.Connection, depth: str, **filters: Any) -> list[dict[str, Any]]:
    return connection.adbc_get_objects(depth=depth, **filters).read_all().to_pylist()


def databases(found: list[dict[str, Any]]) -> dict[str, Any]:
    assert [catalog["catalog_name"] for catalog in found] == [CATALOG]
    return {each["db_schema_name"]: each["db_schema_tables"] for each in found[0]["catalog_db_schemas"]}


def names(tables: list[dict[str, Any]] | None) -> list[str]:
    return [table["table_name"] for table in tables or []]


def test_the_server_says_what_it_is(connection: flight_sql.Connection) -> None:
    told = connection.adbc_get_info()
    assert told["vendor_name"] == "Lakegate"
    assert told["vendor_version"].count(".") == 2
    assert told["vendor_arrow_version"]


def test_there_is_one_type_of_table(connection: flight_sql.Connection) -> None:
    assert connection.adbc_get_table_types() == ["TABLE"]


def test_catalogs(connection: flight_sql.Connection) -> None:
    assert [each["catalog_name"] for each in objects(connection, "catalogs")] == [CATALOG]
    assert [each["catalog_name"] for each in objects(connection, "catalogs", catalog_filter=CATALOG)] == [CATALOG]
    assert objects(connection, "catalogs", catalog_filter="another") == []


def test_databases(connection: flight_sql.Connection) -> None:
    assert list(databases(objects(connection, "db_schemas"))) == sorted(TABLES)
    for pattern, expected in {"sales": ["sales"], "s%": ["sales"], "h_": ["hr"], "another": [], "": []}.items():
        assert list(databases(objects(connection, "db_schemas", db_schema_filter=pattern))) == expected, pattern


def test_tables(connection: flight_sql.Connection) -> None:
    found = databases(objects(connection, "tables"))
    assert {database: names(tables) for database, tables in found.items()} == TABLES
    assert {table["table_type"] for tables in found.values() for table in tables} == {"TABLE"}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("nation", ["nation"]),
        ("part%", ["part", "partsupp"]),
        ("p_rt", ["part"]),
        ("no\\_rows", ["no_rows"]),
        ("NATION", ["nation"]),
    ],
)
def test_patterns_of_table_names(connection: flight_sql.Connection, pattern: str, expected: list[str]) -> None:
    found = databases(objects(connection, "tables", table_name_filter=pattern))
    assert [name for tables in found.values() for name in names(tables)] == expected


def test_filters_of_table_types(connection: flight_sql.Connection) -> None:
    assert names(databases(objects(connection, "tables", table_types_filter=["TABLE"]))["hr"]) == TABLES["hr"]
    assert names(databases(objects(connection, "tables", table_types_filter=["VIEW"]))["hr"]) == []
    assert names(databases(objects(connection, "tables", table_types_filter=["VIEW", "TABLE"]))["hr"]) == TABLES["hr"]


@pytest.mark.parametrize("depth", ["columns", "all"])
def test_columns(connection: flight_sql.Connection, depth: str) -> None:
    found = databases(objects(connection, depth, db_schema_filter=DATABASE, table_name_filter=TABLE))[DATABASE]
    assert names(found) == [TABLE]
    columns = found[0]["table_columns"]
    assert [(each["column_name"], each["ordinal_position"]) for each in columns] == [
        (column.name, position) for position, column in enumerate(COLUMNS, start=1)
    ]


def test_columns_of_all_tables(connection: flight_sql.Connection) -> None:
    found = databases(objects(connection, "all"))
    assert {database: names(tables) for database, tables in found.items()} == TABLES
    assert all(table["table_columns"] for tables in found.values() for table in tables)


def test_filters_of_column_names(connection: flight_sql.Connection) -> None:
    found = databases(objects(connection, "all", db_schema_filter="sales", table_name_filter="nation", column_name_filter="n_n%"))
    columns = found["sales"][0]["table_columns"]
    assert [each["column_name"] for each in columns] == ["n_nationkey", "n_name"]


def test_a_user_browses_what_is_granted_and_nothing_else(server: Server) -> None:
    with connect(server, HIDDEN_COLUMN_USER) as connection:
        found = databases(objects(connection, "all"))
        columns = [each["column_name"] for table in found[DATABASE] for each in table["table_columns"]]
        assert (names(found[DATABASE]), columns) == ([TABLE], ["id", "text"])
        schema = connection.adbc_get_table_schema(TABLE, db_schema_filter=DATABASE)
        assert schema.names == ["id", "text"]
    with connect(server, STRANGER) as connection:
        assert databases(objects(connection, "all")) == {}


def test_the_schema_of_a_table_that_is_not_there(connection: flight_sql.Connection) -> None:
    with pytest.raises(Error) as caught:
        connection.adbc_get_table_schema("nothing", db_schema_filter="sales")
    assert caught.value.status_code == AdbcStatusCode.NOT_FOUND
