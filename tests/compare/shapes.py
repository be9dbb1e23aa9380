"""Shapes of queries that are rarer: LATERAL, DISTINCT ON, QUALIFY, recursive WITH, rows of constants, tuples.

A mixin of `Queries`. Each gives columns c1, c2, … of kinds of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .expressions import column, expression
from .tables import BOOL, DATE, I32, I64, SCHEMA, SMALL, TEXT, TYPES
from .tree import Node, clause, items

if TYPE_CHECKING:
    from .expressions import Column

TABLES = ("t1", "t1", "t2", "t2", "t3", "t4")
ROWS = {I32: ("1", "2", "null"), TEXT: ("'b'", "''", "null"), DATE: ("date '2024-02-29'", "null"), I64: ("7", "null")}


def scope_of(alias: str) -> list[Column]:
    return [column(f"{alias}.{name}", kind, name in SMALL or name == "id") for name, kind in TYPES.items()]


class Shapes:
    def rare(self) -> Node:
        shapes = (
            self.lateral,
            self.distinct_on,
            self.qualify,
            self.recursive,
            self.tuples,
            self.constants,
            self.texts,
            self.grouping,
        )
        return self.chance.choice(shapes)()

    def table(self) -> str:
        return f"{SCHEMA}.{self.chance.choice(TABLES)}"

    def lateral(self) -> Node:
        """Of each row of the table inside that belongs to a row outside, the first ones, or an aggregate of all."""
        outer, inner = scope_of("o"), scope_of("i")
        kind = self.chance.choice((I32, TEXT))
        linked = Node(BOOL.sql, ("(", self.leaf(kind, inner, small=True), " = ", self.leaf(kind, outer, small=True), ")"))
        where = items([linked, self.plain_predicate(inner)], " and ") if self.often(0.4) else linked
        if self.often(0.5):
            cut = f" order by i.{self.chance.choice(('id', 'q'))} nulls last, i.id limit {self.chance.randrange(1, 3)}"
            body = Node("query", ("select i.id as c1, i.k as c2", f" from {self.table()} as i where ", where, cut))
        else:
            given = items([Node("given", (self.aggregate(I64, inner).text, f" as c{place}")) for place in (1, 2)])
            body = Node("query", ("select ", given, f" from {self.table()} as i where ", where))
        word = self.chance.choice((" cross join lateral (", " left join lateral ("))
        end = ") as l" if "cross" in word else ") as l on true"
        return Node("query", ("select o.id as c1, l.c1 as c2, l.c2 as c3", f" from {self.table()} as o", word, body, end))

    def distinct_on(self) -> Node:
        scope = scope_of("a")
        key = self.chance.choice([each.text for each in scope if each.small and each.kind in (I32, TEXT)])
        words = self.chance.choice((" nulls first", " desc nulls last"))
        where = clause(" where ", self.plain_predicate(scope)) if self.often(0.5) else ""
        value = self.of(self.chance.choice((I32, TEXT, DATE)), scope, 1)
        given = items([Node("given", (each, f" as c{place}")) for place, each in enumerate((key, value), 1)])
        order = Node("order", (" order by ", key, words, ", a.id", self.chance.choice(("", " desc"))))
        return Node(
            "query", ("select distinct on (", key, ") ", given, ", a.id as c3", f" from {self.table()} as a", where, order)
        )

    def qualify(self) -> Node:
        scope = scope_of("a")
        number = Node(
            "number", ("row_number() over (partition by ", self.leaf(I32, scope), " ", self.total_order(scope) or "", ")")
        )
        where = clause(" where ", self.plain_predicate(scope)) if self.often(0.5) else ""
        given = ("select a.id as c1, ", self.of(TEXT, scope, 1), " as c2", f" from {self.table()} as a")
        return Node("query", (*given, where, " qualify ", number, self.chance.choice((" = 1", " <= 2", " > 1"))))

    def recursive(self) -> Node:
        first = self.chance.choice(("select cast(1 as bigint) as c1", f"select a.q as c1 from {SCHEMA}.t2 as a where a.id < 3"))
        step = self.chance.choice(("c1 + 1", "c1 * 2", "c1 + 3"))
        union = self.chance.choice((" union all ", " union "))
        read = self.chance.choice(
            (
                "select c1 from r",
                "select sum(c1) as c1, count(*) as c2 from r",
                "select v.c1 from r as v join r as w on v.c1 = w.c1",
            )
        )
        return Node("query", (f"with recursive r as ({first}{union}select {step} from r where c1 between 1 and 9) {read}",))

    def tuples(self) -> Node:
        scope = scope_of("a")
        where = clause(" where ", self.plain_predicate(scope_of("b"))) if self.often(0.5) else ""
        inside: tuple[str | Node, ...] = (f"(select b.k, b.s from {self.table()} as b", where, ")")
        if self.often(0.3):
            inside = ("((1, 'b'), (2, 'a'), (0, ''))",)
        words = self.chance.choice((" in ", " in ", " not in "))
        condition = Node(BOOL.sql, ("((a.k, a.s)", words, *inside, ")"))
        return Node(
            "query", ("select a.id as c1, ", self.of(TEXT, scope, 1), " as c2", f" from {self.table()} as a where ", condition)
        )

    def constants(self) -> Node:
        """VALUES as a table, joined with one."""
        kinds = [I32, TEXT, self.chance.choice((DATE, I64))]
        lines = [Node("line", ("(" + ", ".join(self.chance.choice(ROWS[kind]) for kind in kinds) + ")",)) for _ in range(3)]
        firm = Node("line", ("(" + ", ".join(ROWS[kind][0] for kind in kinds) + ")",))
        scope = [column(f"v.c{place}", kind) for place, kind in enumerate(kinds, 1)] + scope_of("a")
        word = self.chance.choice((" join ", " left join ", " right join ", " full join "))
        source = Node(
            "source", ("(values ", items([firm, *lines]), ") as v(c1, c2, c3)", word, f"{self.table()} as a on v.c1 = a.k")
        )
        where = clause(" where ", self.plain_predicate(scope)) if self.often(0.5) else ""
        return self.select(kinds, scope, source, where, distinct=self.often(0.2))

    def texts(self) -> Node:
        """Aggregates that have an order inside."""
        scope = scope_of("a")
        order = self.chance.choice(("a.id", "a.id desc", "a.t nulls first, a.id", "a.q desc nulls last, a.id"))
        only = clause(" filter (where ", self.plain_predicate(scope), ")") if self.often(0.3) else ""
        one = expression(TEXT, "string_agg(", self.leaf(TEXT, scope), f", ',' order by {order})", only)
        many = Node("list", ("array_agg(", self.leaf(self.chance.choice((I32, TEXT, I64)), scope), f" order by {order})"))
        return Node("query", ("select ", one, " as c1, ", many, " as c2, a.k as c3", f" from {self.table()} as a group by a.k"))

    def grouping(self) -> Node:
        sets = self.chance.choice(("rollup (a.k, a.s)", "cube (a.k, a.s)", "grouping sets ((a.k), (a.s, a.k), ())"))
        given = "select a.k as c1, a.s as c2, grouping(a.k) as c3, grouping(a.k, a.s) as c4, "
        having = (
            clause(" having ", self.chance.choice(("grouping(a.k) = 0", "count(*) > 1", "a.k is null")))
            if self.often(0.4)
            else ""
        )
        value = self.aggregate(self.chance.choice((I64, TEXT)), scope_of("a")).text
        return Node("query", (given, value, " as c5", f" from {self.table()} as a group by {sets}", having))
