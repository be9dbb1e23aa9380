"""Results as values that can be compared, whatever types two engines gave them.

What two engines may differ in stands here as rules, each as narrow as it can be:

- numbers without an exponent (integers of every width, decimals of every scale) are the numbers that they say;
- floats are compared bit for bit, but for the sign of zero; only where a statement adds them up in an order of the engine's
  own (`inexact`), the last digits are free;
- moments are microseconds, whatever their unit; with and without a zone they differ;
- intervals are months and microseconds: a day has 24 hours;
- a column without a value has any type.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

CLOSE = 1e-9
"""The relative difference of two floats that were added up in different orders."""


@dataclass(frozen=True)
class Answer:
    """What an engine said: kinds and rows, or an error."""

    kinds: tuple[str, ...] = ()
    rows: tuple[tuple, ...] = ()
    error: str | None = None

    def __str__(self) -> str:
        if self.error is not None:
            return f"error: {self.error}"
        shown = sorted(self.rows, key=repr)
        return f"{len(shown)} rows of ({', '.join(self.kinds)}): " + "; ".join(map(repr, shown[:8]))


def answer(table: pa.Table) -> Answer:
    columns = [values(column) for column in table.columns]
    return Answer(tuple(kind(column.type) for column in table.columns), tuple(zip(*columns, strict=True)))


def kind(of: pa.DataType) -> str:
    tests = {
        "nothing": pa.types.is_null,
        "boolean": pa.types.is_boolean,
        "exact": lambda each: pa.types.is_integer(each) or pa.types.is_decimal(each),
        "float": pa.types.is_floating,
        "text": lambda each: pa.types.is_string(each) or pa.types.is_large_string(each) or pa.types.is_string_view(each),
        "date": pa.types.is_date,
        "time": pa.types.is_time,
        "interval": lambda each: pa.types.is_interval(each) or pa.types.is_duration(each),
        "list": lambda each: pa.types.is_list(each) or pa.types.is_large_list(each),
    }
    if pa.types.is_timestamp(of):
        return "zoned" if of.tz else "moment"
    return next((name for name, holds in tests.items() if holds(of)), str(of))


PER_MICROSECOND = {"s": (1_000_000, 1), "ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}


def values(column: pa.ChunkedArray) -> list[Any]:
    """Moments are read as numbers: Python knows no year 10000."""
    unit = getattr(column.type, "unit", None)
    if pa.types.is_timestamp(column.type) or pa.types.is_duration(column.type):
        times, parts = PER_MICROSECOND[unit]
        found = [None if each is None else each * times // parts for each in column.cast(pa.int64()).to_pylist()]
        return [None if each is None else (0, each) for each in found] if pa.types.is_duration(column.type) else found
    if pa.types.is_date(column.type):
        return column.cast(pa.date32()).cast(pa.int32()).to_pylist()
    return [value(each) for each in column.to_pylist()]


def value(found: Any) -> Any:
    if isinstance(found, bool) or found is None:
        return found
    if isinstance(found, float):
        return "NaN" if math.isnan(found) else found + 0.0
    if isinstance(found, pa.MonthDayNano):
        return (found.months, found.days * 86_400_000_000 + found.nanoseconds // 1000)
    if isinstance(found, list):
        return tuple(value(each) for each in found)
    if isinstance(found, dict):
        return tuple((name, value(each)) for name, each in found.items())
    return found


def difference(ours: Answer, theirs: Answer, inexact: bool) -> str | None:
    """What is not the same in two answers, in a few words."""
    if len(ours.kinds) != len(theirs.kinds):
        return "columns"
    for position, pair in enumerate(zip(ours.kinds, theirs.kinds, strict=True)):
        empty = all(row[position] is None for row in (*ours.rows, *theirs.rows))
        if pair[0] != pair[1] and not empty:
            return f"types ({pair[0]} for {pair[1]})"
    if Counter(ours.rows) == Counter(theirs.rows):
        return None
    if len(ours.rows) != len(theirs.rows):
        return "number of rows"
    return None if inexact and all_close(ours.rows, theirs.rows) else "values"


def all_close(ours: tuple[tuple, ...], theirs: tuple[tuple, ...]) -> bool:
    left = list(theirs)
    for row in ours:
        found = next((place for place, other in enumerate(left) if close(row, other)), None)
        if found is None:
            return False
        left.pop(found)
    return True


def close(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == other or math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)
    return one == other


def too_large(found: Answer) -> str | None:
    """A decimal of more digits than any type has is none: whoever reads it gets another number."""
    numbers = (each for row in found.rows for each in row if isinstance(each, Decimal))
    return "a decimal of more than 38 digits" if any(len(each.as_tuple().digits) > 38 for each in numbers) else None
