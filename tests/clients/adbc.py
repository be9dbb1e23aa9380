"""What the tests of the ADBC driver share: connections and the two ways to run a statement."""

from __future__ import annotations

import adbc_driver_flightsql.dbapi as flight_sql
import pyarrow as pa
from lake import UNRESTRICTED_USER
from processes import Server


def connect(server: Server, user: str = UNRESTRICTED_USER, **options: str) -> flight_sql.Connection:
    """A connection of a user, whose password is the user's name. `options` have dots in their names."""
    login = {"username": user, "password": user}
    return flight_sql.connect(server.url, db_kwargs=login | options, autocommit=True)


def prepared(connection: flight_sql.Connection, sql: str, parameters: object = None) -> pa.Table:
    """Prepares and runs a statement, as the DB-API always does."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetch_arrow_table()


def direct(connection: flight_sql.Connection, sql: str) -> pa.Table:
    """Runs a statement without preparing it, as the drivers of other languages do."""
    with connection.cursor() as cursor:
        cursor.adbc_statement.set_sql_query(sql)
        stream, _ = cursor.adbc_statement.execute_query()
        return pa.RecordBatchReader.from_stream(stream).read_all()
