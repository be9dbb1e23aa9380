"""Starts what the client matrix talks to: a sandbox with the sample lake and the table of types, and a server.

LAKEGATE_BINARIES names the folder with the built programs. The matrix always starts its own, because it adds tables and
grants and asks the server in ways that its other users would feel.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from lake import Account  # noqa: E402
from processes import Server, print_last_words, start_sandbox, start_server, wait_for_sandbox  # noqa: E402


@pytest.fixture(scope="session")
def binaries() -> Path:
    folder = os.environ.get("LAKEGATE_BINARIES")
    if not folder:
        pytest.exit("LAKEGATE_BINARIES names no folder with the built programs: use `make clients`", returncode=3)
    return Path(folder)


@pytest.fixture(scope="session")
def folder(request: pytest.FixtureRequest) -> Path:
    """Where the programs write their logs, which are printed after the last test."""
    folder = Path(tempfile.mkdtemp(prefix="lakegate-clients-"))
    request.config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    return folder


@pytest.fixture(scope="session")
def sandbox(binaries: Path, folder: Path) -> Iterator[str]:
    """The AWS endpoint of a sandbox with the sample lake and the table of types."""
    process, endpoint = start_sandbox(binaries, folder, "sandbox")
    wait_for_sandbox(process)
    Account(endpoint).bring_types()
    yield endpoint
    process.stop()


@pytest.fixture(scope="session")
def server(binaries: Path, folder: Path, sandbox: str) -> Iterator[Server]:
    server = start_server(binaries, folder, sandbox)
    yield server
    # A server that is gone at the end was brought down by one of the tests.
    assert server.process.child.poll() is None, "the server has ended"
    assert "panicked" not in server.process.log.read_text(errors="replace")
    server.process.stop()


@pytest.fixture
def own_server(binaries: Path, folder: Path, sandbox: str, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of one test alone, which may do to it what others would feel."""
    server = start_server(binaries, folder, sandbox, name=request.node.originalname)
    yield server
    server.process.child.kill()
    server.process.child.wait()


def pytest_terminal_summary(terminalreporter, exitstatus) -> None:
    print_last_words(terminalreporter, exitstatus)
