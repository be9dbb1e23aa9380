"""How expressions, types and names are written for DataFusion, the server's SQL engine."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exc
from sqlalchemy import types as sqltypes
from sqlalchemy.sql import compiler, elements

from .types import MAX_DECIMAL_PRECISION, moment

# A character that Unicode leaves to private agreements: it stands for an escaped escape character for a moment.
_STAND_IN = "\ue000"

# What the server's parser does not take for a name, measured by giving each of its keywords to a column, a table and an
# alias, on top of what SQLAlchemy quotes for every database.
_RESERVED_WORDS = frozenset(
    """
    all cube current_catalog current_date current_time current_timestamp current_user distinct exists false from
    interval lateral localtime localtimestamp null recursive rollup session_user struct table top trim true
    unnest user
""".split()
)


class LakegateIdentifierPreparer(compiler.IdentifierPreparer):
    """Names: in lower case without quotes; a table without a schema is in the engine's."""

    reserved_words = compiler.RESERVED_WORDS | _RESERVED_WORDS

    def schema_for_object(self, table: Any) -> str | None:  # type: ignore[override]
        """The schema that a table is written with: the server knows no search path."""
        schema: str | None = table.schema
        return schema if schema is not None else self.dialect.default_schema_name


class LakegateTypeCompiler(compiler.GenericTypeCompiler):
    """Names of types, for ``CAST``."""

    def visit_TINYINT(self, type_: Any, **kw: Any) -> str:
        return "TINYINT"

    def visit_FLOAT(self, type_: Any, **kw: Any) -> str:
        # FLOAT has 32 bits here and SQLAlchemy's Float is Python's, with 64.
        return "DOUBLE"

    def visit_DOUBLE_PRECISION(self, type_: Any, **kw: Any) -> str:
        return "DOUBLE"

    def visit_NUMERIC(self, type_: Any, **kw: Any) -> str:
        return self.visit_DECIMAL(type_, **kw)

    def visit_DECIMAL(self, type_: Any, **kw: Any) -> str:
        # Without a precision DECIMAL has ten digits and no fraction.
        if type_.precision is None:
            return f"DECIMAL({MAX_DECIMAL_PRECISION}, {MAX_DECIMAL_PRECISION // 2 - 1})"
        return f"DECIMAL({type_.precision}, {type_.scale or 0})"

    def visit_VARCHAR(self, type_: Any, **kw: Any) -> str:
        return "VARCHAR"

    def visit_CHAR(self, type_: Any, **kw: Any) -> str:
        return "VARCHAR"

    visit_NVARCHAR = visit_NCHAR = visit_TEXT = visit_CLOB = visit_VARCHAR
    visit_UUID = visit_JSON = visit_VARCHAR

    def visit_uuid(self, type_: Any, **kw: Any) -> str:
        return "VARCHAR"

    def visit_BINARY(self, type_: Any, **kw: Any) -> str:
        return "BYTEA"

    visit_VARBINARY = visit_BLOB = visit_BINARY

    def visit_DATETIME(self, type_: Any, **kw: Any) -> str:
        return self.visit_TIMESTAMP(type_, **kw)

    def visit_TIMESTAMP(self, type_: Any, **kw: Any) -> str:
        # Microseconds, as Python and Delta have them: with nanoseconds time ends in the year 2262.
        return "TIMESTAMP(6) WITH TIME ZONE" if getattr(type_, "timezone", False) else "TIMESTAMP(6)"

    def visit_ARRAY(self, type_: Any, **kw: Any) -> str:
        return self.process(type_.item_type, **kw) + "[]" * (type_.dimensions or 1)

    def visit_ROW(self, type_: Any, **kw: Any) -> str:
        # For tools that show names of types: there is no cast to a struct or map.
        return str(type_.definition)

    def visit_MAP(self, type_: Any, **kw: Any) -> str:
        return str(type_.definition)


class LakegateCompiler(compiler.SQLCompiler):
    """Expressions and queries."""

    # Two `?` are two expressions to the server: `SELECT date_trunc(?, x) … GROUP BY date_trunc(?, x)` would be refused as
    # a column that is not grouped by. So what is selected, grouped and ordered by has its constants as text.
    ansi_bind_rules = True

    def visit_bindparam(self, bindparam: Any, *args: Any, **kw: Any) -> Any:
        kind = bindparam.type
        is_decimal = isinstance(kind, sqltypes.Numeric) and not isinstance(kind, sqltypes.Float)
        if is_decimal and not (self.isinsert or self.isupdate or self.isdelete):
            # A cast would need the value's scale, which is not known yet. The column's would not do: 1.005 is not 1.01.
            kw["literal_execute"] = True
        return super().visit_bindparam(bindparam, *args, **kw)

    def group_by_clause(self, select: Any, **kw: Any) -> Any:
        return super().group_by_clause(select, **{**kw, "literal_execute": True})

    def order_by_clause(self, select: Any, **kw: Any) -> Any:
        return super().order_by_clause(select, **{**kw, "literal_execute": True})

    def visit_values(self, element: Any, *args: Any, **kw: Any) -> Any:
        # Rows of parameters have no types of their own, rows of constants have.
        return super().visit_values(element, *args, **{**kw, "literal_execute": True})

    def render_bind_cast(self, type_: Any, dbapi_type: Any, sqltext: str) -> str:
        """A parameter with its type, wide enough for any value of the Python type."""
        if isinstance(dbapi_type, sqltypes.Integer):
            return f"CAST({sqltext} AS BIGINT)"
        if isinstance(dbapi_type, sqltypes.Float):
            return f"CAST({sqltext} AS DOUBLE)"
        if isinstance(dbapi_type, sqltypes.DateTime) and dbapi_type.timezone:
            return moment(sqltext)
        name = self.dialect.type_compiler_instance.process(dbapi_type)
        return f"CAST({sqltext} AS {name})"

    def visit_cast(self, cast: Any, **kw: Any) -> Any:
        # The engine's own word for the type forgets the zone.
        if isinstance(cast.type, sqltypes.DateTime) and cast.type.timezone:
            return moment(self.process(cast.clause, **kw))
        return super().visit_cast(cast, **kw)

    def limit_clause(self, select: Any, **kw: Any) -> str:
        text = ""
        if select._limit_clause is not None:
            text += f"\n LIMIT {self.process(select._limit_clause, **kw)}"
        if select._offset_clause is not None:
            text += f"\n OFFSET {self.process(select._offset_clause, **kw)}"
        return text

    def fetch_clause(
        self,
        select: Any,
        fetch_clause: Any = None,
        require_offset: bool = False,
        use_literal_execute_for_simple_int: bool = False,
        **kw: Any,
    ) -> str:
        """``FETCH FIRST n ROWS ONLY`` is ``LIMIT n``; its other forms have no counterpart."""
        options = select._fetch_clause_options or {}
        if options.get("percent") or options.get("with_ties"):
            raise exc.CompileError("FETCH with PERCENT or WITH TIES is not supported")
        wanted = select._fetch_clause if fetch_clause is None else fetch_clause
        text = f"\n LIMIT {self.process(wanted, **kw)}"
        if select._offset_clause is not None:
            text += f"\n OFFSET {self.process(select._offset_clause, **kw)}"
        return text

    def for_update_clause(self, select: Any, **kw: Any) -> str:
        # Nothing can be updated, so there is nothing to lock.
        return ""

    def visit_empty_set_expr(self, element_types: Any, **kw: Any) -> str:
        compile_type = self.dialect.type_compiler_instance.process
        columns = (
            "NULL" if isinstance(kind, sqltypes.NullType) else f"CAST(NULL AS {compile_type(kind)})"
            for kind in element_types or [sqltypes.Integer()]
        )
        return f"SELECT {', '.join(columns)} WHERE 1 != 1"

    def visit_truediv_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        # The engine divides integers as integers.
        left: Any = binary.left
        right = binary.right
        if all(side.type._type_affinity is sqltypes.Integer for side in (left, right)):
            left = elements.Cast(left, sqltypes.DOUBLE())
        return f"{self.process(left, **kw)} / {self.process(right, **kw)}"

    def visit_floordiv_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        # Rounds down as Python does; the engine's own division of integers rounds towards zero.
        left: Any = elements.Cast(binary.left, sqltypes.DOUBLE())
        right = binary.right
        quotient = f"floor({self.process(left, **kw)} / {self.process(right, **kw)})"
        is_integer = all(side.type._type_affinity is sqltypes.Integer for side in (binary.left, right))
        return f"CAST({quotient} AS BIGINT)" if is_integer else quotient

    def visit_like_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        return self._like(binary, "LIKE", **kw)

    def visit_not_like_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        return self._like(binary, "NOT LIKE", **kw)

    def visit_ilike_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        return self._like(binary, "ILIKE", **kw)

    def visit_not_ilike_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        return self._like(binary, "NOT ILIKE", **kw)

    def visit_ilike_case_insensitive_operand(self, element: Any, **kw: Any) -> str:
        return self.process(element.element, **kw)

    def _like(self, binary: Any, operator: str, **kw: Any) -> str:
        left, pattern = self.process(binary.left, **kw), self.process(binary.right, **kw)
        escape = binary.modifiers.get("escape")
        if escape is not None and escape != "\\":
            pattern = self._with_backslashes(pattern, escape)
        return f"{left} {operator} {pattern}"

    def _with_backslashes(self, pattern: str, escape: str) -> str:
        """The pattern with the backslash as its escape character, the only one that the engine knows."""
        escape_text = self._text(escape)
        for old, new in (
            (escape + escape, _STAND_IN),
            ("\\", "\\\\"),
            (escape, "\\"),
            (_STAND_IN, escape),
        ):
            pattern = f"replace({pattern}, {escape_text if old == escape else self._text(old)}, {self._text(new)})"
        return pattern

    def _text(self, value: str) -> str:
        return self.render_literal_value(value, sqltypes.STRINGTYPE)

    def visit_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        return self._regexp_like(binary, **kw)

    def visit_not_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        return f"NOT {self._regexp_like(binary, **kw)}"

    def visit_regexp_replace_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        # The replacement is in the right side's list; all matches are replaced, as elsewhere in SQLAlchemy.
        flags = (binary.modifiers["flags"] or "").replace("g", "") + "g"
        arguments = f"{self.process(binary.left, **kw)}, {self.process(binary.right, **kw)}"
        return f"regexp_replace({arguments}, {self._text(flags)})"

    def _regexp_like(self, binary: Any, **kw: Any) -> str:
        flags = binary.modifiers["flags"]
        arguments = [self.process(binary.left, **kw), self.process(binary.right, **kw)]
        if flags is not None:
            arguments.append(self._text(flags))
        return f"regexp_like({', '.join(arguments)})"

    def visit_now_func(self, function: Any, **kw: Any) -> str:
        return "now()"

    def visit_localtimestamp_func(self, function: Any, **kw: Any) -> str:
        return "now()"

    def visit_localtime_func(self, function: Any, **kw: Any) -> str:
        return "current_time()"

    def visit_aggregate_strings_func(self, fn: Any, *, use_function_name: str = "string_agg", **kw: Any) -> Any:
        return super().visit_aggregate_strings_func(fn, use_function_name=use_function_name, **kw)
