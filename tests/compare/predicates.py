"""Conditions: comparisons of types that meet in practice, three-valued logic, patterns, and subqueries.

A mixin of `Expressions`, of which it uses `of`, `leaf` and `often`, and of `Queries`, which brings `subquery`.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from .tables import BOOL, D9, D38, DATE, F32, F64, I8, I16, I32, I64, MOMENT, TEXT, ZONED, Type
from .tree import Node

if TYPE_CHECKING:
    from .expressions import Column

COMPARED: list[tuple[Type, Type]] = [
    (I32, I32), (I32, I64), (I16, I32), (I8, I64), (I32, D9), (I64, D9), (I32, F64), (D9, D9), (D9, F64), (F64, F64),
    (F32, F32), (F32, F64), (TEXT, TEXT), (TEXT, TEXT), (DATE, DATE), (DATE, MOMENT), (MOMENT, MOMENT), (ZONED, ZONED), (I64, I64),
    (D38, I64), (D38, D38), (D38, F64),
]  # fmt: skip
CONSTANTS: dict[Type, list[str]] = {
    I8: ["7", "127", "128", "-129", "7.0", "0"],
    I16: ["7", "40000", "-2", "7.5", "32767"],
    I32: ["1", "2.0", "2147483647", "2147483648", "1.5", "-1"],
    I64: ["7", "9223372036854775807", "9007199254740993", "-9223372036854775808", "7.5", "9007199254740992.0"],
    D9: ["7.20", "7", "0.0000000001", "7.2e0", "-1.25", "9999999.49"],
    D38: ["20000000000000000001", "99999999999999999999999999999999999999", "20000000000000000002", "7", "0"],
    F64: ["7.2", "0", "0.5", "'NaN'::double", "1e308", "7"],
    F32: ["0.5", "7", "0"],
    TEXT: ["'b'", "''", "'a%b'", "'12'"],
    DATE: ["date '2024-02-29'", "'2024-01-31'", "date '0001-01-01'", "timestamp '2024-02-29 00:00:00'"],
    MOMENT: ["timestamp '2024-02-29 12:34:56.789012'", "date '2024-02-29'", "'9999-12-31 23:59:59.999999'"],
    ZONED: ["'2024-02-29 00:00:00+00:00'"],
    BOOL: ["true", "false"],
}
OPERATORS = (" = ", " = ", " <> ", " < ", " <= ", " > ", " >= ", " is distinct from ", " is not distinct from ")
PATTERNS = ("'a%'", "'%p%'", "'_b'", "'a!%b' escape '!'", "'a!_b' escape '!'", "''", "'%'")


def condition(*parts: str | Node) -> Node:
    return Node(BOOL.sql, parts)


class Predicates:
    chance: random.Random

    def predicate(self, scope: list[Column], depth: int = 2) -> Node:
        if depth > 0 and self.often(0.25):
            return self.joined(scope, depth)
        if depth > 0 and self.often(self.share_of_subqueries):
            return self.subquery_condition(scope)
        match self.chance.randrange(12):
            case 0 | 1 | 2:
                return self.comparison(scope, depth)
            case 3 | 4:
                return self.with_constant(scope)
            case 5:
                return condition("(", self.leaf(self.any_kind(), scope), self.chance.choice((" is null", " is not null")), ")")
            case 6:
                return self.between(scope, depth)
            case 7:
                return self.in_list(scope)
            case 8:
                words = self.chance.choice((" like ", " not like ", " ilike "))
                return condition("(", self.leaf(TEXT, scope), words, self.chance.choice(PATTERNS), ")")
            case 9:
                return self.leaf(BOOL, scope)
            case 10:
                return self.cast_compared(scope)
            case _:
                return self.elapsed(scope)

    share_of_subqueries = 0.08

    def any_kind(self) -> Type:
        return self.chance.choice((I32, I64, D9, D38, F64, TEXT, TEXT, DATE, MOMENT, BOOL, I16, F32, ZONED, I8))

    def joined(self, scope: list[Column], depth: int) -> Node:
        if self.often(0.3):
            return condition("(not ", self.predicate(scope, depth - 1), ")")
        if self.often(0.2):
            words = self.chance.choice((" is true", " is not true", " is false", " is not false"))
            return condition("(", self.predicate(scope, depth - 1), words, ")")
        word = self.chance.choice((" and ", " or "))
        return condition("(", self.predicate(scope, depth - 1), word, self.predicate(scope, depth - 1), ")")

    def comparison(self, scope: list[Column], depth: int) -> Node:
        one, other = self.chance.choice(COMPARED)
        if self.often(0.5):
            one, other = other, one
        depth = depth - 1 if self.often(0.4) else 0
        return condition("(", self.of(one, scope, depth), self.chance.choice(OPERATORS), self.of(other, scope, depth), ")")

    def with_constant(self, scope: list[Column]) -> Node:
        kind = self.any_kind()
        return condition("(", self.leaf(kind, scope), self.chance.choice(OPERATORS[:7]), self.chance.choice(CONSTANTS[kind]), ")")

    def between(self, scope: list[Column], depth: int) -> Node:
        kind = self.chance.choice((I32, I64, D9, F64, TEXT, DATE, MOMENT))
        bounds = [self.leaf(kind, scope) for _ in range(2)]
        word = self.chance.choice((" between ", " not between "))
        return condition("(", self.of(kind, scope, depth - 1), word, bounds[0], " and ", bounds[1], ")")

    def in_list(self, scope: list[Column]) -> Node:
        kind = self.chance.choice((I32, I64, D9, TEXT, DATE, F64))
        chosen = [self.chance.choice(CONSTANTS[kind][:2]) for _ in range(2)] + [str(self.leaf(kind, scope))]
        if self.often(0.3):
            chosen.append("null")
        return condition("(", self.leaf(kind, scope), self.chance.choice((" in (", " not in (")), ", ".join(chosen), "))")

    def cast_compared(self, scope: list[Column]) -> Node:
        """A cast under a comparison, which optimisers like to take away."""
        source, target, constant = self.chance.choice((
            (D9, I32, "7"), (I64, I16, "0"), (I32, I8, "1"), (D9, F64, "7.2e0"), (I32, F64, "1.5e0"), (F64, F32, "0.5e0"),
            (MOMENT, DATE, "date '2024-02-29'"), (DATE, MOMENT, "timestamp '2024-02-29 00:00:00'"), (I32, TEXT, "'7'"),
            (TEXT, I32, "7"), (DATE, TEXT, "'2024-02-29'"), (I64, D9, "7.20"), (ZONED, MOMENT, "timestamp '2024-02-29 00:00:00'"),
        ))  # fmt: skip
        cast = (
            "cast" if (source, target) in ((MOMENT, DATE), (DATE, MOMENT), (I32, TEXT), (DATE, TEXT), (I32, F64)) else "try_cast"
        )
        operator = self.chance.choice(OPERATORS[:7])
        return condition(f"({cast}(", self.leaf(source, scope), f" as {target.sql})", operator, constant, ")")

    def elapsed(self, scope: list[Column]) -> Node:
        if self.often(0.5):
            return condition("((", self.leaf(DATE, scope), " - ", self.leaf(DATE, scope), ") > 10)")
        return condition("((", self.leaf(MOMENT, scope), " - ", self.leaf(MOMENT, scope), ") > interval '1 day')")

    def subquery_condition(self, scope: list[Column]) -> Node:
        """IN, EXISTS, ANY, ALL: correlated in most cases."""
        kind = self.chance.choice((I32, I32, I64, TEXT, DATE))
        match self.chance.randrange(5):
            case 0 | 1:
                words = self.chance.choice(("(exists (", "(not exists ("))
                return condition(words, self.subquery(I32, scope, aggregate=self.often(0.1)), "))")
            case 2 | 3:
                words = self.chance.choice((" in (", " not in ("))
                return condition("(", self.leaf(kind, scope), words, self.subquery(kind, scope), "))")
            case _:
                words = self.chance.choice((" = any (", " > all (", " <> all (", " < any ("))
                return condition("(", self.leaf(kind, scope), words, self.subquery(kind, scope), "))")
