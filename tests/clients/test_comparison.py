"""The matrix is worth what its comparison sees."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from comparison import assert_same
from every_type import EXPECTED

DIFFERENT: list[tuple[pa.DataType, Any, Any]] = [
    (pa.float64(), 0.0, -0.0),
    (pa.float64(), math.nan, None),
    (pa.string(), "", None),
    (pa.string(), "e\u0301", "\u00e9"),
    (pa.binary(), b"", None),
    (pa.int64(), 2**53, 2**53 + 1),
    (pa.decimal128(38, 10), Decimal("1.0000000001"), Decimal("1.0000000002")),
    (pa.timestamp("us", "UTC"), 0, 1),
    (pa.list_(pa.int32()), [], None),
    (pa.list_(pa.int32()), [None], []),
    (pa.struct([("a", pa.int32())]), {"a": None}, None),
    (pa.map_(pa.string(), pa.int32()), [("a", 1), ("b", 2)], [("b", 2), ("a", 1)]),
]

OTHER_TYPES = [
    (pa.timestamp("us"), pa.timestamp("us", "UTC")),
    (pa.timestamp("us"), pa.timestamp("ns")),
    (pa.string(), pa.large_string()),
    (pa.decimal128(10, 2), pa.decimal128(12, 2)),
    (pa.list_(pa.field("element", pa.int32())), pa.list_(pa.field("element", pa.int32(), nullable=False))),
    (pa.struct([pa.field("a", pa.int32())]), pa.struct([pa.field("b", pa.int32())])),
]


@pytest.mark.parametrize(("kind", "one", "other"), DIFFERENT)
def test_values_that_differ_are_told_apart(kind: pa.DataType, one: Any, other: Any) -> None:
    tables = [pa.table({"a": pa.array([value], kind)}) for value in (one, other)]
    assert_same(tables[0], tables[0])
    with pytest.raises(AssertionError):
        assert_same(*tables)


@pytest.mark.parametrize(("one", "other"), OTHER_TYPES)
def test_types_that_differ_are_told_apart(one: pa.DataType, other: pa.DataType) -> None:
    tables = [pa.table({"a": pa.array([], kind)}) for kind in (one, other)]
    with pytest.raises(AssertionError):
        assert_same(*tables)


def test_rows_and_columns_that_are_missing_are_noticed() -> None:
    assert_same(EXPECTED, EXPECTED)
    for other in (EXPECTED.slice(1), EXPECTED.slice(0, 7), EXPECTED.drop_columns(["text"])):
        with pytest.raises(AssertionError):
            assert_same(other, EXPECTED)
