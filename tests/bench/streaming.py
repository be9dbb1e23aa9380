"""All of the largest table to Python and to Rust, beside Sail and a bare Flight server that sends rows from memory.

Servers are fresh ones, so that their memory tells of the streaming alone. The bare server is what the protocol alone
costs. It runs in this process and holds fewer rows than the table of a large lake, so rates are compared, not times:
bytes of Lakegate's result per row, times rows, by time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.flight as flight

from .driver import Connection
from .lake import Lake, Server, resident_mb
from .measure import Run, in_turns, remarks
from .peers import Peers
from .report import LAKEGATE, Report
from .rust import RustConnection
from .settings import Settings

SQL = "select * from sales.lineitem"
ROWS_IN_MEMORY = 2_000_000
FROM_MEMORY = "from memory"


class FromMemory(flight.FlightServerBase):
    """Sends one table that it holds, to whatever ticket: what the protocol alone costs."""

    def __init__(self, table: pa.Table) -> None:
        super().__init__("grpc://127.0.0.1:0")
        self.table = table

    def get_flight_info(self, context, descriptor):
        if b"CommandStatementQuery" not in descriptor.command:
            # A driver asks for capabilities when it connects, and takes no other answer than theirs or this one.
            raise NotImplementedError("statements only")
        endpoints = [flight.FlightEndpoint(b"all", [])]
        return flight.FlightInfo(self.table.schema, descriptor, endpoints, -1, -1)

    def do_get(self, context, ticket):
        return flight.RecordBatchStream(self.table)


def run(settings: Settings, lake: Lake, peers: Peers, report: Report) -> None:
    server = Server(lake, "server-streaming")
    ours = server.connect()
    processes, from_python = {LAKEGATE: server.process}, {LAKEGATE: ours}
    from_rust = {LAKEGATE: RustConnection(lake.binaries, server.url, "analyst")}
    if peers.sail:
        sail = peers.sail.fresh("sail-streaming", lake.copies)
        processes[sail.name], from_python[sail.name] = sail.process, sail.connection
        from_rust[sail.name] = RustConnection(lake.binaries, sail.url)
    before = {engine: resident_mb(process) for engine, process in processes.items()}
    rows, size = ours.read(SQL)
    with from_memory(ours.table(f"{SQL} limit {ROWS_IN_MEMORY}")) as bare:
        from_python[FROM_MEMORY] = bare
        runs = {client: all_rows(ask, settings) for client, ask in (("", from_python), (", Rust", from_rust))}
    after = {engine: resident_mb(process) for engine, process in processes.items()}
    for process in processes.values():
        process.stop()

    for client, by_engine in runs.items():
        rates = {engine: rate(run, size / rows) for engine, run in by_engine.items()}
        note = remarks({engine: run for engine, run in by_engine.items() if engine != FROM_MEMORY or run.failure})
        report.add("streaming", f"all of lineitem{client}", "MB/s", rates, note or f"a result of {size / 1e6:.0f} MB")
    report.add("streaming", "server's memory before", "MB", before)
    report.add("streaming", "server's memory after", "MB", after)


def all_rows(ask: dict[str, Connection | RustConnection], settings: Settings) -> dict[str, Run]:
    return in_turns({engine: lambda each=each: each.rows(SQL) for engine, each in ask.items()}, settings.rounds)


def rate(run: Run, bytes_per_row: float) -> float | None:
    seconds = run.median()
    return None if seconds is None else run.answer * bytes_per_row / seconds / 1e6


@contextmanager
def from_memory(table: pa.Table) -> Iterator[Connection]:
    server = FromMemory(table)
    threading.Thread(target=server.serve, daemon=True).start()
    connection = Connection(f"grpc://127.0.0.1:{server.port}")
    try:
        yield connection
    finally:
        connection.close()
        server.shutdown()
