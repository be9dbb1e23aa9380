"""The tables that are asked: their columns, and rows that a seed decides.

Every table has `id`, which tells its rows apart, and `k` and `s`, whose few values make joins and groups meet. The other
columns are one of each type. Some hold small values, with which statements can calculate; `EDGES` hold the bounds and odd
values of their types, NULL among them. There are few rows, so that a statement takes no time and what differs is read at a
glance.

Fractions of decimals stay below one half: engines that cut and engines that round make the same integer of them.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

SCHEMA = "compare"
SEEN = "compare_seen"
"""Holds the rows alone that the row filters leave, for a user from whom nothing is hidden."""


@dataclass(frozen=True)
class Type:
    """A type as SQL, Delta's log and Arrow spell it; Glue spells it as Delta does but for the two integers."""

    sql: str
    delta: str
    arrow: pa.DataType

    @property
    def glue(self) -> str:
        return {"byte": "tinyint", "short": "smallint", "integer": "int", "long": "bigint"}.get(self.delta, self.delta)


def decimal(precision: int, scale: int) -> Type:
    name = f"decimal({precision},{scale})"
    return Type(name, name, pa.decimal128(precision, scale))


BOOL = Type("boolean", "boolean", pa.bool_())
I8 = Type("tinyint", "byte", pa.int8())
I16 = Type("smallint", "short", pa.int16())
I32 = Type("int", "integer", pa.int32())
I64 = Type("bigint", "long", pa.int64())
F32 = Type("real", "float", pa.float32())
F64 = Type("double", "double", pa.float64())
D9 = decimal(9, 2)
D38 = decimal(38, 0)
D10 = decimal(38, 10)
TEXT = Type("varchar", "string", pa.string())
DATE = Type("date", "date", pa.date32())
MOMENT = Type("timestamp", "timestamp_ntz", pa.timestamp("us"))
ZONED = Type("timestamp with time zone", "timestamp", pa.timestamp("us", tz="UTC"))

INTEGERS = (I8, I16, I32, I64)
DECIMALS = (D9, D38, D10)
FLOATS = (F32, F64)
NUMBERS = INTEGERS + DECIMALS + FLOATS

YEAR_1, YEAR_9999 = dt.date(1, 1, 1), dt.date(9999, 12, 31)
NOONS = [dt.datetime(2024, 2, 29, 12, 34, 56, 789012), dt.datetime(1969, 12, 31, 23, 59, 59, 999999)]
FAR = [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999)]
NEAR_DAYS = [dt.date(2024, 1, 31), dt.date(2024, 2, 29), dt.date(2023, 12, 31), dt.date(2024, 3, 1), dt.date(1970, 1, 1)]

EDGES: dict[str, tuple[Type, list[Any]]] = {
    "e8": (I8, [-128, -1, 0, 1, 127]),
    "e16": (I16, [-(2**15), -1, 0, 7, 2**15 - 1]),
    "e32": (I32, [-(2**31), -1, 0, 7, 2**31 - 1]),
    "e64": (I64, [-(2**63), -1, 0, 7, 2**53 + 1, 2**63 - 1]),
    "e9": (D9, [Decimal("-9999999.49"), Decimal("7.20"), Decimal("0.00"), Decimal("7.00"), Decimal("9999999.49")]),
    "e38": (D38, [Decimal(10**38 - 1), Decimal(1 - 10**38), Decimal("20000000000000000001"), Decimal(7), Decimal(0)]),
    "e10": (D10, [Decimal("9" * 28 + ".4999999999"), Decimal("7.2"), Decimal("1E-10"), Decimal(7), Decimal("-0.25")]),
    "ef32": (F32, [math.nan, math.inf, -math.inf, -0.0, 0.5, 7.0, 3.4028234663852886e38]),
    "ef64": (F64, [math.nan, math.inf, -math.inf, -0.0, 0.5, 7.0, 7.2, 1.7976931348623157e308]),
    "eday": (DATE, [YEAR_1, *NEAR_DAYS, YEAR_9999]),
    "ets": (MOMENT, [*FAR, *NOONS, dt.datetime(2024, 2, 29)]),
    "etz": (ZONED, [each.replace(tzinfo=dt.UTC) for each in [*FAR, *NOONS, dt.datetime(2024, 2, 29)]]),
}
SMALL: dict[str, tuple[Type, list[Any]]] = {
    "k": (I32, [0, 1, 1, 2, 2, 3, 7]),
    "s": (TEXT, ["a", "b", "b", "", "A", "ab"]),
    "q": (I64, [-3, 0, 1, 2, 5, 7, 12]),
    "h": (I16, [-2, 0, 1, 4, 7]),
    "n": (D9, [Decimal(each) for each in ("-1.25", "0.00", "1.20", "7.20", "7.00", "12.40")]),
    "w": (D10, [Decimal(each) for each in ("-0.25", "0", "7.2", "7", "1.0000000001")]),
    "x": (F64, [-1.5, 0.0, 0.5, 2.0, 7.0, 7.25, 7.2]),
    "f": (F32, [-0.5, 0.25, 1.0, 7.0]),
    "b": (BOOL, [True, False]),
    "t": (TEXT, ["apple", "Äpfel", "a%b", "a_b", " pad ", "12", "-3", "0", "7", "über", "quote ' mark"]),
    "d": (DATE, NEAR_DAYS),
    "m": (MOMENT, [*NOONS, dt.datetime(2024, 2, 29), dt.datetime(2024, 3, 1, 6)]),
    "z": (ZONED, [each.replace(tzinfo=dt.UTC) for each in [*NOONS, dt.datetime(2024, 2, 29)]]),
}
COLUMNS: dict[str, tuple[Type, list[Any]]] = {"id": (I64, []), **SMALL, **EDGES}
TYPES: dict[str, Type] = {name: kind for name, (kind, _) in COLUMNS.items()}

FILTERS = {"t1": "k >= 1 AND id <> 3", "t2": "s = 'b' OR k IS NULL", "t3": "id > 2"}
"""What Lake Formation leaves of each table to the user with row filters."""


def make(seed: int) -> dict[str, pa.Table]:
    """The tables of a seed, by name. The last one has no row."""
    chance = random.Random(f"tables {seed}")
    made = {name: table(chance, rows) for name, rows in (("t1", 12), ("t2", 9), ("t3", 7), ("t4", 0))}
    return made


def table(chance: random.Random, rows: int) -> pa.Table:
    columns = {"id": list(range(1, rows + 1))}
    for name, (_, values) in COLUMNS.items():
        if values:
            columns[name] = [None if chance.random() < 0.18 else chance.choice(values) for _ in range(rows)]
    fields = [pa.field(name, kind.arrow) for name, kind in TYPES.items()]
    return pa.table([pa.array(columns[field.name], field.type) for field in fields], schema=pa.schema(fields))
