"""Types: names of columns' types to SQLAlchemy's, and what goes on between Python values and SQL."""

from __future__ import annotations

import datetime
import decimal
import math
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import types as sqltypes
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

#: Digits of the widest decimal that Arrow and SQL share.
MAX_DECIMAL_PRECISION = 38

_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


class TINYINT(sqltypes.SmallInteger):
    """An integer of eight bits."""

    __visit_name__ = "TINYINT"


class ROW(TypeEngine[dict[str, Any]]):
    """A struct; its values are dictionaries."""

    __visit_name__ = "ROW"

    def __init__(self, definition: str = "row()") -> None:
        """Take the type's name as the server tells it, such as ``row(street varchar, number integer)``."""
        self.definition = definition

    def __repr__(self) -> str:
        return f"ROW({self.definition!r})"


class MAP(TypeEngine[list[tuple[Any, Any]]]):
    """A map; its values are lists of pairs."""

    __visit_name__ = "MAP"

    def __init__(self, definition: str = "map()") -> None:
        """Take the type's name as the server tells it, such as ``map(varchar, bigint)``."""
        self.definition = definition

    def __repr__(self) -> str:
        return f"MAP({self.definition!r})"


_BY_NAME: dict[str, Callable[[], TypeEngine[Any]]] = {
    "boolean": sqltypes.BOOLEAN,
    "tinyint": TINYINT,
    "smallint": sqltypes.SMALLINT,
    "integer": sqltypes.INTEGER,
    "bigint": sqltypes.BIGINT,
    "real": sqltypes.REAL,
    "double": sqltypes.DOUBLE,
    "varchar": sqltypes.VARCHAR,
    "varbinary": sqltypes.VARBINARY,
    "date": sqltypes.DATE,
    "timestamp": sqltypes.TIMESTAMP,
    "timestamp with time zone": lambda: sqltypes.TIMESTAMP(timezone=True),
}


def type_named(name: str) -> TypeEngine[Any] | None:
    """The type that ``information_schema.columns.data_type`` names, or None for a name that is not known.

    >>> type_named("array(decimal(12,2))")
    ARRAY(DECIMAL(precision=12, scale=2))
    """
    simple = _BY_NAME.get(name)
    if simple is not None:
        return simple()
    if match := _DECIMAL.fullmatch(name):
        return sqltypes.DECIMAL(int(match[1]), int(match[2]))
    if name.startswith("array(") and name.endswith(")"):
        item = type_named(name[len("array(") : -1])
        # An array of arrays is one ARRAY with two dimensions to SQLAlchemy.
        if isinstance(item, sqltypes.ARRAY):
            return sqltypes.ARRAY(item.item_type, dimensions=(item.dimensions or 1) + 1)
        return None if item is None else sqltypes.ARRAY(item, dimensions=1)
    if name.startswith("row(") and name.endswith(")"):
        return ROW(name)
    if name.startswith("map(") and name.endswith(")"):
        return MAP(name)
    return None


# What follows is how values become SQL. A parameter is written with its type (`CAST(? AS …)`): a server that has to
# guess it from the other side of a comparison would bring 1.4 to an integer to compare it with one.


class _Integer(sqltypes.Integer):
    render_bind_cast = True


class _Boolean(sqltypes.Boolean):
    render_bind_cast = True


class _String(sqltypes.String):
    render_bind_cast = True


class _Numeric(sqltypes.Numeric[Any]):
    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return _number

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return _decimal if self.asdecimal else _float


class _Float(sqltypes.Float[Any]):
    render_bind_cast = True

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return _number


class _LargeBinary(sqltypes.LargeBinary):
    def literal_processor(self, dialect: Dialect) -> Callable[[bytes], str]:
        return lambda value: f"X'{value.hex()}'"


class _Date(sqltypes.Date):
    render_bind_cast = True

    def literal_processor(self, dialect: Dialect) -> Callable[[datetime.date], str]:
        return lambda value: f"DATE '{value:%Y-%m-%d}'" if value.year > 999 else f"DATE '{value.isoformat()[:10]}'"


class _Time(sqltypes.Time):
    render_bind_cast = True

    def literal_processor(self, dialect: Dialect) -> Callable[[datetime.time], str]:
        return lambda value: f"TIME '{value.isoformat()}'"


class _DateTime(sqltypes.DateTime):
    render_bind_cast = True

    def literal_processor(self, dialect: Dialect) -> Callable[[datetime.datetime], str]:
        return _timestamp


class _Uuid(sqltypes.Uuid[Any]):
    render_bind_cast = True


#: The dialect's own form of SQLAlchemy's types.
COLUMN_SPECIFICATIONS: dict[type[TypeEngine[Any]], type[TypeEngine[Any]]] = {
    sqltypes.Integer: _Integer,
    sqltypes.Boolean: _Boolean,
    sqltypes.String: _String,
    sqltypes.Enum: sqltypes.Enum,
    sqltypes.Numeric: _Numeric,
    sqltypes.Float: _Float,
    sqltypes.LargeBinary: _LargeBinary,
    sqltypes.BINARY: _LargeBinary,
    sqltypes.VARBINARY: _LargeBinary,
    sqltypes.Date: _Date,
    sqltypes.Time: _Time,
    sqltypes.DateTime: _DateTime,
    sqltypes.Uuid: _Uuid,
}


def _decimal(value: Any) -> decimal.Decimal | None:
    """A number as SQLAlchemy's Numeric has it: an expression of that type may have become a binary fraction."""
    return (
        None if value is None else decimal.Decimal(str(value)) if isinstance(value, float) else decimal.Decimal(value)
    )


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _number(value: Any) -> str:
    """A number whose digits survive: what has a decimal point is a binary fraction to the server's parser."""
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f"CAST('{value}' AS DOUBLE)"
    if isinstance(value, decimal.Decimal):
        if not value.is_finite():
            return f"CAST('{value}' AS DOUBLE)"
        scale = max(0, -int(value.as_tuple().exponent))
        return f"CAST('{value:f}' AS DECIMAL({MAX_DECIMAL_PRECISION}, {min(scale, MAX_DECIMAL_PRECISION)}))"
    return str(value)


def _timestamp(value: datetime.datetime) -> str:
    text = value.isoformat(sep=" ")
    if value.tzinfo is None:
        return f"CAST('{text}' AS TIMESTAMP(6))"
    return moment(f"'{text}'")


def moment(sql: str) -> str:
    """An expression as a timestamp with time zone."""
    return f"arrow_cast({sql}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
