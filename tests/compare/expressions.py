"""Expressions over the columns of a scope.

Each has a type that both engines give it: literals are cast where an operation takes its type from them, division is that of
integers or of doubles, and decimals are one type, because two engines agree on their values and not on their widths. What
DuckDB understands differently is not written; `differences.py` has what is left.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from .predicates import Predicates
from .tables import BOOL, D9, D10, D38, DATE, F32, F64, I8, I16, I32, I64, INTEGERS, MOMENT, TEXT, ZONED, Type
from .tree import Node

LITERALS: dict[Type, list[str]] = {
    I8: ["cast(1 as tinyint)", "cast(-3 as tinyint)"],
    I16: ["cast(2 as smallint)", "cast(7 as smallint)"],
    I32: ["cast(1 as int)", "cast(7 as int)", "cast(0 as int)"],
    I64: ["cast(3 as bigint)", "cast(7 as bigint)", "cast(-1 as bigint)"],
    D9: ["cast(7.20 as decimal(9,2))", "cast(1 as decimal(9,2))", "cast(0.25 as decimal(38,10))"],
    D38: ["cast(7 as decimal(38,0))", "cast('20000000000000000001' as decimal(38,0))"],
    F32: ["cast(0.5 as real)", "cast(7 as real)"],
    F64: ["2.5e0", "7e0", "cast(-1 as double)", "7.2e0"],
    TEXT: ["'b'", "''", "'apple'", "'7'"],
    DATE: ["date '2024-02-29'", "date '9999-12-31'", "cast('2024-01-31' as date)"],
    MOMENT: ["timestamp '2024-02-29 12:34:56'", "cast('2024-03-01 00:00:00' as timestamp)"],
    ZONED: ["cast('2024-02-29 12:34:56+00:00' as timestamp with time zone)"],
    BOOL: ["true", "false"],
}
NULLS = 0.06
"""How often a literal is NULL."""

UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute")
STEPS = ("1 month", "3 days", "1 year", "6 hours", "90 minutes", "2 months 3 days", "-1 month")
MIXED = {F64: (I32, I64, D9, F64), D9: (I32, I16, D9), D38: (I32, I64, D38), I64: (I16, I32, I64), MOMENT: (DATE, MOMENT)}
"""Types whose common type is the first one."""


def family(kind: Type) -> Type:
    """Decimals with fractions are one type. Those of 38 digits before the point are another: DuckDB has no common type for both."""
    return D9 if kind == D10 else kind


@dataclass(frozen=True)
class Column:
    """Something that an expression may name. `small`: it can be calculated with."""

    text: Node
    kind: Type
    small: bool = True


def column(text: str, kind: Type, small: bool = True) -> Column:
    return Column(expression(kind, text), kind, small)


def expression(kind: Type, *parts: str | Node) -> Node:
    return Node(family(kind).sql, parts)


class Expressions(Predicates):
    """Writes expressions by chance. `scope` holds the columns that they may name; `depth` bounds them."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def often(self, share: float) -> bool:
        return self.chance.random() < share

    def leaf(self, kind: Type, scope: list[Column], small: bool = False) -> Node:
        fitting = [each for each in scope if family(each.kind) == family(kind) and (each.small or not small)]
        if fitting and not self.often(0.12):
            return self.chance.choice(fitting).text
        if self.often(NULLS):
            return expression(kind, f"cast(null as {kind.sql})")
        return expression(kind, self.chance.choice(LITERALS[family(kind)]))

    def of(self, kind: Type, scope: list[Column], depth: int = 2) -> Node:
        """An expression of the kind."""
        kind = family(kind)
        if depth <= 0 or self.often(0.25):
            return self.leaf(kind, scope)
        if kind == BOOL:
            return self.predicate(scope, depth)
        if self.often(0.25):
            return self.chosen(kind, scope, depth)
        if kind in INTEGERS:
            return self.integer(kind, scope, depth)
        by_kind = {
            D9: self.decimal,
            D38: self.whole,
            F64: self.double,
            F32: self.real,
            TEXT: self.words,
            DATE: self.day,
            MOMENT: self.moment,
        }
        return by_kind.get(kind, self.zoned)(scope, depth)

    def chosen(self, kind: Type, scope: list[Column], depth: int) -> Node:
        """One of several expressions, whose types may differ where they have a common one."""
        kinds = MIXED.get(kind, (kind,)) if self.often(0.4) else (kind,)
        one, other = self.of(kind, scope, depth - 1), self.of(self.chance.choice(kinds), scope, depth - 1)
        if self.often(0.5):
            one, other = other, one
        match self.chance.randrange(6):
            case 0 | 1:
                return expression(kind, "case when ", self.predicate(scope, depth - 1), " then ", one, " else ", other, " end")
            case 2:
                return expression(
                    kind, "case when ", self.predicate(scope, depth - 1), " then ", self.of(kind, scope, depth - 1), " end"
                )
            case 3:
                return expression(kind, "coalesce(", one, ", ", other, ")")
            case 4 if kind != F32:
                return expression(kind, self.chance.choice(("greatest(", "least(")), one, ", ", other, ")")
            case _:
                same = self.of(kind, scope, depth - 1)
                return expression(kind, "nullif(", same, ", ", self.leaf(kind, scope), ")")

    def integer(self, kind: Type, scope: list[Column], depth: int) -> Node:
        zero = f"cast(0 as {kind.sql})"
        one, other = self.leaf(kind, scope, small=not self.often(0.08)), self.leaf(kind, scope, small=True)
        match self.chance.randrange(9):
            case 0 | 1 | 2:
                return expression(kind, "(", one, self.chance.choice((" + ", " - ", " * ")), other, ")")
            case 3:
                return expression(kind, "(", one, self.chance.choice((" / ", " % ")), "nullif(", other, f", {zero}))")
            case 4:
                return expression(
                    kind, self.chance.choice(("abs(", "(- ")), self.leaf(kind, scope, small=not self.often(0.1)), ")"
                )
            case 5:
                return expression(kind, "cast(", self.of(BOOL, scope, depth - 1), f" as {kind.sql})")
            case 6:
                return expression(kind, "try_cast(", self.leaf(TEXT, scope), f" as {kind.sql})")
            case 7:
                wide = self.leaf(self.chance.choice((I64, D9, F32)), [each for each in scope if each.kind not in (F32,)])
                return expression(kind, "try_cast(", wide, f" as {kind.sql})")
            case _:
                return expression(kind, "try_cast(", self.counted(scope, depth), f" as {kind.sql})")

    def counted(self, scope: list[Column], depth: int) -> Node:
        match self.chance.randrange(5):
            case 4:
                return Node("counted", ("date_diff('day', ", self.leaf(DATE, scope), ", ", self.leaf(DATE, scope), ")"))
            case 0:
                return Node("counted", ("length(", self.of(TEXT, scope, depth - 1), ")"))
            case 1:
                unit = self.chance.choice(("month", "day", "quarter", "dow", "doy", "week"))
                return Node("counted", (f"extract({unit} from ", self.leaf(self.chance.choice((DATE, MOMENT)), scope), ")"))
            case 2:
                return Node("counted", ("strpos(", self.of(TEXT, scope, depth - 1), ", ", self.leaf(TEXT, scope), ")"))
            case _:
                return Node("counted", ("sign(cast(", self.leaf(I32, scope), " as int))"))

    def decimal(self, scope: list[Column], depth: int) -> Node:
        one, other = self.leaf(D9, scope, small=not self.often(0.1)), self.leaf(D9, scope, small=True)
        match self.chance.randrange(7):
            case 6:
                return expression(D9, "round(", self.leaf(D9, scope, small=True), f", {self.chance.randrange(0, 3)})")
            case 0 | 1:
                return expression(D9, "(", one, self.chance.choice((" + ", " - ")), other, ")")
            case 2:
                return expression(D9, "(", self.leaf(D9, scope, small=True), " * ", self.leaf(I32, scope, small=True), ")")
            case 3:
                return expression(D9, "cast(", self.leaf(I32, scope), f" as {D10.sql})")
            case 4:
                return expression(D9, "cast(", self.leaf(D9, [each for each in scope if each.kind == D9]), f" as {D10.sql})")
            case _:
                return expression(D9, self.chance.choice(("abs(", "(- ")), one, ")")

    def whole(self, scope: list[Column], depth: int) -> Node:
        """A decimal without a fraction, of the largest width."""
        if self.often(0.6):
            return expression(D38, "cast(", self.leaf(self.chance.choice((I32, I64)), scope), f" as {D38.sql})")
        return expression(D38, self.chance.choice(("abs(", "(- ")), self.leaf(D38, scope), ")")

    def double(self, scope: list[Column], depth: int) -> Node:
        one, other = self.of(F64, scope, depth - 1), self.of(F64, scope, depth - 1)
        match self.chance.randrange(6):
            case 0 | 1:
                return expression(F64, "(", one, self.chance.choice((" + ", " - ", " * ")), other, ")")
            case 2:
                return expression(F64, "(", one, " / nullif(", other, ", 0e0))")
            case 3:
                return expression(F64, self.chance.choice(("abs(", "floor(", "ceil(", "trunc(", "(- ")), one, ")")
            case _:
                return expression(F64, "cast(", self.leaf(self.chance.choice((I32, I64, D9, F32)), scope), " as double)")

    def real(self, scope: list[Column], depth: int) -> Node:
        if self.often(0.5):
            return expression(F32, "cast(", self.leaf(self.chance.choice((I16, I8)), scope), " as real)")
        return expression(F32, self.chance.choice(("abs(", "(- ")), self.leaf(F32, scope), ")")

    def words(self, scope: list[Column], depth: int) -> Node:
        one = self.of(TEXT, scope, depth - 1)
        match self.chance.randrange(8):
            case 7:
                chosen = ("case ", self.leaf(I32, scope), " when 1 then ", one, " when 7 then 'seven' end")
                return expression(TEXT, *chosen)
            case 0:
                return expression(TEXT, "(", one, " || ", self.of(TEXT, scope, depth - 1), ")")
            case 1:
                return expression(
                    TEXT, self.chance.choice(("upper(", "lower(", "trim(", "reverse(", "ltrim(", "rtrim(")), one, ")"
                )
            case 2:
                return expression(TEXT, "substr(", one, f", {self.chance.randrange(1, 4)}, {self.chance.randrange(0, 4)})")
            case 3:
                return expression(TEXT, "replace(", one, ", ", self.chance.choice(("'p'", "'a'")), ", 'xy')")
            case 4:
                return expression(
                    TEXT, self.chance.choice(("concat(", "concat_ws('-', ")), one, ", ", self.leaf(TEXT, scope), ")"
                )
            case 5:
                return expression(TEXT, self.chance.choice(("left(", "right(")), one, f", {self.chance.randrange(0, 3)})")
            case _:
                kind = self.chance.choice((I32, I64, DATE, BOOL))
                # Engines write years of five digits in different ways, so days are not added to.
                made = self.leaf(DATE, scope, small=True) if kind == DATE else self.of(kind, scope, depth - 1)
                return expression(TEXT, "cast(", made, " as varchar)")

    def day(self, scope: list[Column], depth: int) -> Node:
        match self.chance.randrange(4):
            case 0:
                return expression(DATE, "cast(", self.leaf(MOMENT, scope), " as date)")
            case 1:
                return expression(DATE, "cast(", self.added(DATE, scope), " as date)")
            case 2:
                return expression(
                    DATE, f"cast(date_trunc('{self.chance.choice(UNITS[:5])}', ", self.leaf(DATE, scope), ") as date)"
                )
            case _:
                return expression(DATE, "(", self.leaf(DATE, scope, small=True), " + ", self.leaf(I32, scope, small=True), ")")

    def added(self, kind: Type, scope: list[Column]) -> Node:
        """A day or moment and an interval. The sum of a day has another type in each engine, and is cast."""
        return expression(
            kind, self.leaf(kind, scope), self.chance.choice((" + ", " - ")), f"interval '{self.chance.choice(STEPS)}'"
        )

    def moment(self, scope: list[Column], depth: int) -> Node:
        match self.chance.randrange(5):
            case 0:
                return expression(MOMENT, "cast(", self.of(DATE, scope, depth - 1), " as timestamp)")
            case 1:
                return expression(MOMENT, "(", self.added(MOMENT, scope), ")")
            case 2:
                return expression(MOMENT, "cast(", self.added(DATE, scope), " as timestamp)")
            case 3:
                return expression(MOMENT, f"date_trunc('{self.chance.choice(UNITS)}', ", self.leaf(MOMENT, scope), ")")
            case _:
                return expression(MOMENT, "cast(", self.leaf(ZONED, scope), " as timestamp)")

    def zoned(self, scope: list[Column], depth: int) -> Node:
        if self.often(0.5):
            return expression(ZONED, "(", self.added(ZONED, scope), ")")
        return expression(ZONED, f"date_trunc('{self.chance.choice(UNITS)}', ", self.leaf(ZONED, scope), ")")
