"""One Delta table with every type that Delta has, written once for all clients.

A column of each primitive type holds its bounds, its odd values and NULL. From each of them follow a list, a map and a
member of one wide struct with the same values, so that what holds for a type is seen nested as well. Some columns more
are nested deeper, or forbid NULL. The rows lie in two files; a second table has the same columns and no row.

`EXPECTED` is what a user with all rights reads, in the order of `id`, and `FILTERED` what the row filter leaves.
"""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

DATABASE = "types"
TABLE = "every_type"
EMPTY = "no_rows"
FILTER_EXPRESSION = "id > 2"

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")
LOCAL_MICROSECONDS = pa.timestamp("us")

LONG_TEXT_BYTES = 1 << 20
"""Of the longest string and the longest binary: as large as the messages that the server aims at."""

YEAR_1 = -62_135_596_800_000_000
LAST_OF_YEAR_9999 = 253_402_300_799_999_999
MOMENTS = [YEAR_1, -1, 0, 1_709_210_096_123_456, LAST_OF_YEAR_9999]
DAYS = [-719_162, -141_428, -1, 0, 19_782, 2_932_896]
"""0001-01-01, the last day of the Julian calendar, both sides of 1970, a leap day, 9999-12-31."""


@dataclass(frozen=True)
class Type:
    """A type as Delta's log, Glue and Arrow spell it. Delta writes nested ones as JSON objects."""

    delta: Any
    glue: str
    arrow: pa.DataType


def decimal(precision: int, scale: int) -> Type:
    text = f"decimal({precision},{scale})"
    return Type(text, text, pa.decimal128(precision, scale))


def decimals(precision: int, scale: int) -> list[Decimal]:
    digits = (9,) * precision
    return [Decimal((sign, digits, -scale)) for sign in (0, 1)] + [Decimal((0, (1,), -scale)), Decimal(0).scaleb(-scale)]


PRIMITIVES: dict[str, tuple[Type, list[Any]]] = {
    "boolean": (Type("boolean", "boolean", pa.bool_()), [True, False]),
    "byte": (Type("byte", "tinyint", pa.int8()), [-128, 0, 127]),
    "short": (Type("short", "smallint", pa.int16()), [-(2**15), 0, 2**15 - 1]),
    "integer": (Type("integer", "int", pa.int32()), [-(2**31), 0, 2**31 - 1]),
    "long": (Type("long", "bigint", pa.int64()), [-(2**63), 0, 2**53 + 1, 2**63 - 1]),
    "float": (
        Type("float", "float", pa.float32()),
        [math.nan, math.inf, -math.inf, -0.0, 1.401298464324817e-45, 3.4028234663852886e38],
    ),
    "double": (
        Type("double", "double", pa.float64()),
        [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308],
    ),
    **{
        f"decimal_{precision}_{scale}": (decimal(precision, scale), decimals(precision, scale))
        for precision, scale in [(1, 0), (9, 2), (18, 0), (18, 18), (38, 0), (38, 10), (38, 38)]
    },
    "text": (
        Type("string", "string", pa.string()),
        ["", " padded\t\r\n", "quote ' and \" and \\", "NULL", "a\0b", "Zoë, \u202eright to left, e\u0301, 👩‍👩‍👧, \U0010ffff"],
    ),
    "binary": (Type("binary", "binary", pa.binary()), [b"", b"\0", bytes(range(256)), b"\xff\xfe not text"]),
    "date": (Type("date", "date", pa.date32()), DAYS),
    "moment": (Type("timestamp", "timestamp", UTC_MICROSECONDS), MOMENTS),
    "local_moment": (Type("timestamp_ntz", "timestamp_ntz", LOCAL_MICROSECONDS), MOMENTS),
}

ROWS = 8


def array_of(item: Type, contains_null: bool = True) -> Type:
    return Type(
        {"type": "array", "elementType": item.delta, "containsNull": contains_null},
        f"array<{item.glue}>",
        pa.list_(pa.field("element", item.arrow, nullable=contains_null)),
    )


def map_of(key: Type, value: Type, contains_null: bool = True) -> Type:
    return Type(
        {"type": "map", "keyType": key.delta, "valueType": value.delta, "valueContainsNull": contains_null},
        f"map<{key.glue},{value.glue}>",
        pa.map_(key.arrow, pa.field("value", value.arrow, nullable=contains_null)),
    )


def struct_of(members: dict[str, Type], nullable: bool = True) -> Type:
    return Type(
        {"type": "struct", "fields": [delta_field(name, each, nullable) for name, each in members.items()]},
        "struct<" + ",".join(f"{name}:{each.glue}" for name, each in members.items()) + ">",
        pa.struct([pa.field(name, each.arrow, nullable) for name, each in members.items()]),
    )


def delta_field(name: str, kind: Type, nullable: bool = True) -> dict[str, Any]:
    return {"name": name, "type": kind.delta, "nullable": nullable, "metadata": {}}


@dataclass(frozen=True)
class Column:
    name: str
    type: Type
    values: list[Any]
    nullable: bool = True

    @property
    def field(self) -> pa.Field:
        return pa.field(self.name, self.type.arrow, self.nullable)


def columns() -> list[Column]:
    long, text = PRIMITIVES["long"][0], PRIMITIVES["text"][0]
    found = [Column("id", long, list(range(1, ROWS + 1)), nullable=False)]
    for name, (kind, values) in PRIMITIVES.items():
        # A NULL first, last and between: the bitmap is not all ones in any file.
        found.append(Column(name, kind, padded([None, *values])))
        found.append(Column(f"{name}_list", array_of(kind), padded([[*values, None], [], None, [None], values[:1]])))
        pairs = [(f"key {number}", value) for number, value in enumerate([*values, None])]
        found.append(Column(f"{name}_map", map_of(text, kind), padded([pairs, [], None, pairs[-1:]])))
    members = {name: kind for name, (kind, _) in PRIMITIVES.items()}
    rows = [{name: at(values, row) for name, (_, values) in PRIMITIVES.items()} for row in range(ROWS - 2)]
    found.append(Column("wide_struct", struct_of(members), [*rows, dict.fromkeys(members), None]))
    return [*found, *deeper_columns(), *long_columns()]


def deeper_columns() -> list[Column]:
    integer, text, moment = (PRIMITIVES[name][0] for name in ("integer", "text", "moment"))
    date, amount = PRIMITIVES["date"][0], decimal(9, 2)
    point = struct_of({"x": integer, "label": text})
    order = struct_of({"at": moment, "lines": array_of(struct_of({"amount": amount, "tags": map_of(text, text)}))})
    line = {"amount": Decimal("-1.25"), "tags": [("a", None), ("b", "")]}
    return [
        Column("list_of_lists", array_of(array_of(integer)), padded([[[1, None], [], None], [], None, [[2]]])),
        Column("list_of_structs", array_of(point), padded([[{"x": 1, "label": None}, None], []])),
        Column("map_by_date", map_of(date, array_of(amount)), padded([[(0, [Decimal("0.01"), None]), (2_932_896, None)]])),
        Column("map_of_maps", map_of(integer, map_of(text, point)), padded([[(1, [("k", {"x": 2, "label": ""})]), (2, None)], []])),
        Column("order", order, padded([{"at": 0, "lines": [line, None]}, {"at": None, "lines": []}, {"at": -1, "lines": None}])),
        Column("required", integer, list(range(ROWS)), nullable=False),
        Column("list_without_nulls", array_of(integer, contains_null=False), [[]] * 3 + [[1, 2]] * (ROWS - 3)),
        Column("map_without_nulls", map_of(text, integer, contains_null=False), [[("a", 1)]] * ROWS),
        Column("struct_without_nulls", struct_of({"a": integer}, nullable=False), [{"a": 7}] * ROWS, nullable=False),
    ]  # fmt: skip


def long_columns() -> list[Column]:
    text, binary = PRIMITIVES["text"][0], PRIMITIVES["binary"][0]
    long_text = "ü€𝄞x" * (LONG_TEXT_BYTES // 10)
    long_binary = bytes(range(256)) * (LONG_TEXT_BYTES // 256)
    return [
        Column("long_text", text, padded([None, "short", long_text])),
        # In another row, because a row has to fit into one message.
        Column("long_binary", binary, padded([None, None, None, long_binary])),
    ]


def padded(values: list[Any]) -> list[Any]:
    assert len(values) <= ROWS, values
    return values + [None] * (ROWS - len(values))


def at(values: list[Any], row: int) -> Any:
    return values[row] if row < len(values) else None


COLUMNS = columns()
SCHEMA = pa.schema([column.field for column in COLUMNS])
EXPECTED = pa.table([pa.array(column.values, column.type.arrow) for column in COLUMNS], schema=SCHEMA)
FILTERED = EXPECTED.slice(2)


def delta_files(with_rows: bool) -> dict[str, bytes]:
    """The table's files by their path: one commit, and a data file for each half of the rows."""
    schema = {"type": "struct", "fields": [delta_field(each.name, each.type, each.nullable) for each in COLUMNS]}
    actions: list[dict[str, Any]] = [
        {"protocol": {
            "minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": ["timestampNtz"], "writerFeatures": ["timestampNtz"],
        }},
        {"metaData": {
            "id": TABLE if with_rows else EMPTY, "format": {"provider": "parquet", "options": {}},
            "schemaString": json.dumps(schema), "partitionColumns": [], "configuration": {}, "createdTime": 0,
        }},
    ]  # fmt: skip
    files = {}
    for start in range(0, ROWS, ROWS // 2) if with_rows else ():
        path = f"part-{start}.parquet"
        content = io.BytesIO()
        parquet.write_table(EXPECTED.slice(start, ROWS // 2), content, store_schema=False)
        files[path] = content.getvalue()
        actions.append({"add": {
            "path": path, "size": len(files[path]), "partitionValues": {}, "modificationTime": 0, "dataChange": True,
        }})  # fmt: skip
    files[f"_delta_log/{0:020}.json"] = "\n".join(json.dumps(action) for action in actions).encode()
    return files
