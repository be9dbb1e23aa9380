"""The programs that tests in Python talk to: the sandbox with its sample lake, and the server in front of it.

All of them listen on free loopback ports, write their log to a file, and are stopped at the end whatever happens.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCALE_FACTOR = "0.01"
SECONDS_TO_START = 300
SECONDS_TO_STOP = 15


class Process:
    """A child process with its output in a file, stopped at the end whatever happens."""

    started: list[Process] = []

    def __init__(self, folder: Path, name: str, *arguments: str, **environment: str) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as output:
            self.child = subprocess.Popen(arguments, env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT)
        atexit.register(self.stop)
        Process.started.append(self)

    def wait_until(self, is_ready, seconds: float = SECONDS_TO_START) -> None:
        deadline = time.monotonic() + seconds
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


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: Process
    address: str
    admin_url: str

    @property
    def url(self) -> str:
        return f"grpc://{self.address}"


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
    """Starts a sandbox and does not wait for it, so that several can start at once."""
    address = f"127.0.0.1:{free_port()}"
    sandbox = Process(
        folder, name, str(binaries / "lakegate-sandbox"),
        "--address", address, "--demo", "--scale-factor", SCALE_FACTOR,
    )  # fmt: skip
    return sandbox, f"http://{address}"


def wait_for_sandbox(sandbox: Process, seconds: float = SECONDS_TO_START) -> None:
    sandbox.wait_until(lambda: "sandbox ready" in sandbox.log.read_text(errors="replace"), seconds)


def start_server(binaries: Path, folder: Path, sandbox_url: str, name: str = "server", **overrides: str) -> Server:
    """Starts a server with the demo's settings, and `overrides` of them, and waits until it is ready."""
    address, admin = (f"127.0.0.1:{free_port()}" for _ in range(2))
    settings = {
        "LAKEGATE__SERVER__ADDRESS": address,
        "LAKEGATE__ADMIN__ADDRESS": admin,
        "LAKEGATE__AWS__ENDPOINT_URL": sandbox_url,
        "AWS_ACCESS_KEY_ID": "AKIASANDBOXSERVER000",
        "AWS_SECRET_ACCESS_KEY": "sandbox-server-secret",
    }
    process = Process(
        folder, name, str(binaries / "lakegate-server"),
        "--config", str(ROOT / "deploy" / "sandbox" / "lakegate.toml"),
        **(settings | overrides),
    )  # fmt: skip
    server = Server(process, address, f"http://{admin}")
    process.wait_until(lambda: answers(f"{server.admin_url}/readyz"))
    return server


def print_last_words(terminalreporter, exitstatus) -> None:
    """For pytest's summary: a failed test is often explained by the other side."""
    for process in Process.started if exitstatus else []:
        terminalreporter.section(f"last words of {process.name}")
        terminalreporter.write_line(process.last_words())
