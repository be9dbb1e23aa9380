"""Writes Delta tables into the sandbox's lake, as a data engineer's job would.

The server under test only reads. What the tests want to find there comes in from the side: Parquet files and a Delta
log on S3, a table in Glue, a grant in Lake Formation, all through the public AWS API.
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.config import Config

ACCOUNT = "123456789012"
BUCKET = "lakegate-demo"
ADMINISTRATOR = {"aws_access_key_id": "AKIASANDBOXADMIN0000", "aws_secret_access_key": "sandbox-admin-secret"}

_NAMES: dict[Callable[[pa.DataType], bool], tuple[str, str]] = {
    pa.types.is_boolean: ("boolean", "boolean"),
    pa.types.is_int8: ("byte", "tinyint"),
    pa.types.is_int16: ("short", "smallint"),
    pa.types.is_int32: ("integer", "int"),
    pa.types.is_int64: ("long", "bigint"),
    pa.types.is_float32: ("float", "float"),
    pa.types.is_float64: ("double", "double"),
    pa.types.is_string: ("string", "string"),
    pa.types.is_binary: ("binary", "binary"),
    pa.types.is_date32: ("date", "date"),
}


@dataclass(frozen=True)
class Column:
    """A column as Delta and Glue know it."""

    name: str
    kind: pa.DataType
    comment: str | None = None


@dataclass
class _Table:
    columns: Sequence[Column]
    version: int = 0
    files: list[str] = field(default_factory=list)
    rows: int = 0


class Lake:
    """The sandbox account, with the rights of its administrator."""

    def __init__(self, endpoint: str) -> None:
        def client(service: str) -> Any:
            return boto3.client(
                service,
                endpoint_url=endpoint,
                region_name="us-east-1",
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
                **ADMINISTRATOR,
            )

        self._glue, self._s3, self._grants = client("glue"), client("s3"), client("lakeformation")
        self._tables: dict[tuple[str, str], _Table] = {}

    def create_schema(self, name: str, user: str) -> None:
        """Create a database and let a user read all tables that it will have."""
        self._glue.create_database(DatabaseInput={"Name": name, "LocationUri": f"s3://{BUCKET}/{name}"})
        role = {"DataLakePrincipalIdentifier": f"arn:aws:iam::{ACCOUNT}:role/lakegate/{user}"}
        self._grants.grant_permissions(Principal=role, Resource={"Database": {"Name": name}}, Permissions=["DESCRIBE"])
        tables = {"Table": {"DatabaseName": name, "TableWildcard": {}}}
        self._grants.grant_permissions(Principal=role, Resource=tables, Permissions=["SELECT"])

    def create_table(self, schema: str, name: str, columns: Sequence[Column], comment: str | None = None) -> None:
        """Create an empty table."""
        table = self._tables[schema, name] = _Table(columns)
        fields = [
            {"name": column.name, "type": _delta_type(column.kind), "nullable": True, "metadata": {}}
            for column in columns
        ]
        log_schema = json.dumps({"type": "struct", "fields": fields})
        protocol: dict[str, Any] = {"minReaderVersion": 1, "minWriterVersion": 2}
        if "timestamp_ntz" in log_schema:
            features = ["timestampNtz"]
            protocol = {
                "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features,
            }  # fmt: skip
        metadata = {
            "id": str(uuid.uuid4()),
            "format": {"provider": "parquet", "options": {}},
            "schemaString": log_schema,
            "partitionColumns": [],
            "configuration": {},
        }
        self._commit(schema, name, table, [{"protocol": protocol}, {"metaData": metadata}])
        described = {"Description": comment} if comment else {}
        glue_columns = [
            {"Name": column.name, "Type": _hive_type(column.kind)}
            | ({"Comment": column.comment} if column.comment else {})
            for column in columns
        ]
        self._glue.create_table(
            DatabaseName=schema,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "StorageDescriptor": {"Columns": glue_columns, "Location": f"s3://{BUCKET}/{schema}/{name}"},
                "Parameters": {"EXTERNAL": "TRUE", "table_type": "DELTA", "spark.sql.sources.provider": "delta"},
                **described,
            },
        )

    def insert(self, schema: str, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows; columns that a row does not name are NULL."""
        table = self._tables[schema, name]
        arrays = [pa.array([row.get(column.name) for row in rows], column.kind) for column in table.columns]
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_arrays(arrays, [column.name for column in table.columns]), buffer)
        path = f"part-{uuid.uuid4()}.parquet"
        self._s3.put_object(Bucket=BUCKET, Key=f"{schema}/{name}/{path}", Body=buffer.getvalue())
        added = {
            "path": path, "partitionValues": {}, "size": buffer.tell(), "modificationTime": 0, "dataChange": True,
        }  # fmt: skip
        self._commit(schema, name, table, [{"add": added}])
        table.files.append(path)
        table.rows += len(rows)

    def next_number(self, schema: str, name: str) -> int:
        """What a column that numbers its rows would have next."""
        return self._tables[schema, name].rows + 1

    def delete_all(self, schema: str, name: str) -> None:
        """Remove all rows."""
        table = self._tables[schema, name]
        removed = [{"remove": {"path": path, "deletionTimestamp": 0, "dataChange": True}} for path in table.files]
        if removed:
            self._commit(schema, name, table, removed)
        table.files.clear()

    def drop_table(self, schema: str, name: str) -> None:
        """Forget a table. Its files go too: a table of the same name must not begin with them."""
        self._glue.delete_table(DatabaseName=schema, Name=name)
        del self._tables[schema, name]
        listed = self._s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{schema}/{name}/").get("Contents", [])
        for found in listed:
            self._s3.delete_object(Bucket=BUCKET, Key=found["Key"])

    def _commit(self, schema: str, name: str, table: _Table, actions: Sequence[dict[str, Any]]) -> None:
        key = f"{schema}/{name}/_delta_log/{table.version:020}.json"
        body = "\n".join(json.dumps(action) for action in actions)
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=body.encode())
        table.version += 1


def _delta_type(kind: pa.DataType) -> Any:
    if pa.types.is_list(kind):
        return {"type": "array", "elementType": _delta_type(kind.value_type), "containsNull": True}
    if pa.types.is_struct(kind):
        fields = [
            {"name": part.name, "type": _delta_type(part.type), "nullable": True, "metadata": {}} for part in kind
        ]
        return {"type": "struct", "fields": fields}
    if pa.types.is_map(kind):
        key, value = _delta_type(kind.key_type), _delta_type(kind.item_type)
        return {"type": "map", "keyType": key, "valueType": value, "valueContainsNull": True}
    return _simple_type(kind, 0)


def _hive_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"array<{_hive_type(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{part.name}:{_hive_type(part.type)}' for part in kind)}>"
    if pa.types.is_map(kind):
        return f"map<{_hive_type(kind.key_type)},{_hive_type(kind.item_type)}>"
    return _simple_type(kind, 1)


def _simple_type(kind: pa.DataType, dialect: int) -> str:
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp_ntz" if kind.tz is None else "timestamp"
    for is_kind, names in _NAMES.items():
        if is_kind(kind):
            return names[dialect]
    raise NotImplementedError(f"Delta tables have no columns of type {kind}")
