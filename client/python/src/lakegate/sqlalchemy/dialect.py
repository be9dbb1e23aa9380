"""The dialect: how SQLAlchemy connects, and what it may expect of a server that only reads."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from adbc_driver_manager import AdbcStatusCode
from sqlalchemy import exc, util
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.engine.interfaces import (
    BindTyping,
    ConnectArgsType,
    DBAPIConnection,
    DBAPICursor,
    DBAPIModule,
    IsolationLevel,
    PoolProxiedConnection,
)

import lakegate

from .compiler import LakegateCompiler, LakegateIdentifierPreparer, LakegateTypeCompiler
from .reflection import LakegateReflection
from .types import COLUMN_SPECIFICATIONS

_AUTOCOMMIT: IsolationLevel = "AUTOCOMMIT"

_TEXTS = ("profile", "tls_ca", "tls_certificate", "tls_key")
_SWITCHES = ("tls", "tls_skip_verify")

# What a connection cannot recover from: the server is gone, the session has ended, or it was closed.
_DISCONNECTED = (AdbcStatusCode.IO, AdbcStatusCode.UNAUTHENTICATED, AdbcStatusCode.INVALID_STATE)


class LakegateExecutionContext(DefaultExecutionContext):
    """One execution of a statement."""

    def create_server_side_cursor(self) -> DBAPICursor:
        """Every cursor streams, in bounded memory."""
        return self._dbapi_connection.cursor()


class LakegateDialect(LakegateReflection):
    """``lakegate://user:password@host:port/schema``; the package says what else may stand there."""

    name = "lakegate"
    driver = "adbc"

    execution_ctx_cls = LakegateExecutionContext
    statement_compiler = LakegateCompiler
    type_compiler_cls = LakegateTypeCompiler
    preparer = LakegateIdentifierPreparer
    colspecs = COLUMN_SPECIFICATIONS
    bind_typing = BindTyping.RENDER_CASTS
    default_paramstyle = "qmark"

    supports_statement_cache = True
    supports_server_side_cursors = True
    supports_native_boolean = True
    supports_native_decimal = True
    supports_comments = True
    inline_comments = True
    supports_is_distinct_from = True
    supports_simple_order_by_label = True
    supports_schemas = True
    supports_alter = False
    supports_sane_rowcount = False
    supports_sane_multi_rowcount = False
    postfetch_lastrowid = False
    tuple_in_values = False
    max_identifier_length = 255

    @classmethod
    def import_dbapi(cls) -> DBAPIModule:
        """The package itself is the DB-API module."""
        module: ModuleType = lakegate
        return module

    def create_connect_args(self, url: URL) -> ConnectArgsType:
        """The arguments of :func:`lakegate.connect`.

        :raises sqlalchemy.exc.ArgumentError: for a part of the URL that has no meaning.
        """
        self.default_schema_name = url.database or None
        query = {name: _single(name, value) for name, value in url.query.items()}
        arguments: dict[str, Any] = {name: query.pop(name) for name in _TEXTS if name in query}
        switches = {name: _switch(name, query.pop(name, "false")) for name in _SWITCHES}
        token_file, timeout = query.pop("token_file", None), query.pop("timeout", None)
        if query:
            raise exc.ArgumentError(f"the URL has options that are not known: {', '.join(sorted(query))}")
        if timeout is not None:
            arguments["timeout"] = util.asint(timeout) if timeout.isdecimal() else float(timeout)
        if token_file is not None:
            arguments["token"] = lakegate.Token.from_file(token_file)
        if url.host is not None:
            host = f"[{url.host}]" if ":" in url.host else url.host
            scheme = "grpc+tls" if switches["tls"] else "grpc"
            arguments["url"] = f"{scheme}://{host}:{url.port or lakegate.DEFAULT_PORT}"
        given = {"user": url.username, "password": url.password, "schema": self.default_schema_name}
        arguments |= {name: value for name, value in given.items() if value is not None}
        return [], {**arguments, "tls_skip_verify": switches["tls_skip_verify"]}

    def _get_server_version_info(self, connection: Connection) -> tuple[int, ...]:
        version = str(_driver_connection(connection).adbc_get_info().get("vendor_version", ""))
        return tuple(int(part) for part in version.split("-")[0].split(".") if part.isdecimal())

    def _get_default_schema_name(self, connection: Connection) -> str | None:  # type: ignore[override]
        return self.default_schema_name

    def get_isolation_level_values(self, dbapi_conn: DBAPIConnection) -> list[IsolationLevel]:
        """Autocommit: there is nothing to commit."""
        return [_AUTOCOMMIT]

    def get_default_isolation_level(self, dbapi_conn: DBAPIConnection) -> IsolationLevel:
        """Autocommit."""
        return _AUTOCOMMIT

    def get_isolation_level(self, dbapi_connection: DBAPIConnection) -> IsolationLevel:
        """Autocommit."""
        return _AUTOCOMMIT

    def set_isolation_level(self, dbapi_connection: DBAPIConnection, level: IsolationLevel) -> None:
        """Accept what already holds; SQLAlchemy refuses the others by the list of values."""

    def do_begin(self, dbapi_connection: PoolProxiedConnection) -> None:
        """Nothing to do: every query reads each table at one version, and nothing writes."""

    def do_commit(self, dbapi_connection: PoolProxiedConnection) -> None:
        """Nothing to do."""

    def do_rollback(self, dbapi_connection: PoolProxiedConnection) -> None:
        """Nothing to do."""

    def is_disconnect(self, e: Exception, connection: Any, cursor: DBAPICursor | None) -> bool:
        """Whether the pool should log in again. A login ends on the server too, after its configured time."""
        return isinstance(e, lakegate.Error) and e.status_code in _DISCONNECTED


def _driver_connection(connection: Connection) -> lakegate.Connection:
    found = connection.connection.dbapi_connection
    assert isinstance(found, lakegate.Connection)
    return found


def _single(name: str, value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return value
    raise exc.ArgumentError(f"the URL has {name} more than once")


def _switch(name: str, text: str) -> bool:
    try:
        return util.asbool(text)
    except ValueError:
        raise exc.ArgumentError(f"{name} is true or false") from None
