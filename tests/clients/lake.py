"""Puts tables into the sandbox's account over the AWS API, as an administrator of a real one would."""

from __future__ import annotations

import boto3
import every_type
from botocore.config import Config

ACCOUNT = "123456789012"
BUCKET = "lakegate-demo"

UNRESTRICTED_USER = "analyst"
RESTRICTED_USER = "hr_partner"
"""Sees the rows of the table of types that `FILTER_EXPRESSION` leaves."""
HIDDEN_COLUMN_USER = "support"
"""Sees all of its rows and only the columns `id` and `text`."""
STRANGER = "stranger"


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

    def bring_types(self) -> None:
        """Makes the database of types, with its grants to the three users above."""
        self.glue.create_database(DatabaseInput={"Name": every_type.DATABASE})
        for name in (every_type.TABLE, every_type.EMPTY):
            self._bring(name, every_type.delta_files(with_rows=name == every_type.TABLE))
            self._grant(UNRESTRICTED_USER, "SELECT", {"Table": self._table(name)})
        columns = {"TableWithColumns": self._table(every_type.TABLE) | {"ColumnNames": ["id", "text"]}}
        self._grant(HIDDEN_COLUMN_USER, "SELECT", columns)
        self._grant_rows(RESTRICTED_USER)
        for user in (UNRESTRICTED_USER, RESTRICTED_USER, HIDDEN_COLUMN_USER):
            self._grant(user, "DESCRIBE", {"Database": {"Name": every_type.DATABASE}})

    def _bring(self, name: str, files: dict[str, bytes]) -> None:
        location = f"{every_type.DATABASE}/{name}"
        for path, content in files.items():
            self.s3.put_object(Bucket=BUCKET, Key=f"{location}/{path}", Body=content)
        entry = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"table_type": "DELTA", "classification": "delta", "spark.sql.sources.provider": "delta"},
            "StorageDescriptor": {
                "Location": f"s3://{BUCKET}/{location}",
                "Columns": [{"Name": each.name, "Type": each.type.glue} for each in every_type.COLUMNS],
                "SerdeInfo": {"Parameters": {"path": f"s3://{BUCKET}/{location}"}},
            },
        }
        self.glue.create_table(DatabaseName=every_type.DATABASE, TableInput=entry)

    def _table(self, name: str) -> dict[str, str]:
        return {"DatabaseName": every_type.DATABASE, "Name": name}

    def _grant(self, user: str, permission: str, resource: dict) -> None:
        principal = {"DataLakePrincipalIdentifier": f"arn:aws:iam::{ACCOUNT}:role/lakegate/{user}"}
        self.lake_formation.grant_permissions(Principal=principal, Resource=resource, Permissions=[permission])

    def _grant_rows(self, user: str) -> None:
        place = {"TableCatalogId": ACCOUNT, "DatabaseName": every_type.DATABASE, "TableName": every_type.TABLE}
        rows = {"RowFilter": {"FilterExpression": every_type.FILTER_EXPRESSION}, "ColumnWildcard": {}}
        self.lake_formation.create_data_cells_filter(TableData=place | {"Name": user} | rows)
        self._grant(user, "SELECT", {"DataCellsFilter": place | {"Name": user}})
