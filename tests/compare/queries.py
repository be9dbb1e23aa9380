"""Queries: what they read, how they group, what they give, and in which order they are cut.

Rows are compared without their order, so LIMIT only stands behind an ORDER BY of all columns: rows that tie there are equal.
"""

from __future__ import annotations

import random

from .aggregates import Aggregates
from .expressions import Column, Expressions, column, expression, family
from .shapes import TABLES, Shapes
from .tables import BOOL, D9, D38, DATE, F64, I16, I32, I64, MOMENT, SCHEMA, SMALL, TEXT, TYPES, ZONED, Type
from .tree import Node, clause, items

JOINS = (" join ", " left join ", " right join ", " full join ")
SETS = (" union all ", " union ", " intersect ", " except ", " intersect all ", " except all ")
GIVEN = (I32, I32, I64, D9, D38, F64, TEXT, TEXT, DATE, MOMENT, BOOL, I16, ZONED)
ALTERNATIVES = {I32: (I64, D9, F64, I32), D9: (I32, I64, D9), DATE: (MOMENT, DATE), I64: (I32, F64), TEXT: (TEXT,)}
"""With which types a set operation brings a column together."""


class Queries(Expressions, Aggregates, Shapes):
    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance)
        self.named = 0
        self.nested = 0

    def name(self, letter: str) -> str:
        self.named += 1
        return f"{letter}{self.named}"

    def statement(self) -> Node:
        """A whole statement."""
        match self.chance.randrange(12):
            case 0:
                return self.with_clause()
            case 4:
                return self.rare()
            case 1 | 2:
                return self.set_operation(self.kinds(self.chance.randrange(1, 4)))
            case 3:
                return self.starred()
            case _:
                return self.query(self.kinds(self.chance.randrange(1, 5)), [])

    def kinds(self, number: int) -> list[Type]:
        return [self.chance.choice(GIVEN) for _ in range(number)]

    def query(self, kinds: list[Type], outer: list[Column], aggregate: bool | None = None) -> Node:
        """One that gives columns c1, c2, … of these kinds."""
        source, scope = self.source()
        scope = scope + outer
        if aggregate is None and self.often(0.35):
            return self.grouped(kinds, source, scope)
        if aggregate:
            return self.grouped(kinds, source, scope, keyless=True)
        if not outer and self.often(0.25):
            scope = scope + [self.window(scope) for _ in range(2)]
            where = clause(" where ", self.predicate([each for each in scope if not is_window(each)])) if self.often(0.4) else ""
            return self.select(kinds, scope, source, where, distinct=False)
        where = clause(" where ", self.predicate(scope, 2)) if self.often(0.65) else ""
        return self.select(kinds, scope, source, where, distinct=self.often(0.12))

    def select(self, kinds: list[Type], scope: list[Column], *rest: Node | str, distinct: bool) -> Node:
        given = items([Node("given", (self.of(kind, scope), f" as c{place}")) for place, kind in enumerate(kinds, 1)])
        start = Node("clause", ("select distinct ",), substitute="select ") if distinct else "select "
        return Node("query", (start, given, " from ", *rest, self.cut(len(kinds))))

    def cut(self, columns: int) -> Node | str:
        if not self.often(0.18):
            return ""
        words = (" nulls first", " nulls last", " desc nulls first", " desc nulls last")
        keys = ", ".join(f"{place}{self.chance.choice(words)}" for place in range(1, columns + 1))
        limit, skipped = self.chance.randrange(0, 6), self.chance.randrange(0, 4)
        if self.often(0.1):
            return clause(f" order by {keys}", clause(f" offset {skipped} rows fetch first {limit} rows only"))
        offset = clause(f" offset {skipped}") if self.often(0.3) else ""
        return clause(f" order by {keys}", clause(f" limit {limit}", offset))

    def source(self) -> tuple[Node, list[Column]]:
        """What follows FROM, and the columns that it offers."""
        first, scope = self.relation()
        match self.chance.randrange(12):
            case 0 | 1 | 2 | 3 | 4 | 5 | 6:
                return first, scope
            case 7 | 8:
                return self.using(first, scope)
            case 9:
                second, more = self.relation()
                return Node("source", (first, " cross join ", second)), scope + more
            case _:
                return self.joined_on(first, scope)

    def joined_on(self, first: Node, scope: list[Column]) -> tuple[Node, list[Column]]:
        parts: list[Node | str] = [first]
        for _ in range(self.chance.choice((1, 1, 2))):
            second, more = self.relation()
            kind = self.chance.choice((I32, TEXT, I64))
            equal = Node(BOOL.sql, ("(", self.leaf(kind, scope), " = ", self.leaf(kind, more), ")"))
            scope = scope + more
            extra = clause(" and ", self.plain_predicate(scope)) if self.often(0.35) else ""
            parts += [self.chance.choice(JOINS), second, " on ", equal, extra]
        return Node("source", tuple(parts)), scope

    def plain_predicate(self, scope: list[Column]) -> Node:
        """One without subqueries, which two engines take in different places."""
        self.share_of_subqueries, kept = 0.0, self.share_of_subqueries
        made = self.predicate(scope, 1)
        self.share_of_subqueries = kept
        return made

    def using(self, first: Node, scope: list[Column]) -> tuple[Node, list[Column]]:
        """USING of columns that both sides have; they are named without a table then."""
        second, more = self.relation()
        names = [{str(each.text).split(".")[-1] for each in side if "." in str(each.text)} for side in (scope, more)]
        shared = [each for each in ("k", "s", "q", "c1", "c2") if each in names[0] & names[1]]
        kinds = {name: [each.kind for each in scope + more if str(each.text).endswith(f".{name}")] for name in shared}
        shared = [each for each in shared if len(set(kinds[each])) == 1]
        if not shared:
            return first, scope
        chosen = shared if len(shared) == 1 or self.often(0.2) else [self.chance.choice(shared)]
        joined = [column(each, kinds[each][0]) for each in chosen]
        kept = [each for each in scope + more if str(each.text).split(".")[-1] not in chosen]
        return Node("source", (first, self.chance.choice(JOINS), second, f" using ({', '.join(chosen)})")), joined + kept

    def relation(self) -> tuple[Node, list[Column]]:
        if self.nested < 2 and self.often(0.22):
            self.nested += 1
            kinds = [I32, TEXT, *self.kinds(2)] if self.often(0.5) else self.kinds(3)
            made = self.set_operation(kinds, mixed=False) if self.often(0.2) else self.query(kinds, [])
            self.nested -= 1
            alias = self.name("d")
            scope = [column(f"{alias}.c{place}", kind) for place, kind in enumerate(kinds, 1)]
            return Node("relation", ("(", made, f") as {alias}")), scope
        alias = self.name("a")
        scope = [column(f"{alias}.{name}", kind, name in SMALL or name == "id") for name, kind in TYPES.items()]
        return Node("relation", (f"{SCHEMA}.{self.chance.choice(TABLES)} as {alias}",)), scope

    def subquery(self, kind: Type, outer: list[Column], aggregate: bool = False) -> Node:
        """A query of one column for a condition. What joins it to the query outside is an equality in most cases."""
        alias = self.name("b")
        scope = [column(f"{alias}.{name}", each, name in SMALL) for name, each in TYPES.items()]
        first = f"{SCHEMA}.{self.chance.choice(TABLES)} as {alias}"
        conditions: list[Node] = []
        if self.often(0.75) and outer:
            linked = self.chance.choice((I32, TEXT, I64))
            plain = [each for each in outer if "(" not in str(each.text)]
            mine, theirs = self.leaf(linked, scope, small=True), self.leaf(linked, plain)
            conditions.append(Node(BOOL.sql, ("(", mine, self.chance.choice((" = ", " = ", " = ", " < ")), theirs, ")")))
        if self.often(0.5):
            conditions.append(self.plain_predicate(scope))
        where = clause(" where ", items(conditions, " and ")) if conditions else ""
        given = self.aggregate(kind, scope).text if aggregate else self.leaf(kind, scope)
        return Node("subquery", ("select ", given, f" from {first}", where))

    def scalar(self, kind: Type, outer: list[Column]) -> Node:
        """A subquery of one value."""
        return expression(kind, "(", self.subquery(kind, outer, aggregate=True), ")")

    def of(self, kind: Type, scope: list[Column], depth: int = 2) -> Node:
        if depth == 2 and family(kind) in (I32, I64, D9, TEXT) and not self.nested and self.often(0.05):
            return self.scalar(kind, [each for each in scope if "over" not in str(each.text)])
        return super().of(kind, scope, depth)

    def set_operation(self, kinds: list[Type], mixed: bool = True) -> Node:
        """Two queries or three. `mixed`: their types may differ, so that nobody may rely on those of the result."""
        others = [self.chance.choice(ALTERNATIVES.get(kind, (kind,))) if mixed and self.often(0.3) else kind for kind in kinds]
        one, other = self.operand(kinds), self.operand(others)
        made: tuple[str | Node, ...] = (one, self.chance.choice(SETS), other)
        if self.often(0.15):
            made = ("(", Node("query", made), ")", self.chance.choice(SETS), self.operand(kinds))
        return Node("query", (*made, self.cut(len(kinds))))

    def operand(self, kinds: list[Type]) -> Node:
        """One side of a set operation: columns as they are, so that rows meet, or any query."""
        if self.often(0.3):
            return Node("query", ("(", self.query(kinds, []), ")"))
        source, scope = self.relation()
        small = [each for each in scope if each.small]
        given = items([Node("given", (self.leaf(kind, small), f" as c{place}")) for place, kind in enumerate(kinds, 1)])
        where = clause(" where ", self.plain_predicate(scope)) if self.often(0.4) else ""
        return Node("query", ("select ", given, " from ", source, where))

    def with_clause(self) -> Node:
        """A WITH query that is read twice."""
        kinds = [I32, TEXT, *self.kinds(1)]
        self.nested += 1
        inner = self.query(kinds, [])
        self.nested -= 1
        one, other = (
            [column(f"{alias}.c{place}", kind) for place, kind in enumerate(kinds, 1)] for alias in ("v1", "v2")
        )  # fmt: skip
        source = Node(
            "source", ("w as v1", self.chance.choice(JOINS), "w as v2 on ", self.leaf(I32, one), " = ", self.leaf(I32, other))
        )
        where = clause(" where ", self.plain_predicate(one + other)) if self.often(0.5) else ""
        outer = self.select(self.kinds(2), one + other, source, where, distinct=self.often(0.2))
        return Node("query", ("with w as (", inner, ") ", outer))

    def starred(self) -> Node:
        """`*` over a join by columns of the same name: which columns there are, and in which order."""
        sides = []
        for number in (1, 2):
            given = [f"{each} as {each}{number}" for each in self.chance.sample(("id", "q", "n", "t", "d", "b"), 2)]
            shared = ["k", "s"] if self.often(0.5) else ["k"]
            where = clause(" where ", self.plain_predicate([column(name, kind) for name, kind in TYPES.items()]))
            table = f"{SCHEMA}.{self.chance.choice(TABLES)}"
            sides.append(Node("relation", (f"(select {', '.join(shared + given)} from {table}", where, f") as j{number}")))
        word = self.chance.choice(JOINS)
        if self.often(0.4):
            joined = Node("source", (sides[0], " natural" + word, sides[1]))
        else:
            joined = Node("source", (sides[0], word, sides[1], " using (k)"))
        where = clause(" where ", Node(BOOL.sql, ("(k", self.chance.choice((" is null", " > 1", " <> 2", " in (0, 2)")), ")")))
        return Node("query", ("select * from ", joined, where if self.often(0.4) else ""))


def is_window(given: Column) -> bool:
    return " over (" in str(given.text)


def inexact(statement: str) -> bool:
    """Whether floats are added up in an order that is the engine's own."""
    words = ("sum(", "avg(", "stddev", "var_", "percent_rank", "cume_dist")
    return any(each in statement for each in words)


__all__ = ["F64", "Queries", "inexact"]
