"""Groups and windows.

A mixin of `Expressions`. An aggregate or window function is a column of a scope of its own, over which any expression is
written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .tables import BOOL, D9, D38, DATE, F64, I16, I32, I64, MOMENT, TEXT, Type
from .tree import Node, clause, items

if TYPE_CHECKING:
    from .expressions import Column

ORDERED = (I32, I64, D9, F64, TEXT, DATE, MOMENT, I16)
FRAMES = (
    "", "", " rows between 1 preceding and 1 following", " rows between unbounded preceding and current row",
    " rows between 2 preceding and 1 preceding", " rows between current row and unbounded following",
    " range between unbounded preceding and current row", " range between current row and unbounded following",
    " groups between 1 preceding and current row", " rows between 1 following and 2 following",
)  # fmt: skip


class Aggregates:
    def grouped(self, kinds: list[Type], source: Node, scope: list[Column], keyless: bool = False) -> Node:
        where = clause(" where ", self.predicate(scope, 1)) if self.often(0.4) else ""
        keys = [] if keyless or self.often(0.2) else self.keys(scope)
        after = keys + [self.aggregate(self.chance.choice((*kinds, I64)), scope) for _ in range(3)]
        after += [self.aggregate(kind, scope) for kind in kinds if kind not in [each.kind for each in after]]
        by = self.group_by(keys)
        having = clause(" having ", self.plain_predicate(after)) if self.often(0.3) else ""
        if keys and self.often(0.1) and "sets" not in str(by):
            after = after + [self.over_groups(after)]
            having = ""
        return self.select(kinds, after, source, where, by, having, distinct=False)

    def keys(self, scope: list[Column]) -> list[Column]:
        """Columns as they are: an expression would have to be found again, which is another matter."""
        kinds = [self.chance.choice((I32, TEXT, I16, DATE, BOOL, D9)) for _ in range(self.chance.choice((1, 1, 2)))]
        fitting = [[each for each in scope if each.kind == kind and each.small and "." in str(each.text)] for kind in kinds]
        return list({str(each.text): each for each in (self.chance.choice(some) for some in fitting if some)}.values())

    def group_by(self, keys: list[Column]) -> Node | str:
        if not keys:
            return ""
        names = [str(each.text) for each in keys]
        one, other, both = names[0], names[-1], ", ".join(names)
        if not self.often(0.25):
            return Node("grouping", (f" group by {both}",))
        sets = self.chance.choice((
            f"grouping sets (({both}), ({one}), ())", f"grouping sets (({one}), ({other}))", f"rollup ({both})", f"cube ({both})",
            f"grouping sets (({both}), ({both}))", f"{one}, rollup ({other})",
        ))  # fmt: skip
        return Node("grouping", (f" group by {sets}",), substitute=f" group by {both}")

    def aggregate(self, kind: Type, scope: list[Column]) -> Column:
        from .expressions import Column, expression, family

        kind = family(kind)
        only = clause(" filter (where ", self.plain_predicate(scope), ")") if self.often(0.2) else ""
        distinct = Node("clause", ("distinct ",), substitute="") if self.often(0.15) else ""
        if kind == I64 and self.often(0.6):
            inner: str | Node = "*" if self.often(0.4) else Node("counted", (distinct, self.leaf(TEXT, scope)))
            return Column(expression(I64, "count(", inner, ")", only), I64)
        if kind == F64 and self.often(0.5):
            words = self.chance.choice(("avg", "avg", "stddev", "var_pop", "sum"))
            number = self.leaf(F64, scope, small=True) if words == "sum" else self.number(scope)
            return Column(expression(F64, f"{words}({distinct if words in ('avg', 'sum') else ''}", number, ")", only), F64)
        if kind == BOOL:
            return Column(
                expression(BOOL, self.chance.choice(("bool_or(", "bool_and(")), self.leaf(BOOL, scope), ")", only), BOOL
            )
        if kind in (D9, D38) and self.often(0.5):
            return Column(expression(kind, "sum(", distinct, self.leaf(kind, scope, small=not self.often(0.15)), ")", only), kind)
        if kind == I64 and self.often(0.7):
            added = self.leaf(self.chance.choice((I16, I32, I64)), scope, small=not self.often(0.12))
            return Column(expression(I64, "cast(sum(", distinct, added, ")", only, " as bigint)"), I64)
        return Column(expression(kind, self.chance.choice(("max(", "min(")), self.leaf(kind, scope), ")", only), kind)

    def number(self, scope: list[Column]) -> Node:
        """A double of moderate size."""
        from .expressions import expression

        kind = self.chance.choice((I32, I64, D9, F64))
        return expression(F64, "cast(", self.leaf(kind, scope, small=True), " as double)")

    def over_groups(self, after: list[Column]) -> Column:
        from .expressions import Column, expression

        counted = [each for each in after if each.kind in (I32, I64) and "(" in str(each.text)] or after[:1]
        number = self.chance.choice(counted)
        return Column(
            expression(I64, "cast(count(", number.text, ") over (order by ", after[0].text, " nulls first) as bigint)"), I64
        )

    def window(self, scope: list[Column]) -> Column:
        """A function over a window. Where the order of rows with equal keys would matter, `id` and all keys decide it."""
        from .expressions import Column, expression

        partition = (
            clause("partition by ", self.leaf(self.chance.choice((I32, TEXT, BOOL)), scope), " ") if self.often(0.5) else ""
        )
        by_rows = self.total_order(scope)
        key = self.leaf(self.chance.choice(ORDERED), scope)
        kind = self.chance.choice(ORDERED)
        value = self.leaf(kind, scope, small=True)
        nulls = (
            Node("clause", (self.chance.choice((" ignore nulls", " respect nulls")),), substitute="") if self.often(0.5) else ""
        )
        frame = Node("clause", (self.chance.choice(FRAMES),), substitute="")
        direction = self.chance.choice((" nulls first", " nulls last", " desc nulls first", " desc nulls last"))
        peers: tuple[Node | str, ...] = ("order by ", key, direction)
        match self.chance.randrange(7):
            case 0 if by_rows:
                words = self.chance.choice(("lead(", "lag("))
                offset = clause(
                    f", {self.chance.choice((1, 2, 2, 3, 0))}",
                    clause(", ", self.leaf(kind, scope[:0])) if self.often(0.3) else "",
                )
                return Column(expression(kind, words, value, offset, nulls, ") over (", partition, by_rows, ")"), kind)
            case 1 if by_rows:
                words = self.chance.choice(("first_value(", "last_value(", "nth_value("))
                place = ", 2" if words == "nth_value(" else ""
                return Column(expression(kind, words, value, place, nulls, ") over (", partition, by_rows, frame, ")"), kind)
            case 2:
                words = self.chance.choice(("rank()", "dense_rank()"))
                return Column(expression(I64, f"{words} over (", partition, *peers, ")"), I64)
            case 3 if by_rows:
                words = self.chance.choice(("row_number()", "ntile(3)", "row_number()"))
                return Column(expression(I64, f"{words} over (", partition, by_rows, ")"), I64)
            case 4 if by_rows:
                kind = self.chance.choice((I64, D9, F64))
                made = self.aggregate(kind, scope).text
                if "distinct" in str(made) or str(made).startswith("cast("):
                    made = expression(I64, "count(", value, ")")
                    kind = I64
                return Column(expression(kind, made, " over (", partition, by_rows, frame, ")"), kind)
            case _:
                words = self.chance.choice(("max(", "min("))
                bounds = self.chance.choice(("", "", FRAMES[6], FRAMES[7], FRAMES[8]))
                return Column(expression(kind, words, value, ") over (", partition, *peers, clause(bounds), ")"), kind)

    def total_order(self, scope: list[Column]) -> Node | None:
        """An order in which no two rows tie, if the scope is a single table's."""
        ids = [each for each in scope if str(each.text).endswith(".id")]
        aliases = {str(each.text).split(".")[0] for each in scope}
        if len(ids) != 1 or len(aliases) != 1:
            return None
        key = self.leaf(self.chance.choice(ORDERED), [each for each in scope if each.small], small=True)
        direction = self.chance.choice((" nulls first", " nulls last", " desc nulls first", " desc nulls last"))
        return Node("order", ("order by ", clause(key, direction, ", "), ids[0].text))


__all__ = ["Aggregates", "items"]
