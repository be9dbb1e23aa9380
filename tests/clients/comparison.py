"""Equality of tables, value by value.

Arrow's own comparison takes NaN for unequal to itself and -0.0 for equal to 0.0, and tells nothing about where two
tables differ.
"""

from __future__ import annotations

import pyarrow as pa


def assert_same_schema(found: pa.Schema, expected: pa.Schema) -> None:
    """Same names, types and nullability at every depth. Metadata is free."""
    for position, (ours, theirs) in enumerate(zip(found, expected, strict=False)):
        assert described(ours) == described(theirs), f"column {position}"
    assert found.names == expected.names


def assert_same(found: pa.Table, expected: pa.Table) -> None:
    """Same schema and the same values in the same order."""
    assert_same_schema(found.schema, expected.schema)
    assert_same_values(found, expected)


def assert_same_values(found: pa.Table, expected: pa.Table) -> None:
    """The same values in the same order, whatever the fields are called inside of nested types."""
    found.validate(full=True)
    assert found.num_rows == expected.num_rows
    assert found.column_names == expected.column_names
    for name in expected.column_names:
        pairs = zip(texts(found[name]), texts(expected[name]), strict=True)
        different = [f"row {row}: {cut(ours)} is not {cut(theirs)}" for row, (ours, theirs) in enumerate(pairs) if ours != theirs]
        assert not different, f"column {name}:\n" + "\n".join(different)


def texts(column: pa.ChunkedArray) -> list[str]:
    """Each value as Python writes it, which tells all values apart that are not the same."""
    return [repr(value) for value in column.to_pylist()]


def cut(text: str) -> str:
    return text if len(text) < 300 else f"{text[:200]}… ({len(text)} characters)"


def described(field: pa.Field) -> str:
    """A field with all that is inside of it; Arrow's own text leaves out the nullability of what is nested."""
    kind = field.type
    if pa.types.is_list(kind):
        inside = [kind.value_field]
    elif pa.types.is_map(kind):
        # Arrow C++ does not compare what a map's entries are called either.
        inside = [kind.key_field.with_name("key"), kind.item_field.with_name("value")]
    elif pa.types.is_struct(kind):
        inside = [kind.field(position) for position in range(kind.num_fields)]
    else:
        return f"{field.name}: {kind}{'' if field.nullable else ' not null'}"
    members = ", ".join(described(each) for each in inside)
    return f"{field.name}: {kind.id}<{members}>{'' if field.nullable else ' not null'}"
