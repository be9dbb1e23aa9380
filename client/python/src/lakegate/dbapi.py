"""The connection: ADBC's DB-API connection, with one call per result."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import adbc_driver_flightsql
import adbc_driver_manager
import adbc_driver_manager.dbapi
import pyarrow as pa
from adbc_driver_manager import AdbcStatusCode, ProgrammingError
from adbc_driver_manager._lib import _blocking_call

from ._options import Arguments, Token, endpoint, header_options
from ._rows import Row, Rows

if TYPE_CHECKING:
    import pandas
    import polars
    from typing_extensions import Self

__all__ = ["Connection", "Cursor", "connect"]


class Cursor(adbc_driver_manager.dbapi.Cursor):
    """A DB-API cursor; :meth:`Connection.cursor` makes it.

    Rows are tuples of plain Python values: ``datetime`` for timestamps, ``Decimal``, lists, dictionaries for structs,
    lists of pairs for maps. All the methods of ADBC's cursor are there too, such as ``fetch_arrow_table``.
    """

    _rows: tuple[object, Rows] | None = None

    @property
    def description(self) -> list[tuple[Any, ...]] | None:
        """Name, Arrow type, and for decimals precision and scale of each column; see PEP 249."""
        columns = super().description
        if columns is None:
            return None
        return [(name, kind, None, None, *_precision(kind), None) for name, kind, *_ in columns]

    @property
    def rownumber(self) -> int | None:
        """How many rows were fetched, or None without a result."""
        if self._results is None:
            return None
        return self._opened().number

    def execute(self, operation: bytes | str, parameters: Any = None) -> Self:
        """Run a query; see PEP 249.

        :param operation: SQL, or a Substrait plan as bytes.
        :param parameters: a value for each ``?``, in their order.
        """
        try:
            return super().execute(operation, parameters)
        except ProgrammingError as error:
            if error.status_code == AdbcStatusCode.INVALID_STATE and parameters is not None:
                # The driver manager passes over a statement that the server refuses to prepare, and fails later on its
                # parameters. Asking again tells the reason.
                self.adbc_statement.prepare()
            raise

    def fetchone(self) -> Row | None:
        """Fetch the next row, or None at the end."""
        return next(self._opened(), None)

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """Fetch the next rows, at most ``size`` or else ``arraysize`` of them."""
        return list(islice(self._opened(), self.arraysize if size is None else size))

    def fetchall(self) -> list[Row]:
        """Fetch all rows that are left."""
        return list(self._opened())

    def fetch_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows that are left as they arrive, in bounded memory."""
        next_batch = self._batch_source()
        while True:
            try:
                yield next_batch()
            except StopIteration:
                return

    def _opened(self) -> Rows:
        if self._rows is None or self._rows[0] is not self._results:
            self._rows = (self._results, Rows(self._batch_source()))
        return self._rows[1]

    def _batch_source(self) -> Callable[[], pa.RecordBatch]:
        results = self._results
        if results is None:
            raise ProgrammingError("there is no result to fetch from", status_code=AdbcStatusCode.INVALID_STATE)
        reader, cancel = results.reader, self.adbc_statement.cancel
        # Through the driver manager's own way to wait, so that Ctrl-C cancels the query and errors are DB-API errors.
        return lambda: _blocking_call(reader.read_next_batch, (), {}, cancel)


class Connection(adbc_driver_manager.dbapi.Connection):
    """A logged-in connection; :func:`connect` makes it. Use it in a ``with`` statement, or call :meth:`close`.

    It is a DB-API 2.0 connection in autocommit mode, because a Lakegate server only reads, and has the methods of
    ADBC's connection (``adbc_get_objects``, ``adbc_get_table_schema``, …). It may be used by one thread at a time.
    """

    def cursor(self, *, adbc_stmt_kwargs: Mapping[str, Any] | None = None) -> Cursor:
        """Make a cursor.

        :param adbc_stmt_kwargs: options of the driver for this statement.
        """
        cursor = Cursor(self, adbc_stmt_kwargs, dbapi_backend=self._backend)
        self._cursors.add(cursor)
        return cursor

    def adbc_clone(self) -> Connection:
        """Open another connection with the same options."""
        return Connection(self._db, adbc_driver_manager.AdbcConnection(self.adbc_database), autocommit=True)

    def commit(self) -> None:
        """Do nothing: there are no transactions.

        :raises lakegate.Error: if the connection is closed.
        """
        self._require_open()

    def rollback(self) -> None:
        """Do nothing: there are no transactions.

        :raises lakegate.Error: if the connection is closed.
        """
        self._require_open()

    def query(self, sql: str, parameters: object = None) -> pa.Table:
        """Run one query and return all its rows as a ``pyarrow.Table``.

        >>> connection.query("select n_name from sales.nation where n_regionkey = ?", [3])

        :param parameters: a value for each ``?``, in their order.
        :raises lakegate.Error: if the server refuses or fails the query, also when that happens after the first rows.
        """
        with self.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetch_arrow_table()

    def df(self, sql: str, parameters: object = None) -> pandas.DataFrame:
        """Run one query and return all its rows as a pandas data frame.

        >>> connection.df("select * from sales.nation").groupby("n_regionkey").size()
        """
        _require("pandas")
        return self.query(sql, parameters).to_pandas()

    def pl(self, sql: str, parameters: object = None) -> polars.DataFrame:
        """Run one query and return all its rows as a polars data frame.

        >>> connection.pl("select * from sales.nation").filter(polars.col("n_regionkey") == 3)
        """
        _require("polars")
        import polars

        return polars.DataFrame(self.query(sql, parameters))

    def batches(self, sql: str, parameters: object = None) -> Iterator[pa.RecordBatch]:
        """Run one query and yield its rows as they arrive, in bounded memory.

        >>> for batch in connection.batches("select * from sales.lineitem"):
        ...     print(batch.num_rows)

        Leaving the loop early cancels the query.
        """
        with self.cursor() as cursor:
            cursor.execute(sql, parameters)
            yield from cursor.fetch_batches()

    def _require_open(self) -> None:
        if self._closed:
            raise ProgrammingError("the connection is closed", status_code=AdbcStatusCode.INVALID_STATE)


def connect(
    url: str | None = None,
    user: str | None = None,
    password: str | None = None,
    *,
    token: str | Token | None = None,
    profile: str | None = None,
    schema: str | None = None,
    tls_ca: str | os.PathLike[str] | None = None,
    tls_certificate: str | os.PathLike[str] | None = None,
    tls_key: str | os.PathLike[str] | None = None,
    tls_skip_verify: bool = False,
    timeout: float | None = None,
    headers: Mapping[str, str] | None = None,
    options: Mapping[str, str] | None = None,
) -> Connection:
    """Log in to a Lakegate server.

    >>> connection = lakegate.connect("grpc://127.0.0.1:32010", "analyst", "analyst")
    >>> connection = lakegate.connect("grpc+tls://lake.example.com:32010", token=Token.from_file("/run/secrets/lake"))
    >>> connection = lakegate.connect()  # LAKEGATE_URL, LAKEGATE_USER and LAKEGATE_PASSWORD, or LAKEGATE_TOKEN
    >>> connection = lakegate.connect(profile="production")

    An argument comes first, then a profile that was named, then the environment, then the default profile.

    :param url: ``grpc://host:port``, or with TLS ``grpc+tls://host:port``.
    :param user: user name. The user ``token`` has a token for a password.
    :param password: the user's password.
    :param token: a bearer token instead of user and password. The server sees it with the first query.
    :param profile: name of a profile in the command line's file.
    :param schema: database of tables whose names have none, for servers with default schemas.
    :param tls_ca: certificates to trust instead of the machine's own: PEM text, or the name of a file.
    :param tls_certificate: the client's own certificate for mutual TLS, likewise.
    :param tls_key: the key of ``tls_certificate``, likewise.
    :param tls_skip_verify: trusts any server. Whoever is on the way can then read and change everything.
    :param timeout: seconds for each call of a query, for planning as for fetching rows; no limit unless given.
    :param headers: headers for every call, such as ``{"x-lakegate-timestamp-as-of": "2026-01-31"}``.
    :param options: further options of the ADBC driver; they win.
    :raises ValueError: if the URL is not of this form, or credentials are missing or given twice. A URL must not
        contain the password, because URLs end up in logs.
    :raises OSError: if a file cannot be read.
    :raises lakegate.Error: if there is no server, or it refuses the login.
    """
    target = endpoint(
        Arguments(url, user, password, token, profile, tls_ca, tls_certificate, tls_key, tls_skip_verify, timeout)
    )
    call_headers = dict(headers or {})
    if schema is not None:
        call_headers["schema"] = schema
    database_options = {
        **target.driver_options(),
        **header_options(call_headers),
        **(options or {}),
    }
    database = adbc_driver_flightsql.connect(target.address.url, db_kwargs=database_options)
    try:
        connection = adbc_driver_manager.AdbcConnection(database)
    except BaseException:
        database.close()
        raise
    # Without autocommit the driver would try to begin a transaction, which the server has none of, and warn.
    return Connection(database, connection, autocommit=True)


def _precision(kind: pa.DataType) -> tuple[int | None, int | None]:
    if pa.types.is_decimal(kind):
        return kind.precision, kind.scale
    return None, None


def _require(package: str) -> None:
    """Say how to install an optional package, where the import error would only name it."""
    try:
        __import__(package)
    except ImportError:
        raise ImportError(f"{package} is not installed: pip install {package}") from None
