"""The engines that Lakegate stands beside. Each finds the sample lake under the same names, `sales.<table>`.

They run as they come out of the box, and read copies of Lakegate's files from the local disk. The file cache of the
system holds those for them, as the server's block cache does for Lakegate.
"""

from __future__ import annotations

import importlib.metadata
import os
import socket
import sys
from pathlib import Path

from .driver import Connection
from .lake import SALES, Copy, Process, free_port
from .measure import in_one_line
from .report import Report


class Sail:
    """`sail flight server`: Flight SQL over the Delta tables themselves."""

    name = "Sail"
    package = "pysail"

    def __init__(self, folder: Path, copies: list[Copy], name: str = "sail") -> None:
        port = free_port()
        self.url = f"grpc://127.0.0.1:{port}"
        command = Path(sys.executable).parent / "sail"
        if not command.exists():
            raise FileNotFoundError("the command `sail` of package pysail is not installed")
        address = ("--ip", "127.0.0.1", "--port", str(port))
        self.folder = folder
        self.process = Process(folder, name, str(command), "flight", "server", *address)
        self.process.wait_until(lambda: _listens(port))
        self.connection = Connection(self.url)
        self.register(SALES, copies)

    def register(self, database: str, copies: list[Copy]) -> None:
        self.connection.rows(f"create database {database}")
        for copy in copies:
            self.connection.rows(f"create table {database}.{copy.name} using delta location '{copy.folder.as_uri()}'")

    def rows(self, sql: str) -> int:
        return self.connection.rows(sql)

    def fresh(self, name: str, copies: list[Copy]) -> Sail:
        """Another one, with nothing in its caches yet."""
        return Sail(self.folder, copies, name)


class DataFusion:
    """The engine inside Lakegate, as its Python package brings it, over the Parquet files."""

    name = "DataFusion"
    package = "datafusion"

    def __init__(self, _: Path, copies: list[Copy]) -> None:
        from datafusion import SessionContext

        self.context = SessionContext()
        self.context.sql(f"create schema {SALES}")
        for copy in copies:
            partitions = f"partitioned by ({', '.join(copy.partition_columns)})" if copy.partition_columns else ""
            self.context.sql(
                f"create external table {SALES}.{copy.name} stored as parquet {partitions} location '{copy.folder}/'"
            )

    def rows(self, sql: str) -> int:
        return self.context.sql(sql).to_arrow_table().num_rows


class DuckDb:
    """DuckDB over the Parquet files."""

    name = "DuckDB"
    package = "duckdb"

    def __init__(self, _: Path, copies: list[Copy]) -> None:
        import duckdb

        # Parquet is part of the package; anything else it would fetch while a query is timed.
        self.connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        self.connection.execute(f"create schema {SALES}")
        for copy in copies:
            files = f"read_parquet('{copy.folder}/**/*.parquet', hive_partitioning = true)"
            self.connection.execute(f"create view {SALES}.{copy.name} as select * from {files}")

    def rows(self, sql: str) -> int:
        return self.connection.sql(sql).to_arrow_table().num_rows


PEERS = (Sail, DataFusion, DuckDb)
Peer = Sail | DataFusion | DuckDb


class Peers:
    """Those that could be started, by name."""

    def __init__(self, wanted: list[type[Peer]], folder: Path, copies: list[Copy], report: Report) -> None:
        self.started: dict[str, Peer] = {}
        for kind in wanted:
            try:
                self.started[kind.name] = kind(folder, copies)
                report.about[kind.name] = importlib.metadata.version(kind.package)
            except Exception as error:
                report.add("peers", kind.name, note=f"not started: {in_one_line(error)}")

    @property
    def sail(self) -> Sail | None:
        found = self.started.get(Sail.name)
        return found if isinstance(found, Sail) else None


def wanted_by(sections: tuple[str, ...]) -> list[type[Peer]]:
    """The peers that the sections have a column for."""
    if "tpch" in sections:
        return list(PEERS)
    wanted: list[type[Peer]] = [Sail] if set(sections) - {"guard", "hostile", "metadata", "before"} else []
    return [*wanted, DataFusion] if "guard" in sections else wanted


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == os.EX_OK
