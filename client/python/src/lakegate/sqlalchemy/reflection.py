"""What there is: schemas, tables and columns, from ``information_schema``.

The server answers it from the data catalog alone, for the rights of the connection's user: what is not granted is
not there. Tables of a lake have no keys, indexes, constraints or views.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import exc, util
from sqlalchemy.engine import Connection, default, reflection
from sqlalchemy.engine.interfaces import (
    ReflectedCheckConstraint,
    ReflectedColumn,
    ReflectedForeignKeyConstraint,
    ReflectedIndex,
    ReflectedPrimaryKeyConstraint,
    ReflectedTableComment,
    ReflectedUniqueConstraint,
)
from sqlalchemy.engine.reflection import ObjectKind, ObjectScope
from sqlalchemy.types import NULLTYPE

from .types import type_named

_SCHEMAS = "SELECT schema_name FROM information_schema.schemata ORDER BY schema_name"

_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = ? ORDER BY table_name"

_COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, remarks
FROM information_schema.columns WHERE table_schema = ? ORDER BY table_name, ordinal_position
"""

_Key = tuple[str | None, str]


class LakegateReflection(default.DefaultDialect):
    """The part of the dialect that inspectors ask."""

    @reflection.cache
    def get_schema_names(self, connection: Connection, **kw: Any) -> list[str]:
        """The databases that the user may browse."""
        return [name for (name,) in connection.exec_driver_sql(_SCHEMAS)]

    @reflection.cache
    def has_schema(self, connection: Connection, schema_name: str, **kw: Any) -> bool:
        """Whether there is such a database."""
        return schema_name in self.get_schema_names(connection, **kw)

    @reflection.cache
    def get_table_names(self, connection: Connection, schema: str | None = None, **kw: Any) -> list[str]:
        """The tables of a schema. Without any schema, and none in the URL, no table can be reached: none."""
        database = schema or self.default_schema_name
        if database is None:
            return []
        return [name for (name,) in connection.exec_driver_sql(_TABLES, (database,))]

    @reflection.cache
    def has_table(self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any) -> bool:
        """Whether there is such a table; False too if the user may not know."""
        return table_name in self.get_table_names(connection, schema, **kw)

    def get_view_names(self, connection: Connection, schema: str | None = None, **kw: Any) -> list[str]:
        """None: views are not served."""
        return []

    def get_materialized_view_names(self, connection: Connection, schema: str | None = None, **kw: Any) -> list[str]:
        """None."""
        return []

    def get_temp_table_names(self, connection: Connection, schema: str | None = None, **kw: Any) -> list[str]:
        """None: nothing can be created."""
        return []

    def get_temp_view_names(self, connection: Connection, schema: str | None = None, **kw: Any) -> list[str]:
        """None."""
        return []

    def get_sequence_names(self, connection: Connection, schema: str | None = None, **kw: Any) -> list[str]:
        """None."""
        return []

    def has_sequence(self, connection: Connection, sequence_name: str, schema: str | None = None, **kw: Any) -> bool:
        """False."""
        return False

    def has_index(
        self, connection: Connection, table_name: str, index_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        """False."""
        return False

    def get_view_definition(self, connection: Connection, view_name: str, schema: str | None = None, **kw: Any) -> str:
        """Raise: there is no view."""
        raise exc.NoSuchTableError(f"{schema}.{view_name}" if schema else view_name)

    def get_columns(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[ReflectedColumn]:
        """The columns of a table that the user may see."""
        columns = self._columns_of(connection, schema, **kw).get(table_name)
        if columns is None:
            self._require_table(connection, table_name, schema, **kw)
            return []
        return columns

    def get_multi_columns(
        self,
        connection: Connection,
        *,
        schema: str | None = None,
        filter_names: Collection[str] | None = None,
        scope: ObjectScope = ObjectScope.DEFAULT,
        kind: ObjectKind = ObjectKind.TABLE,
        **kw: Any,
    ) -> Iterable[tuple[_Key, list[ReflectedColumn]]]:
        """The columns of all tables of a schema, by one query."""
        if ObjectKind.TABLE not in kind or ObjectScope.DEFAULT not in scope:
            return []
        columns = self._columns_of(connection, schema, **kw)
        names = self.get_table_names(connection, schema, **kw)
        wanted = names if filter_names is None else [name for name in names if name in filter_names]
        return [((schema, name), columns.get(name, [])) for name in wanted]

    def get_pk_constraint(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> ReflectedPrimaryKeyConstraint:
        """None."""
        self._require_table(connection, table_name, schema, **kw)
        return {"constrained_columns": [], "name": None}

    def get_foreign_keys(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[ReflectedForeignKeyConstraint]:
        """None."""
        self._require_table(connection, table_name, schema, **kw)
        return []

    def get_indexes(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[ReflectedIndex]:
        """None."""
        self._require_table(connection, table_name, schema, **kw)
        return []

    def get_unique_constraints(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[ReflectedUniqueConstraint]:
        """None."""
        self._require_table(connection, table_name, schema, **kw)
        return []

    def get_check_constraints(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[ReflectedCheckConstraint]:
        """None."""
        self._require_table(connection, table_name, schema, **kw)
        return []

    def get_table_comment(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> ReflectedTableComment:
        """No comment: the server tells those of columns only."""
        self._require_table(connection, table_name, schema, **kw)
        return {"text": None}

    @reflection.cache
    def _columns_of(
        self, connection: Connection, schema: str | None = None, **kw: Any
    ) -> dict[str, list[ReflectedColumn]]:
        """The columns of a schema by table. The catalog is listed by database anyway, so one question is enough."""
        found: dict[str, list[ReflectedColumn]] = {}
        database = schema or self.default_schema_name
        if database is None:
            return found
        for table, name, type_name, is_nullable, remarks in connection.exec_driver_sql(_COLUMNS, (database,)):
            kind = type_named(type_name)
            if kind is None:
                util.warn(f"the type {type_name!r} of column {table}.{name} is not known")
                kind = NULLTYPE
            column: ReflectedColumn = {
                "name": name,
                "type": kind,
                "nullable": is_nullable != "NO",
                "default": None,
                "comment": remarks,
            }
            found.setdefault(table, []).append(column)
        return found

    def _require_table(self, connection: Connection, table_name: str, schema: str | None, **kw: Any) -> None:
        if not self.has_table(connection, table_name, schema, **kw):
            raise exc.NoSuchTableError(f"{schema}.{table_name}" if schema else table_name)
