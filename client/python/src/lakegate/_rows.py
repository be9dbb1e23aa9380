"""From Arrow to rows of Python values, a batch at a time.

The driver converts value by value, which takes several times as long, and hands out pandas' timestamps for what has
nanoseconds, or fails on them where pandas is not installed. Here a timestamp is always a ``datetime``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

Row = tuple[Any, ...]


class Rows:
    """The rows of one result.

    Invariant: after an error every further read raises it again, so that a result that broke off never looks complete.
    """

    def __init__(self, next_batch: Callable[[], pa.RecordBatch]) -> None:
        """Begin before the first row.

        :param next_batch: returns the next batch, or raises ``StopIteration`` at the end.
        """
        self._next_batch = next_batch
        self._current: Iterator[Row] = iter(())
        self._failure: Exception | None = None
        self.number = 0

    def __iter__(self) -> Rows:
        return self

    def __next__(self) -> Row:
        while True:
            for row in self._current:
                self.number += 1
                return row
            if self._failure is not None:
                raise self._failure
            try:
                self._current = iter(rows_of(self._next_batch()))
            except Exception as error:
                self._failure = error
                raise


def rows_of(batch: pa.RecordBatch) -> list[Row]:
    """The rows of a batch as tuples of Python values."""
    if batch.num_columns == 0:
        return [()] * batch.num_rows
    return list(zip(*(_values(column) for column in batch.columns), strict=True))


def _values(column: pa.Array) -> list[Any]:
    wanted = _with_microseconds(column.type)
    if wanted != column.type:
        # Not safe: the last three digits are cut off, which Python's own types have no place for.
        column = column.cast(wanted, safe=False)
    return column.to_pylist()  # type: ignore[no-any-return]


def _with_microseconds(kind: pa.DataType) -> pa.DataType:
    """The type, with microseconds in place of nanoseconds, also inside of nested types."""
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if pa.types.is_duration(kind) and kind.unit == "ns":
        return pa.duration("us")
    if pa.types.is_time64(kind) and kind.unit == "ns":
        return pa.time64("us")
    if pa.types.is_list(kind):
        return pa.list_(_field_with_microseconds(kind.value_field))
    if pa.types.is_large_list(kind):
        return pa.large_list(_field_with_microseconds(kind.value_field))
    if pa.types.is_struct(kind):
        return pa.struct([_field_with_microseconds(field) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_field_with_microseconds(kind.key_field), _field_with_microseconds(kind.item_field))
    return kind


def _field_with_microseconds(field: pa.Field) -> pa.Field:
    return field.with_type(_with_microseconds(field.type))
