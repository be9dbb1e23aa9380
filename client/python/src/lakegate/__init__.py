"""Query tables that AWS Lake Formation governs, through a Lakegate server.

>>> import lakegate
>>> with lakegate.connect("grpc://127.0.0.1:32010", "analyst", "analyst") as connection:
...     table = connection.query("select n_name from sales.nation order by n_name")  # pyarrow.Table
...     frame = connection.df("select * from sales.region")                          # pandas
...     frame = connection.pl("select * from sales.region")                          # polars

:func:`connect` returns a DB-API 2.0 connection (PEP 249): the ADBC Flight SQL driver's, with the options that fit
Lakegate. This module is the DB-API module, with its exceptions and type objects. For SQLAlchemy 2 there is the
dialect ``lakegate://``, see :mod:`lakegate.sqlalchemy`.
"""

from __future__ import annotations

from datetime import date as Date
from datetime import datetime as Timestamp
from datetime import time as Time
from typing import TYPE_CHECKING, Any

from adbc_driver_manager import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,
)
from adbc_driver_manager.dbapi import DateFromTicks, TimeFromTicks, TimestampFromTicks

from ._login import login
from ._options import DEFAULT_PORT, DEFAULT_URL, PlaintextWarning, Token
from ._type_objects import BINARY, DATETIME, NUMBER, ROWID, STRING
from .dbapi import Connection, Cursor, connect

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

__all__ = [
    "BINARY",
    "DATETIME",
    "DEFAULT_PORT",
    "DEFAULT_URL",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "PlaintextWarning",
    "ProgrammingError",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "Token",
    "Warning",
    "apilevel",
    "connect",
    "df",
    "login",
    "paramstyle",
    "pl",
    "query",
    "threadsafety",
]

#: PEP 249: this is DB-API 2.0.
apilevel = "2.0"
#: PEP 249: threads may share the module, not a connection.
threadsafety = 1
#: PEP 249: parameters are question marks.
paramstyle = "qmark"
#: PEP 249: what holds a value of a binary column.
Binary = bytes


def query(sql: str, parameters: object = None, **arguments: Any) -> pyarrow.Table:
    """Connect, run one query, and return all its rows as a ``pyarrow.Table``.

    >>> lakegate.query("select * from sales.nation", url="grpc://127.0.0.1:32010", user="analyst", password="analyst")

    :param arguments: those of :func:`connect`; without them the environment decides.
    """
    with connect(**arguments) as connection:
        return connection.query(sql, parameters)


def df(sql: str, parameters: object = None, **arguments: Any) -> pandas.DataFrame:
    """Connect, run one query, and return all its rows as a pandas data frame; see :func:`query`."""
    with connect(**arguments) as connection:
        return connection.df(sql, parameters)


def pl(sql: str, parameters: object = None, **arguments: Any) -> polars.DataFrame:
    """Connect, run one query, and return all its rows as a polars data frame; see :func:`query`."""
    with connect(**arguments) as connection:
        return connection.pl(sql, parameters)
