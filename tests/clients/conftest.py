"""Starts what the client matrix talks to: a sandbox with the sample lake and the table of types, and a server.

LAKEGATE_BINARIES names the folder with the built programs. The matrix always starts its own, because it adds tables and
grants and asks the server in ways that its other users would feel.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from lake import Account  # noqa: E402
from processes import Server, print_last_words, start_sandbox, start_server, wait_for_sandbox  # noqa: E402

SECONDS_PER_PROGRAM = 120


@pytest.fixture(scope="session")
def binaries() -> Path:
    folder = os.environ.get("LAKEGATE_BINARIES")
    if not folder:
        pytest.exit("LAKEGATE_BINARIES names no folder with the built programs: use `make clients`", returncode=3)
    return Path(folder)


@pytest.fixture(scope="session")
def server(binaries: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="lakegate-clients-"))
    # Only now: the logs are printed after the last test.
    request.config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    sandbox, endpoint = start_sandbox(binaries, folder, "sandbox")
    wait_for_sandbox(sandbox)
    Account(endpoint).bring_types()
    server = start_server(binaries, folder, endpoint)
    yield server
    # A server that is gone at the end was brought down by one of the tests.
    assert server.process.child.poll() is None, "the server has ended"
    assert "panicked" not in server.process.log.read_text(errors="replace")
    server.process.stop()
    sandbox.stop()


def run_program(*arguments: str, text_input: str = "", **environment: str) -> bytes:
    """Runs a client that is a program of its own, and returns what it printed.

    A client that fails says why on standard error, which becomes the failure of the test.
    """
    done = subprocess.run(
        arguments, env=os.environ | environment, input=text_input.encode(), capture_output=True, timeout=SECONDS_PER_PROGRAM
    )
    assert done.returncode == 0, f"{Path(arguments[0]).name} failed:\n{done.stderr.decode(errors='replace')[-4000:]}"
    return done.stdout


def pytest_terminal_summary(terminalreporter, exitstatus) -> None:
    print_last_words(terminalreporter, exitstatus)
