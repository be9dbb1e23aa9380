"""The type objects of PEP 249: what ``cursor.description`` may be compared with.

The driver's own leave decimals out of the numbers and views out of the texts.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from pyarrow import types


class TypeObject:
    """Equal to every Arrow type of its kind.

    >>> NUMBER == pa.decimal128(12, 2)
    True
    """

    def __init__(self, name: str, *kinds: Callable[[pa.DataType], bool]) -> None:
        self._name = name
        self._kinds = kinds

    def __eq__(self, other: object) -> bool:
        if isinstance(other, pa.DataType):
            return any(is_kind(other) for is_kind in self._kinds)
        return self is other

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return self._name


STRING = TypeObject("STRING", types.is_string, types.is_large_string, types.is_string_view)
BINARY = TypeObject("BINARY", types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary)
NUMBER = TypeObject("NUMBER", types.is_integer, types.is_floating, types.is_decimal)
DATETIME = TypeObject("DATETIME", types.is_date, types.is_time, types.is_timestamp)
#: Tables of a lake have no row identifiers.
ROWID = TypeObject("ROWID")
