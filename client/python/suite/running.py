"""A sandbox and a server for as long as the tests run."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

CONFIGURATION = Path(__file__).resolve().parents[3] / "deploy" / "sandbox" / "lakegate.toml"
SECONDS_TO_START = 300
SECONDS_TO_STOP = 15

# What is written must be seen by the next query.
WITHOUT_CACHES = {
    "LAKEGATE__ACCESS__CATALOG_TTL": "0s",
    "LAKEGATE__ACCESS__POLICY_TTL": "0s",
    "LAKEGATE__TABLE__SNAPSHOT_MAX_AGE": "0s",
}


def start_sandbox(binaries: Path, folder: Path) -> str:
    """Start an account with an almost empty sample lake.

    :returns: its endpoint.
    """
    address, log = f"127.0.0.1:{_free_port()}", folder / "sandbox.log"
    command = [binaries / "lakegate-sandbox", "--address", address, "--demo", "--scale-factor", "0.001"]
    _start(command, log, {}, lambda: "sandbox ready" in log.read_text(errors="replace"))
    return f"http://{address}"


def start_server(binaries: Path, folder: Path, sandbox: str) -> str:
    """Start a server that remembers nothing of the sandbox.

    :returns: its address, as ``host:port``.
    """
    address, admin = (f"127.0.0.1:{_free_port()}" for _ in range(2))
    environment = WITHOUT_CACHES | {
        "LAKEGATE__SERVER__ADDRESS": address,
        "LAKEGATE__ADMIN__ADDRESS": admin,
        "LAKEGATE__AWS__ENDPOINT_URL": sandbox,
        "AWS_ACCESS_KEY_ID": "AKIASANDBOXSERVER000",
        "AWS_SECRET_ACCESS_KEY": "sandbox-server-secret",
    }
    command = [binaries / "lakegate-server", "--config", CONFIGURATION]
    _start(command, folder / "server.log", environment, lambda: _answers(f"http://{admin}/readyz"))
    return address


def _start(command: list[str | Path], log: Path, environment: dict[str, str], is_ready: Callable[[], bool]) -> None:
    with log.open("wb") as output:
        child = subprocess.Popen(command, env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT)
    atexit.register(_stop, child)
    end = time.monotonic() + SECONDS_TO_START
    while not is_ready():
        if child.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
