"""A sandbox with the sample lake, a server in front of it, and copies of its tables for the peers.

The sandbox keeps objects in files with random names, so a peer cannot read them where they lie: tables are copied out
over S3, their live files only, under the paths that their Delta log names.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

import boto3
from botocore.config import Config

from .driver import Connection
from .settings import Settings

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "python"))

from processes import SECONDS_TO_START, Process, answers, free_port, wait_for_sandbox  # noqa: E402

ACCOUNT = "123456789012"
BUCKET = "lakegate-demo"
SALES = "sales"
SECONDS_TO_SEED_PER_SCALE = 120
"""The helper's own limit is meant for the small lake of the tests."""


@dataclass(frozen=True)
class Copy:
    """A Delta table in a local folder, which holds no data file but the live ones."""

    name: str
    folder: Path
    partition_columns: list[str]


class Server:
    """A server in front of the lake, with nothing in its caches yet."""

    def __init__(self, lake: Lake, name: str, binaries: Path | None = None, **overrides: str) -> None:
        address, admin = (f"127.0.0.1:{free_port()}" for _ in range(2))
        self.url = f"grpc://{address}"
        self.process = Process(
            lake.folder, name, str((binaries or lake.binaries) / "lakegate-server"),
            "--config", str(ROOT / "deploy" / "sandbox" / "lakegate.toml"),
            LAKEGATE__SERVER__ADDRESS=address,
            LAKEGATE__ADMIN__ADDRESS=admin,
            LAKEGATE__AWS__ENDPOINT_URL=lake.endpoint,
            LAKEGATE__AUDIT__PATH=str(lake.folder / f"{name}.jsonl"),
            # One user stands for many: what is asked at once is to be answered, not refused.
            LAKEGATE__SESSION__MAX_CONCURRENT_QUERIES_PER_USER="64",
            AWS_ACCESS_KEY_ID="AKIASANDBOXSERVER000",
            AWS_SECRET_ACCESS_KEY="sandbox-server-secret",
            **overrides,
        )  # fmt: skip
        self.process.wait_until(lambda: answers(f"http://{admin}/readyz"))

    def connect(self, user: str = "analyst") -> Connection:
        return Connection(self.url, user)


class Lake:
    def __init__(self, folder: Path, settings: Settings) -> None:
        aws = f"127.0.0.1:{free_port()}"
        self.folder = folder
        self.binaries = settings.binaries
        self.endpoint = f"http://{aws}"
        sandbox = Process(
            folder, "sandbox", str(settings.binaries / "lakegate-sandbox"),
            "--address", aws, "--data-dir", str(folder / "objects"),
            "--demo", "--scale-factor", str(settings.scale_factor),
        )  # fmt: skip
        wait_for_sandbox(sandbox, SECONDS_TO_START + SECONDS_TO_SEED_PER_SCALE * settings.scale_factor)
        self.server = Server(self, "server")

    def connect(self, user: str = "analyst") -> Connection:
        return self.server.connect(user)

    def client(self, service: str):
        """A client that signs as the sandbox's administrator."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="AKIASANDBOXADMIN0000",
            aws_secret_access_key="sandbox-admin-secret",
            config=Config(s3={"addressing_style": "path"}),
        )

    @cached_property
    def copies(self) -> list[Copy]:
        """The tables of `sales`, copied at the first use."""
        pages = self.client("glue").get_paginator("get_tables").paginate(DatabaseName=SALES)
        names = [table["Name"] for page in pages for table in page["TableList"]]
        return [self._copy(SALES, name) for name in names]

    def row_filters(self, user: str, database: str) -> dict[str, str]:
        """The row filters of the user's data cells filters, by table. The sample lake names them after the user."""
        pages = self.client("lakeformation").get_paginator("list_data_cells_filter").paginate()
        filters = [each for page in pages for each in page["DataCellsFilters"]]
        return {
            each["TableName"]: each["RowFilter"]["FilterExpression"]
            for each in filters
            if each["Name"] == user and each["DatabaseName"] == database and "FilterExpression" in each["RowFilter"]
        }

    def bring(self, database: str, table: str, folder: Path, columns: dict[str, str]) -> None:
        """Makes a database with one table from local files, as an administrator would, and grants it to the unrestricted user."""
        s3, glue, lake_formation = (self.client(service) for service in ("s3", "glue", "lakeformation"))
        location = f"{database}/{table}"
        for path in folder.rglob("*"):
            if path.is_file():
                s3.upload_file(str(path), BUCKET, f"{location}/{path.relative_to(folder).as_posix()}")
        glue.create_database(DatabaseInput={"Name": database})
        entry = {
            "Name": table,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"table_type": "DELTA", "classification": "delta", "spark.sql.sources.provider": "delta"},
            "StorageDescriptor": {
                "Location": f"s3://{BUCKET}/{location}",
                "Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()],
                "SerdeInfo": {"Parameters": {"path": f"s3://{BUCKET}/{location}"}},
            },
        }
        glue.create_table(DatabaseName=database, TableInput=entry)
        principal = {"DataLakePrincipalIdentifier": f"arn:aws:iam::{ACCOUNT}:role/lakegate/analyst"}
        resources = {
            "DESCRIBE": {"Database": {"Name": database}},
            "SELECT": {"Table": {"DatabaseName": database, "Name": table}},
        }
        for permission, resource in resources.items():
            lake_formation.grant_permissions(Principal=principal, Resource=resource, Permissions=[permission])

    def _copy(self, database: str, name: str) -> Copy:
        s3, prefix = self.client("s3"), f"{database}/{name}/"
        folder = self.folder / "copies" / database / name
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}_delta_log/")
        commits = sorted(each["Key"] for page in pages for each in page.get("Contents", []))
        live: set[str] = set()
        partition_columns: list[str] = []
        for key in commits:
            if not key.endswith(".json"):
                raise NotImplementedError(f"the log of {name} is more than plain commits: {key}")
            for line in _download(s3, key, folder / key.removeprefix(prefix)).read_text().splitlines():
                action = json.loads(line)
                if "add" in action:
                    live.add(unquote(action["add"]["path"]))
                elif "remove" in action:
                    live.discard(unquote(action["remove"]["path"]))
                elif "metaData" in action:
                    partition_columns = action["metaData"]["partitionColumns"]
        for path in live:
            _download(s3, prefix + path, folder / path)
        return Copy(name, folder, partition_columns)


def _download(s3, key: str, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    s3.download_file(BUCKET, key, str(target))
    return target


def resident_mb(process: Process) -> float:
    """Resident memory in megabytes (10^6 bytes); 0 where the system does not tell."""
    status = Path(f"/proc/{process.child.pid}/status")
    if not status.exists():
        return 0.0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def temporary_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="lakegate-bench-", dir=os.environ.get("TMPDIR"), ignore_cleanup_errors=True)
