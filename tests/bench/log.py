"""A Delta log of very many files, and a question whose answer is in none of them.

No data file exists: statistics of three columns in the log exclude every file, so an engine that opens one fails. The
first question reads the log, checkpoint and latest commit; the later ones show what is kept of it, and the server's memory
what that costs: both servers are fresh ones. Then one file is added: the next question shows whether all is read again.
Sail's first question includes the registration of the table, which reads the log too.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from .lake import Copy, Lake, Server, resident_mb
from .measure import in_turns, remarks
from .peers import Peers
from .report import LAKEGATE, Report
from .settings import Settings

DATABASE, TABLE = "bench_log", "readings"
COLUMNS = {"id": "bigint", "sensor": "string", "value": "double", "day": "date"}
FILES_PER_COMMIT = 10_000
ROWS_PER_FILE = 1_000
QUESTION = f"select id, sensor from {DATABASE}.{TABLE} where id < 0 and value > -1 and day > date '1999-12-31'"
STALENESS_SECONDS = 1
"""`table.snapshot_max_age` of a server that is not told otherwise: so long may a new commit go unseen."""
REPETITIONS = 20


def run(settings: Settings, lake: Lake, peers: Peers, report: Report) -> None:
    folder = lake.folder / "copies" / DATABASE / TABLE
    table = write_log(folder, settings.files)
    lake.bring(DATABASE, TABLE, folder, COLUMNS)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6

    server = Server(lake, "server-log")
    connection = server.connect()
    connection.rows("select 1")
    first = {LAKEGATE: lambda: connection.rows(QUESTION)}
    later, processes = dict(first), {LAKEGATE: server.process}
    if peers.sail:
        sail = peers.sail.fresh("sail-log", [])
        first[sail.name] = lambda: sail.register(DATABASE, [Copy(TABLE, folder, [])]) or sail.rows(QUESTION)
        later[sail.name] = lambda: sail.rows(QUESTION)
        processes[sail.name] = sail.process
    before = {engine: resident_mb(process) for engine, process in processes.items()}
    first_runs = in_turns(first, rounds=1, warm_ups=0)
    runs = in_turns(later, settings.rounds, REPETITIONS)
    growth = {engine: resident_mb(process) - before[engine] for engine, process in processes.items()}
    commit(table, range(settings.files, settings.files + 1))
    time.sleep(2 * STALENESS_SECONDS)
    after_commit = in_turns(later, rounds=1, warm_ups=0)
    for process in processes.values():
        process.stop()

    note = remarks(first_runs) or f"{settings.files} files, a log of {size:.0f} MB"
    report.add("log", "first question", "ms", {engine: run.median_ms() for engine, run in first_runs.items()}, note)
    report.add("log", "later ones, p50", "ms", {engine: run.median_ms() for engine, run in runs.items()}, remarks(runs))
    report.add(
        "log",
        "the one after a new commit",
        "ms",
        {engine: run.median_ms() for engine, run in after_commit.items()},
        remarks(after_commit),
    )
    report.add("log", "server's memory grew by", "MB", growth)


def write_log(folder: Path, files: int):
    """Commits of FILES_PER_COMMIT files each, and a checkpoint before the last of them."""
    from deltalake import DeltaTable
    from deltalake.transaction import create_table_with_add_actions

    folder.mkdir(parents=True)
    create_table_with_add_actions(str(folder), schema(), [], mode="error", partition_by=[])
    table = DeltaTable(str(folder))
    for start in range(0, files, FILES_PER_COMMIT):
        end = min(start + FILES_PER_COMMIT, files)
        if end == files:
            table.create_checkpoint()
        commit(table, range(start, end))
    return table


def schema():
    from deltalake import Field, Schema
    from deltalake.schema import PrimitiveType

    delta_names = {"bigint": "long"}
    return Schema([Field(name, PrimitiveType(delta_names.get(kind, kind))) for name, kind in COLUMNS.items()])


def commit(table, numbers: range) -> None:
    actions = [added(number) for number in numbers]
    table.create_write_transaction(actions, mode="append", schema=schema(), partition_by=[])
    table.update_incremental()


def added(number: int):
    """The log's entry of a file that nobody ever wrote."""
    from deltalake.transaction import AddAction

    first = number * ROWS_PER_FILE
    day = f"20{number % 20 + 10}-{number % 12 + 1:02}-{number % 28 + 1:02}"
    least = {"id": first, "sensor": f"sensor-{number:08}", "value": number / 8, "day": day}
    most = {"id": first + ROWS_PER_FILE - 1, "sensor": f"sensor-{number:08}", "value": number / 8 + 100.5, "day": day}
    statistics = {
        "numRecords": ROWS_PER_FILE,
        "minValues": least,
        "maxValues": most,
        "nullCount": dict.fromkeys(COLUMNS, 0),
    }
    return AddAction(
        path=f"part-{number:08}-c000.zstd.parquet",
        size=1_000_000 + number,
        partition_values={},
        modification_time=1_700_000_000_000 + number,
        data_change=True,
        stats=json.dumps(statistics, separators=(",", ":")),
    )
