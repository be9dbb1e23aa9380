"""Makes of a statement that fails the smallest one that still does, over as few rows as that needs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from .tables import SCHEMA, TYPES
from .tree import Node, smaller

ATTEMPTS = 400
"""What is asked for one statement at most: the last bit of smallness is worth no minute."""


@dataclass
class Shrinker:
    """`fails` says whether a text fails as the first one did."""

    fails: Callable[[str], bool]
    tables: dict[str, pa.Table]
    attempts: int = ATTEMPTS

    def shrink(self, statement: Node) -> str:
        found = self.cut(statement)
        return self.fewer_rows(str(found))

    def try_it(self, text: str) -> bool:
        self.attempts -= 1
        return self.attempts >= 0 and self.fails(text)

    def cut(self, statement: Node) -> Node:
        shorter = True
        while shorter and self.attempts > 0:
            shorter = False
            for candidate in smaller(statement):
                if len(str(candidate)) < len(str(statement)) and self.try_it(str(candidate)):
                    statement, shorter = candidate, True
                    break
        return statement

    def fewer_rows(self, text: str) -> str:
        """The statement over rows of its own, if it fails over these as well."""
        used = [name for name in self.tables if f"{SCHEMA}.{name} " in text]
        rows = {name: self.tables[name].to_pylist() for name in used}
        self.attempts = max(self.attempts, ATTEMPTS // 3)
        if not used or not self.try_it(with_rows(text, rows)):
            return text
        for name in used:
            place = 0
            while place < len(rows[name]):
                fewer = rows | {name: rows[name][:place] + rows[name][place + 1 :]}
                if self.try_it(with_rows(text, fewer)):
                    rows = fewer
                else:
                    place += 1
        return with_rows(text, rows)


def with_rows(text: str, rows: dict[str, list[dict]]) -> str:
    """The statement with its tables written out: the columns that it names, each value a text that is cast."""
    names = set(re.findall(r"\w+", text))
    columns = [name for name in TYPES if name in names] or ["id"]
    for name, content in rows.items():
        casts = ", ".join(f"cast(v.{each} as {TYPES[each].sql}) as {each}" for each in columns)
        lines = ", ".join("(" + ", ".join(literal(row[each]) for each in columns) + ")" for row in content)
        lines = lines or "(" + ", ".join("null" for _ in columns) + ")"
        inline = f"(select {casts} from (values {lines}) as v({', '.join(columns)}){'' if content else ' where false'})"
        text = text.replace(f"{SCHEMA}.{name} ", f"{inline} ")
    return text


def literal(value: object) -> str:
    if value is None:
        return "null"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "'" + text.replace("'", "''") + "'"
