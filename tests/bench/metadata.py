"""What a client that browses pays in an account of very many tables: all catalogs, schemas, tables and columns at once.

Tables without files: whoever opened a log to list them would fail.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from .lake import ACCOUNT, BUCKET, Lake
from .measure import in_turns, remarks
from .peers import Peers
from .report import LAKEGATE, Report
from .settings import Settings

TABLES, COLUMNS = 2_000, 20
DATABASE = "bench_wide"
TYPES = ("bigint", "string", "decimal(12,2)", "array<struct<a:int,b:date>>")
REPETITIONS = 5
AT_ONCE = 8


def run(settings: Settings, lake: Lake, _: Peers, report: Report) -> None:
    register(lake)
    connection = lake.connect()

    def all_columns() -> int:
        objects = connection.kept.adbc_get_objects(depth="all").read_all().to_pylist()
        schemas = [schema for catalog in objects for schema in catalog["catalog_db_schemas"]]
        tables = [table for schema in schemas for table in schema["db_schema_tables"]]
        return sum(len(table["table_columns"]) for table in tables)

    runs = in_turns({LAKEGATE: all_columns}, settings.rounds, REPETITIONS)
    figures = {LAKEGATE: runs[LAKEGATE].median_ms()}
    report.add("metadata", f"columns of {TABLES:,} tables, warm", "ms", figures, remarks(runs))
    connection.close()


def register(lake: Lake) -> None:
    """Enters the tables, which the unrestricted user may see."""
    glue, lake_formation = lake.client("glue"), lake.client("lakeformation")
    glue.create_database(DatabaseInput={"Name": DATABASE})
    lake_formation.grant_permissions(
        Principal={"DataLakePrincipalIdentifier": f"arn:aws:iam::{ACCOUNT}:role/lakegate/analyst"},
        Resource={"Table": {"DatabaseName": DATABASE, "TableWildcard": {}}},
        Permissions=["SELECT"],
    )
    columns = [{"Name": f"column_{number}", "Type": TYPES[number % len(TYPES)]} for number in range(COLUMNS)]

    def enter(number: int) -> None:
        name = f"table_{number:04}"
        location = f"s3://{BUCKET}/{DATABASE}/{name}"
        entry = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"table_type": "DELTA", "spark.sql.sources.provider": "delta"},
            "StorageDescriptor": {"Location": location, "Columns": columns, "SerdeInfo": {"Parameters": {"path": location}}},
        }
        glue.create_table(DatabaseName=DATABASE, TableInput=entry)

    with ThreadPoolExecutor(AT_ONCE) as workers:
        list(workers.map(enter, range(TABLES)))
