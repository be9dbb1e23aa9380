"""Starts sandbox and server, asks, prints what came of it. The exit status is 1 if something is wrong."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from .lake import Account
from .run import Run
from .tables import FILTERS, SCHEMA, make

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "python"))

from processes import Process, start_sandbox, start_server, wait_for_sandbox  # noqa: E402

from .engines import Duck  # noqa: E402


def end(folder: str) -> None:
    """Leaves no server behind, whatever the sessions still do."""
    for process in Process.started:
        process.child.kill()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(143)


def main() -> None:
    binaries = Path(os.environ["LAKEGATE_BINARIES"])
    number = int(os.environ.get("LAKEGATE_COMPARE_STATEMENTS", "5000"))
    seed = int(os.environ.get("LAKEGATE_COMPARE_SEED", "0"))
    tables = make(seed)
    full = Duck(tables)
    seen = {
        name: full.rows(f"select * from {SCHEMA}.{name} where {FILTERS.get(name, 'id > 0')}", tables[name].schema)
        for name in tables
    }
    with tempfile.TemporaryDirectory(prefix="lakegate-compare-") as folder:
        signal.signal(signal.SIGTERM, lambda *_: end(folder))
        sandbox, endpoint = start_sandbox(binaries, Path(folder), "sandbox")
        wait_for_sandbox(sandbox)
        Account(endpoint).bring(tables, seen)
        server = start_server(binaries, Path(folder), endpoint)
        try:
            run = Run(server.url, seed, tables, seen)
            run.all(number)
            if server.process.child.poll() is not None:
                run.fail(f"the server has ended:\n{server.process.last_words()}")
        finally:
            server.process.stop()
            sandbox.stop()
    run.report()
    sys.exit(1 if run.failures else 0)


if __name__ == "__main__":
    main()
