"""The project's own Rust client, as a program of its own: see `tests/src/bin/lakegate-bench-client.rs`."""

from __future__ import annotations

import subprocess
from pathlib import Path


class RustConnection:
    """A kept connection to one Flight SQL server. A password is the user's name, as everywhere in the sample lake.

    The program ends when this process does, which holds the other end of its input.
    """

    def __init__(self, binaries: Path, url: str, user: str | None = None) -> None:
        command = [str(binaries / "lakegate-bench-client"), url, *([user] if user else [])]
        self.program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def rows(self, sql: str) -> int:
        """Asks, reads all of the result, and returns its number of rows."""
        print(sql, file=self.program.stdin)
        answer = self.program.stdout.readline().strip()
        if not answer.isdecimal():
            raise RuntimeError(answer or "the Rust client ended")
        return int(answer)
