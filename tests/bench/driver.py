"""The stock driver (ADBC for Flight SQL), as all sections and all Flight SQL servers use it.

Statements run directly, not prepared: the cursor's own `execute` prepares first, which costs some servers a second
planning or even a second execution, and would make the comparison one of prepared statements.
"""

from __future__ import annotations

import adbc_driver_flightsql.dbapi as flight_sql
import pyarrow as pa

LARGEST_MESSAGE = 64 << 20
SECONDS_PER_CALL = 600


class Connection:
    """A kept connection to one Flight SQL server. A password is the user's name, as everywhere in the sample lake."""

    def __init__(self, url: str, user: str | None = None) -> None:
        options = {
            "adbc.flight.sql.client_option.with_max_msg_size": str(LARGEST_MESSAGE),
            "adbc.flight.sql.rpc.timeout_seconds.query": str(SECONDS_PER_CALL),
            "adbc.flight.sql.rpc.timeout_seconds.fetch": str(SECONDS_PER_CALL),
        }
        if user:
            options |= {"username": user, "password": user}
        self.kept = flight_sql.connect(url, db_kwargs=options, autocommit=True)

    def read(self, sql: str) -> tuple[int, int]:
        """Reads all of a result, keeps nothing of it, and returns its rows and its bytes in Arrow's form."""
        rows = size = 0
        with self.kept.cursor() as cursor:
            for batch in _batches(cursor, sql):
                rows += batch.num_rows
                size += batch.nbytes
        return rows, size

    def rows(self, sql: str) -> int:
        return self.read(sql)[0]

    def table(self, sql: str) -> pa.Table:
        with self.kept.cursor() as cursor:
            return _batches(cursor, sql).read_all()

    def close(self) -> None:
        self.kept.close()


def _batches(cursor, sql: str) -> pa.RecordBatchReader:
    statement = cursor.adbc_statement
    statement.set_sql_query(sql)
    handle, _ = statement.execute_query()
    return pa.RecordBatchReader.from_stream(handle)
