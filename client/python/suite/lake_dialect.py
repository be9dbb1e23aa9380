"""The dialect under test, with a lake behind it that can be written to.

``CREATE TABLE``, ``DROP TABLE``, ``INSERT`` and ``DELETE`` of the suite's fixtures do not reach the server, which
would refuse them: they are carried out on the lake itself. Everything else, all that is tested, is the dialect's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa
from lake import Column, Lake
from sqlalchemy import BindParameter, Table, schema, types
from sqlalchemy import Column as SqlColumn
from sqlalchemy.sql import dml

from lakegate.sqlalchemy import LakegateDialect

# Views too: the suite creates them also for those who say that they have none.
_NOT_IN_A_LAKE = (schema.CreateIndex, schema.DropIndex, schema.AddConstraint, schema.DropConstraint, schema.DDL)
_NOT_IN_A_LAKE += tuple(getattr(schema, name) for name in ("CreateView", "DropView") if hasattr(schema, name))


class LakeDialect(LakegateDialect):
    """``lakegate+lake://``."""

    driver = "lake"
    supports_statement_cache = True
    lake: ClassVar[Lake]

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        if not self._carried_out(context):
            super().do_execute(cursor, statement, parameters, context)

    def do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        if not self._carried_out(context):
            super().do_executemany(cursor, statement, parameters, context)

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any = None) -> None:
        if not self._carried_out(context):
            super().do_execute_no_params(cursor, statement, context)

    def _carried_out(self, context: Any) -> bool:
        compiled = getattr(context, "compiled", None)
        statement = None if compiled is None else compiled.statement
        if isinstance(statement, schema.CreateTable):
            table = statement.element
            columns = [Column(c.name, _arrow_type(c.type, self), c.comment) for c in table.columns]
            self.lake.create_table(*self._name(table), columns, table.comment)
        elif isinstance(statement, schema.DropTable):
            self.lake.drop_table(*self._name(statement.element))
        elif isinstance(statement, dml.Insert) and statement.select is None and not statement._returning:
            self.lake.insert(*self._name(statement.table), list(self._rows(context, statement.table)))
        elif isinstance(statement, dml.Delete) and statement.whereclause is None:
            self.lake.delete_all(*self._name(statement.table))
        else:
            return isinstance(statement, _NOT_IN_A_LAKE)
        return True

    def _name(self, table: Table) -> tuple[str, str]:
        return table.schema or self.default_schema_name or "", table.name

    def _rows(self, context: Any, table: Table) -> Iterator[dict[str, Any]]:
        """What would have been sent, taken apart again."""
        compiled = context.compiled
        by_name: dict[str, SqlColumn[Any]] = {column.key: column for column in table.columns}
        names = {parameter.key: name for parameter, name in compiled.bind_names.items()}
        for column, value in (compiled.compile_state._dict_parameters or {}).items():
            if isinstance(value, BindParameter):
                by_name[names[value.key]] = by_name[column] if isinstance(column, str) else column
        # What was rendered as a literal is no longer among the parameters.
        literals = compiled.construct_params(extracted_parameters=context.extracted_parameters, _check=False)
        unescaped = {escaped: name for name, escaped in compiled.escaped_bind_names.items()}
        number = self.lake.next_number(*self._name(table))
        for values in context.compiled_parameters:
            rows: dict[str, dict[str, Any]] = {}
            for escaped, value in {**literals, **values}.items():
                name = unescaped.get(escaped, escaped)
                several = None if name in by_name else re.fullmatch(r"(.*)_m(\d+)", name)
                key, row = (several[1], several[2]) if several else (name, "0")
                processor = by_name[key].type._cached_bind_processor(self)
                sent = value if processor is None else processor(value)
                rows.setdefault(row, {})[by_name[key].name] = _stored(by_name[key], sent)
            for row in rows.values() or [{}]:
                counted = table.autoincrement_column
                if counted is not None:
                    row.setdefault(counted.name, number)
                number += 1
                yield row


def _stored(column: SqlColumn[Any], value: Any) -> Any:
    """A value that has been through the dialect's bind processors, as Arrow wants it."""
    kind = _arrow_type(column.type, None)
    if pa.types.is_decimal(kind) and value is not None:
        return pa.scalar(str(value)).cast(kind).as_py()
    if pa.types.is_floating(kind) and value is not None:
        return float(value)
    if pa.types.is_string(kind) and value is not None:
        return str(value)
    return value


def _arrow_type(kind: types.TypeEngine[Any], dialect: LakegateDialect | None) -> pa.DataType:
    if isinstance(kind, types.TypeDecorator):
        kind = kind.load_dialect_impl(dialect or LakegateDialect())
        return _arrow_type(kind.impl if isinstance(kind, types.TypeDecorator) else kind, dialect)
    if isinstance(kind, types.ARRAY):
        inner = _arrow_type(kind.item_type, dialect)
        for _ in range(kind.dimensions or 1):
            inner = pa.list_(inner)
        return inner
    if isinstance(kind, types.Numeric) and not isinstance(kind, types.Float):
        return pa.decimal128(kind.precision or 38, kind.scale or (0 if kind.precision else 18))
    for sql, arrow in (
        (types.Boolean, pa.bool_()),
        (types.SmallInteger, pa.int16()),
        (types.BigInteger, pa.int64()),
        (types.Integer, pa.int32()),
        (types.REAL, pa.float32()),
        (types.Float, pa.float64()),
        (types.LargeBinary, pa.binary()),
        (types.PickleType, pa.binary()),
        (types.VARBINARY, pa.binary()),
        (types.Date, pa.date32()),
    ):
        if isinstance(kind, sql):
            return arrow
    if isinstance(kind, types.DateTime):
        return pa.timestamp("us", "UTC" if kind.timezone else None)
    if isinstance(kind, (types.String, types.JSON, types.Uuid)):
        return pa.string()
    raise NotImplementedError(f"Delta tables have no columns of type {kind!r}")
