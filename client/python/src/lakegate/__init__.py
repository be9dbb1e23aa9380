"""Query tables that AWS Lake Formation governs, through a Lakegate server.

>>> import lakegate
>>> with lakegate.connect("grpc://127.0.0.1:32010", "analyst", "analyst") as lake:
...     table = lake.query("select n_name from sales.nation order by n_name")

This is the ADBC Flight SQL driver with the options that fit Lakegate. Everything that the driver
can do beyond :meth:`Connection.query` is at :attr:`Connection.dbapi`.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import adbc_driver_manager
from adbc_driver_flightsql import DatabaseOptions, dbapi

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Connection", "connect"]

# A single row can be larger than the driver's limit of 16 MiB. The command line has the same value.
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024

_SCHEMES = ("grpc", "grpc+tcp", "grpc+tls")


class Connection:
    """A logged-in connection. Use it in a ``with`` statement, or call :meth:`close`."""

    def __init__(self, connection: dbapi.Connection) -> None:
        self._connection = connection

    @property
    def dbapi(self) -> dbapi.Connection:
        """The DB-API 2.0 connection of the driver."""
        return self._connection

    def query(self, sql: str) -> pyarrow.Table:
        """Run one SQL statement and return all its rows.

        :raises adbc_driver_manager.Error: if the server refuses or fails the statement, also
            when that happens after the first rows.
        """
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetch_arrow_table()

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def connect(url: str, user: str, password: str, *, tls_ca: str | None = None) -> Connection:
    """Log in to a Lakegate server.

    :param url: ``grpc://host:port``, or with TLS ``grpc+tls://host:port``.
    :param user: user name.
    :param password: the user's password.
    :param tls_ca: certificates to trust instead of the machine's own, as PEM text.
    :raises ValueError: if the URL is not of this form. A URL must not contain the password,
        because URLs end up in logs.
    :raises adbc_driver_manager.Error: if there is no server, or it refuses the login.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ValueError("the URL must be grpc://host:port or grpc+tls://host:port")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the URL must not contain a user name or password")

    options = {
        adbc_driver_manager.DatabaseOptions.USERNAME.value: user,
        adbc_driver_manager.DatabaseOptions.PASSWORD.value: password,
        DatabaseOptions.WITH_MAX_MSG_SIZE.value: str(_MAX_MESSAGE_BYTES),
    }
    if tls_ca is not None:
        options[DatabaseOptions.TLS_ROOT_CERTS.value] = tls_ca
    # Lakegate has no transactions; without autocommit the driver would try to open one and warn.
    return Connection(dbapi.connect(url, db_kwargs=options, autocommit=True))
