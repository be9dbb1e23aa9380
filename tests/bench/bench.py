"""`make bench`: how fast a stock driver (ADBC) gets its answers, beside peers in the same run.

Prints one table and writes `bench.json` beside the binaries. Nothing here asserts a time: figures depend on the machine,
so each stands beside a peer that was measured on the same machine a moment before.

    latency    one row of a small table, warm; beside `select 1` on the same connection (no table, no policy)
    streaming  all columns of sales.lineitem; beside a bare Flight server that sends the same rows from memory
    memory     the server's resident memory before and after the streaming
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "python"))

import adbc_driver_flightsql.dbapi as flight_sql  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.flight as flight  # noqa: E402
from conftest import Process, answers, free_port  # noqa: E402

SCALE_FACTOR = os.environ.get("LAKEGATE_BENCH_SF", "1")
BINARIES = Path(os.environ["LAKEGATE_BINARIES"])
SMALL = "select n_name from sales.nation where n_nationkey = 7"
LARGE = "select * from sales.lineitem"
WARM_UPS = 20
REPETITIONS = 200
STREAMS = 3


class Lake:
    """A sandbox with the sample lake and a server in front of it."""

    def __init__(self, folder: Path) -> None:
        aws, address, admin = (f"127.0.0.1:{free_port()}" for _ in range(3))
        self.url = f"grpc://{address}"
        sandbox = Process(
            folder, "sandbox", str(BINARIES / "lakegate-sandbox"),
            "--address", aws, "--demo", "--scale-factor", SCALE_FACTOR,
        )  # fmt: skip
        sandbox.wait_until(lambda: "sandbox ready" in sandbox.log.read_text(errors="replace"))
        self.server = Process(
            folder, "server", str(BINARIES / "lakegate-server"),
            "--config", str(ROOT / "deploy" / "sandbox" / "lakegate.toml"),
            LAKEGATE__SERVER__ADDRESS=address,
            LAKEGATE__ADMIN__ADDRESS=admin,
            LAKEGATE__AWS__ENDPOINT_URL=f"http://{aws}",
            LAKEGATE__AUDIT__PATH=str(folder / "audit.jsonl"),
            AWS_ACCESS_KEY_ID="AKIASANDBOXSERVER000",
            AWS_SECRET_ACCESS_KEY="sandbox-server-secret",
        )  # fmt: skip
        self.server.wait_until(lambda: answers(f"http://{admin}/readyz"))

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.server.child.pid}/status")
        if not status.exists():
            return 0
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024


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


def connect(url: str, user: str | None):
    options = {"adbc.flight.sql.client_option.with_max_msg_size": str(64 << 20)}
    if user:
        options |= {"username": user, "password": user}
    return flight_sql.connect(url, db_kwargs=options, autocommit=True)


def latencies(connection, sql: str) -> list[float]:
    """Milliseconds of each repetition, from execute to the last row."""
    taken = []
    with connection.cursor() as cursor:
        for repetition in range(WARM_UPS + REPETITIONS):
            began = time.perf_counter()
            cursor.execute(sql)
            cursor.fetchall()
            if repetition >= WARM_UPS:
                taken.append((time.perf_counter() - began) * 1000)
    return taken


def statement_stream(connection, sql: str) -> int:
    """Reads all batches of a statement through the driver, and counts their bytes."""
    with connection.cursor() as cursor:
        statement = cursor.adbc_statement
        statement.set_sql_query(sql)
        handle, _ = statement.execute_query()
        reader = pa.RecordBatchReader._import_from_c(handle.address)
        return sum(batch.nbytes for batch in reader)


def throughput(connection, sql: str) -> tuple[float, int]:
    """Best megabytes (10^6) a second of some runs after a warm-up, and the bytes of one run."""
    sent = statement_stream(connection, sql)
    best = 0.0
    for _ in range(STREAMS):
        began = time.perf_counter()
        sent = statement_stream(connection, sql)
        best = max(best, sent / (time.perf_counter() - began) / 1e6)
    return best, sent


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="lakegate-bench-"))
    lake = Lake(folder)
    with connect(lake.url, "analyst") as connection:
        nothing = latencies(connection, "select 1")
        small = latencies(connection, SMALL)
        filtered = latencies(connect(lake.url, "eu_analyst"), SMALL)
        before = lake.resident_bytes()
        streamed, sent = throughput(connection, LARGE)
        after = lake.resident_bytes()
        sample = connection.cursor()
        sample.execute(f"{LARGE} limit 2000000")
        table = sample.fetch_arrow_table()
    bare = FromMemory(table)
    threading.Thread(target=bare.serve, daemon=True).start()
    with connect(f"grpc://127.0.0.1:{bare.port}", None) as connection:
        from_memory, _ = throughput(connection, LARGE)
    bare.shutdown()
    report(nothing, small, filtered, streamed, from_memory, sent, before, after)


def report(nothing, small, filtered, streamed, from_memory, sent, before, after) -> None:
    base = statistics.median(nothing)
    rows = [("what", "figure", "beside", "ratio")]
    for name, taken in (("small query, all rows", small), ("small query, row filter", filtered)):
        median, slow = statistics.median(taken), statistics.quantiles(taken, n=20)[18]
        rows.append((name, f"{median:.2f} ms (p95 {slow:.2f})", f"select 1: {base:.2f} ms", f"{median / base:.2f}"))
    rows.append((
        f"stream lineitem SF {SCALE_FACTOR}", f"{streamed:.0f} MB/s",
        f"from memory: {from_memory:.0f} MB/s", f"{streamed / from_memory:.2f}",
    ))  # fmt: skip
    growth = (after - before) / 1e6
    rows.append(("memory after streaming", f"{after / 1e6:.0f} MB", f"before: {before / 1e6:.0f} MB", f"{growth / (sent / 1e6):.2f} of a result"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)))
    figures = {
        "scale_factor": SCALE_FACTOR,
        "select_1_ms": base,
        "small_ms": statistics.median(small),
        "small_filtered_ms": statistics.median(filtered),
        "stream_mb_per_s": streamed,
        "stream_from_memory_mb_per_s": from_memory,
        "result_bytes": sent,
        "resident_before": before,
        "resident_after": after,
    }
    (BINARIES / "bench.json").write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
