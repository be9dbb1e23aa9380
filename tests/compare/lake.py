"""Puts the tables into the sandbox's account over the AWS API, as an administrator of a real one would."""

from __future__ import annotations

import io
import json

import boto3
import pyarrow as pa
import pyarrow.parquet as parquet
from botocore.config import Config

from .tables import FILTERS, SCHEMA, SEEN, TYPES

ACCOUNT = "123456789012"
BUCKET = "lakegate-demo"
UNRESTRICTED = "analyst"
RESTRICTED = "eu_analyst"
"""Sees of each table the rows that its filter leaves."""


class Account:
    """The sandbox's account, signed in as its administrator."""

    def __init__(self, endpoint: str) -> None:
        def client(service: str):
            return boto3.client(
                service,
                endpoint_url=endpoint,
                region_name="us-east-1",
                aws_access_key_id="AKIASANDBOXADMIN0000",
                aws_secret_access_key="sandbox-admin-secret",
                config=Config(s3={"addressing_style": "path"}),
            )

        self.s3, self.glue, self.lake_formation = (client(name) for name in ("s3", "glue", "lakeformation"))

    def bring(self, tables: dict[str, pa.Table], seen: dict[str, pa.Table]) -> None:
        """Makes both databases with their grants."""
        for database, content in ((SCHEMA, tables), (SEEN, seen)):
            self.glue.create_database(DatabaseInput={"Name": database})
            self._grant(UNRESTRICTED, "DESCRIBE", {"Database": {"Name": database}})
            for name, rows in content.items():
                self._bring(database, name, rows)
                self._grant(UNRESTRICTED, "SELECT", {"Table": {"DatabaseName": database, "Name": name}})
        self._grant(RESTRICTED, "DESCRIBE", {"Database": {"Name": SCHEMA}})
        for name in tables:
            self._grant_rows(name, FILTERS.get(name, "id > 0"))

    def _bring(self, database: str, name: str, rows: pa.Table) -> None:
        location = f"{database}/{name}"
        for path, content in delta_files(f"{database}.{name}", rows).items():
            self.s3.put_object(Bucket=BUCKET, Key=f"{location}/{path}", Body=content)
        entry = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"table_type": "DELTA", "classification": "delta", "spark.sql.sources.provider": "delta"},
            "StorageDescriptor": {
                "Location": f"s3://{BUCKET}/{location}",
                "Columns": [{"Name": column, "Type": kind.glue} for column, kind in TYPES.items()],
                "SerdeInfo": {"Parameters": {"path": f"s3://{BUCKET}/{location}"}},
            },
        }
        self.glue.create_table(DatabaseName=database, TableInput=entry)

    def _grant(self, user: str, permission: str, resource: dict) -> None:
        principal = {"DataLakePrincipalIdentifier": f"arn:aws:iam::{ACCOUNT}:role/lakegate/{user}"}
        self.lake_formation.grant_permissions(Principal=principal, Resource=resource, Permissions=[permission])

    def _grant_rows(self, table: str, expression: str) -> None:
        place = {"TableCatalogId": ACCOUNT, "DatabaseName": SCHEMA, "TableName": table}
        rows = {"RowFilter": {"FilterExpression": expression}, "ColumnWildcard": {}}
        self.lake_formation.create_data_cells_filter(TableData=place | {"Name": RESTRICTED} | rows)
        self._grant(RESTRICTED, "SELECT", {"DataCellsFilter": place | {"Name": RESTRICTED}})


def delta_files(identity: str, rows: pa.Table) -> dict[str, bytes]:
    """A Delta table's files by their path: one commit, and a data file for each half of the rows."""
    fields = [{"name": name, "type": kind.delta, "nullable": True, "metadata": {}} for name, kind in TYPES.items()]
    actions: list[dict] = [
        {"protocol": {
            "minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": ["timestampNtz"], "writerFeatures": ["timestampNtz"],
        }},
        {"metaData": {
            "id": identity, "format": {"provider": "parquet", "options": {}}, "partitionColumns": [],
            "schemaString": json.dumps({"type": "struct", "fields": fields}), "configuration": {}, "createdTime": 0,
        }},
    ]  # fmt: skip
    files = {}
    half = (rows.num_rows + 1) // 2
    for part in filter(len, (rows.slice(0, half), rows.slice(half))):
        path = f"part-{len(files)}.parquet"
        content = io.BytesIO()
        parquet.write_table(part, content, store_schema=False)
        files[path] = content.getvalue()
        actions.append({"add": {
            "path": path, "size": len(files[path]), "partitionValues": {}, "modificationTime": 0, "dataChange": True,
        }})  # fmt: skip
    files[f"_delta_log/{0:020}.json"] = "\n".join(json.dumps(action) for action in actions).encode()
    return files
