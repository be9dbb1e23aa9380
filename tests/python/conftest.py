"""Starts what the client matrix talks to: two sandboxes with a small sample lake, and a server.

The first sandbox belongs to the tests of the sandbox, which end all sessions of its account; the server has the
second one to itself. All of them listen on free loopback ports and are stopped when the tests end. Tests find them in
the environment, where a developer may also name running ones:

    LAKEGATE_SANDBOX_URL   AWS endpoint of the sandbox
    LAKEGATE_URL           Flight SQL endpoint of the server
    LAKEGATE_ADMIN_URL     health and metrics of the server
    LAKEGATE_BINARIES      folder with the built binaries, if they are to be started
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCALE_FACTOR = "0.01"
SECONDS_TO_START = 300
SECONDS_TO_STOP = 15

# The package is tested as it stands in the tree, not as it was once installed.
sys.path.insert(0, str(ROOT / "client" / "python" / "src"))


class Process:
    """A child process with its output in a file, stopped at the end whatever happens."""

    started: list[Process] = []

    def __init__(self, folder: Path, name: str, *arguments: str, **environment: str) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as output:
            self.child = subprocess.Popen(
                arguments, env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT
            )
        atexit.register(self.stop)
        Process.started.append(self)

    def wait_until(self, is_ready) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while not is_ready():
            if self.child.poll() is not None or time.monotonic() > deadline:
                pytest.exit(f"{self.name} did not start, its last words were:\n{self.last_words()}", returncode=3)
            time.sleep(0.1)

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        if self.child.poll() is not None:
            return
        self.child.terminate()
        try:
            self.child.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def start_sandbox(binaries: Path, folder: Path, name: str) -> tuple[Process, str]:
    address = f"127.0.0.1:{free_port()}"
    sandbox = Process(
        folder, name, str(binaries / "lakegate-sandbox"),
        "--address", address, "--demo", "--scale-factor", SCALE_FACTOR,
    )  # fmt: skip
    return sandbox, f"http://{address}"


def wait_for_sandbox(sandbox: Process) -> None:
    sandbox.wait_until(lambda: "sandbox ready" in sandbox.log.read_text(errors="replace"))


def start_server(binaries: Path, folder: Path, sandbox_url: str) -> None:
    address, admin = (f"127.0.0.1:{free_port()}" for _ in range(2))
    server = Process(
        folder, "server", str(binaries / "lakegate-server"),
        "--config", str(ROOT / "deploy" / "sandbox" / "lakegate.toml"),
        LAKEGATE__SERVER__ADDRESS=address,
        LAKEGATE__ADMIN__ADDRESS=admin,
        LAKEGATE__AWS__ENDPOINT_URL=sandbox_url,
        AWS_ACCESS_KEY_ID="AKIASANDBOXSERVER000",
        AWS_SECRET_ACCESS_KEY="sandbox-server-secret",
    )  # fmt: skip
    server.wait_until(lambda: answers(f"http://{admin}/readyz"))
    os.environ["LAKEGATE_URL"] = f"grpc://{address}"
    os.environ["LAKEGATE_ADMIN_URL"] = f"http://{admin}"


def pytest_configure(config: pytest.Config) -> None:
    """Runs before test modules are imported, because those read the environment as they are."""
    wanted = [name for name in ("LAKEGATE_SANDBOX_URL", "LAKEGATE_URL") if name not in os.environ]
    binaries = os.environ.get("LAKEGATE_BINARIES")
    if not wanted or not binaries:
        return  # Tests that miss a server say so when they are skipped.
    folder = Path(tempfile.mkdtemp(prefix="lakegate-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    sandboxes = {name: start_sandbox(Path(binaries), folder, name.lower()) for name in wanted}
    for sandbox, _ in sandboxes.values():
        wait_for_sandbox(sandbox)
    for name, (_, url) in sandboxes.items():
        if name == "LAKEGATE_SANDBOX_URL":
            os.environ[name] = url
        else:
            start_server(Path(binaries), folder, url)


def pytest_terminal_summary(terminalreporter, exitstatus) -> None:
    """A failed test is often explained by the other side."""
    for process in Process.started if exitstatus else []:
        terminalreporter.section(f"last words of {process.name}")
        terminalreporter.write_line(process.last_words())
