"""The two engines that are asked: Lakegate over ADBC, and DuckDB in this process.

DuckDB divides integers as standard SQL does when it is told to, and works on one thread: its answers are awaited one by one,
and the processors belong to the server.
"""

from __future__ import annotations

import adbc_driver_flightsql.dbapi as flight_sql
import duckdb
import pyarrow as pa
from adbc_driver_flightsql import DatabaseOptions
from adbc_driver_manager import Error

from .tables import INTEGERS, SCHEMA, TYPES
from .values import Answer, answer

HEADER = DatabaseOptions.RPC_CALL_HEADER_PREFIX.value
SETTINGS = "set timezone = 'UTC'; set integer_division = true; set threads = 1"


class Lakegate:
    """A connection of a user, whose password is the user's name. `options` are headers of its calls."""

    def __init__(self, url: str, user: str, **options: str) -> None:
        login = {"username": user, "password": user}
        headers = {f"{HEADER}{name.replace('_', '-')}": text for name, text in options.items()}
        self.connection = flight_sql.connect(url, db_kwargs=login | headers, autocommit=True)

    def ask(self, sql: str) -> Answer:
        """Runs a statement as most drivers do, without preparing it."""
        try:
            with self.connection.cursor() as cursor:
                cursor.adbc_statement.set_sql_query(sql)
                stream, _ = cursor.adbc_statement.execute_query()
                return answer(pa.RecordBatchReader.from_stream(stream).read_all())
        except (Error, pa.ArrowException, OSError) as error:
            return Answer(error=str(error))

    def ask_prepared(self, sql: str) -> Answer:
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql)
                return answer(cursor.fetch_arrow_table())
        except (Error, pa.ArrowException, OSError) as error:
            return Answer(error=str(error))

    def close(self) -> None:
        self.connection.close()


class Duck:
    """A database in memory with the same tables."""

    def __init__(self, tables: dict[str, pa.Table], wide: bool = False) -> None:
        self.connection = duckdb.connect()
        self.connection.execute(f"{SETTINGS}; create schema {SCHEMA}")
        for name, rows in tables.items():
            self.connection.register("arriving", rows)
            columns = ", ".join(column(each, wide) for each in rows.column_names)
            self.connection.execute(f"create table {SCHEMA}.{name} as select {columns} from arriving")
            self.connection.unregister("arriving")

    def cursor(self) -> Duck:
        """The same database for another thread. Settings are a connection's own."""
        other = object.__new__(Duck)
        other.connection = self.connection.cursor()
        other.connection.execute(SETTINGS)
        return other

    def ask(self, sql: str) -> Answer:
        try:
            return answer(self.connection.sql(sql).to_arrow_table())
        except (duckdb.Error, pa.ArrowException) as error:
            return Answer(error=str(error))
        except AttributeError:
            return Answer(error="no result")

    def rows(self, sql: str, schema: pa.Schema) -> pa.Table:
        return self.connection.sql(sql).to_arrow_table().cast(schema)


def column(name: str, wide: bool) -> str:
    return f"{name}::hugeint as {name}" if wide and TYPES[name] in INTEGERS else name
