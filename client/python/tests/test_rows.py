"""From Arrow to rows of Python values. No server is needed."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pytest

from lakegate._rows import Rows, rows_of


def test_a_result_that_broke_off_stays_broken() -> None:
    steps = iter([pa.record_batch({"a": [1]}), OSError("gone"), pa.record_batch({"a": [2]})])

    def next_batch() -> pa.RecordBatch:
        step = next(steps)
        if isinstance(step, Exception):
            raise step
        return step

    rows = Rows(next_batch)
    assert next(rows) == (1,)
    for _ in range(2):
        with pytest.raises(OSError, match="gone"):
            next(rows)


def test_empty_batches_are_passed_over() -> None:
    steps = iter([pa.record_batch({"a": []}), pa.record_batch({"a": [1, None]}), pa.record_batch({"a": []})])
    rows = Rows(lambda: next(steps))
    assert list(rows) == [(1,), (None,)]
    assert rows.number == 2


def test_rows_without_columns_are_counted() -> None:
    struct = pa.StructArray.from_arrays([], names=[], mask=pa.array([False, False, False]))
    assert rows_of(pa.RecordBatch.from_struct_array(struct)) == [(), (), ()]


def test_nanoseconds_are_cut_off_at_every_depth() -> None:
    moment = pa.scalar(1_769_860_800_000_001_999, pa.timestamp("ns"))
    listed = pa.ListArray.from_arrays([0, 1], pa.array([moment]))
    structured = pa.StructArray.from_arrays([listed], names=["at"])
    paired = pa.MapArray.from_arrays([0, 1], pa.array(["k"]), pa.array([moment]))
    (row,) = rows_of(pa.record_batch([pa.array([moment]), structured, paired], names=["a", "b", "c"]))
    expected = datetime.datetime(2026, 1, 31, 12, 0, 0, 1)
    assert row == (expected, {"at": [expected]}, [("k", expected)])
    assert type(row[0]) is datetime.datetime
