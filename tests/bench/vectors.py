"""A table whose every file has a deletion vector: on all threads beside one, and beside the table without vectors on as many.

The table is `sales.lineitem` with every twentieth row of each file deleted. No writer at hand writes deletion vectors, so
they are encoded here.
"""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

from .lake import Copy, Lake, Server
from .measure import in_turns, remarks
from .peers import Peers
from .report import LAKEGATE, Report
from .settings import Settings

DATABASE, TABLE = "bench_vectors", "lineitem"
ONE_THREAD, NO_VECTORS, NEITHER = "one thread", "no vectors", "neither"
EVERY = 20
"""One row of so many is deleted. Fewer than 4,096 of 65,536, so that one kind of container is enough."""

QUESTIONS = {
    "sums of all rows": "select sum(l_quantity), sum(l_extendedprice), max(l_comment) from {}",
    "a range of keys": "select l_orderkey, l_partkey, l_comment from {} where l_orderkey between 1000 and 1999",
}
REPETITIONS = 12
"""Of each round, question by question in turn, because the machine's speed changes within seconds."""
Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
HIVE_TYPES = {"long": "bigint", "integer": "int"}


def run(settings: Settings, lake: Lake, _: Peers, report: Report) -> None:
    folder = lake.folder / "copies" / DATABASE / TABLE
    columns = write_table(next(copy for copy in lake.copies if copy.name == "lineitem"), folder)
    lake.bring(DATABASE, TABLE, folder, columns)
    single = Server(lake, "server-one-thread", LAKEGATE__ENGINE__THREADS="1")
    ours, alone = lake.connect(), single.connect()
    for name, sql in QUESTIONS.items():
        deleted, whole = sql.format(f"{DATABASE}.{TABLE}"), sql.format("sales.lineitem")
        tasks = {
            LAKEGATE: lambda sql=deleted: ours.rows(sql),
            ONE_THREAD: lambda sql=deleted: alone.rows(sql),
            NO_VECTORS: lambda sql=whole: ours.rows(sql),
            NEITHER: lambda sql=whole: alone.rows(sql),
        }
        runs = in_turns(tasks, settings.rounds * REPETITIONS)
        note = remarks({engine: run for engine, run in runs.items() if engine not in (NO_VECTORS, NEITHER) or run.failure})
        report.add("vectors", name, "ms", {engine: run.median_ms() for engine, run in runs.items()}, note)
    single.process.stop()


def write_table(copy: Copy, folder: Path) -> dict[str, str]:
    """The copy's files and one commit with a vector for each; gives the columns and their Hive types."""
    log = "_delta_log"
    shutil.copytree(copy.folder, folder, ignore=shutil.ignore_patterns(log))
    actions = [json.loads(line) for commit in sorted((copy.folder / log).iterdir()) for line in commit.open()]
    features = ["deletionVectors"]
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}
    metadata = [action["metaData"] for action in actions if "metaData" in action][-1]
    lines = [{"protocol": protocol}, {"metaData": metadata}]
    for add in (action["add"] for action in actions if "add" in action):
        rows = json.loads(add["stats"])["numRecords"]
        add["deletionVector"] = inline(range(0, rows, EVERY))
        lines.append({"add": add})
    (folder / log).mkdir()
    (folder / log / f"{0:020}.json").write_text("\n".join(json.dumps(line) for line in lines))
    fields = json.loads(metadata["schemaString"])["fields"]
    return {field["name"]: HIVE_TYPES.get(field["type"], field["type"]) for field in fields}


def inline(rows: range) -> dict[str, object]:
    """The descriptor of a vector that stands in the log itself (Delta protocol, "Deletion Vector Format")."""
    containers: dict[int, list[int]] = {}
    for row in rows:
        containers.setdefault(row >> 16, []).append(row & 0xFFFF)
    bitmap = struct.pack("<II", 12_346, len(containers))
    bitmap += b"".join(struct.pack("<HH", key, len(values) - 1) for key, values in containers.items())
    offset = len(bitmap) + 4 * len(containers)
    for values in containers.values():
        bitmap += struct.pack("<I", offset)
        offset += 2 * len(values)
    bitmap += b"".join(struct.pack(f"<{len(values)}H", *values) for values in containers.values())
    vector = struct.pack("<IQI", 1_681_511_377, 1, 0) + bitmap
    text = z85(vector + bytes(-len(vector) % 4))
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(vector), "cardinality": len(rows)}


def z85(data: bytes) -> str:
    words = struct.unpack(f">{len(data) // 4}I", data)
    return "".join(Z85[word // 85**power % 85] for word in words for power in range(4, -1, -1))
