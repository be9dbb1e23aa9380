"""Starts what the tests of this folder and of the Python package talk to: two sandboxes and a server.

The first sandbox belongs to the tests of the sandbox, which end all sessions of its account; the server has the
second one to itself. Tests find them in the environment, where a developer may also name running ones:

    LAKEGATE_SANDBOX_URL   AWS endpoint of the sandbox
    LAKEGATE_URL           Flight SQL endpoint of the server
    LAKEGATE_ADMIN_URL     health and metrics of the server
    LAKEGATE_BINARIES      folder with the built binaries, if they are to be started
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from processes import ROOT, print_last_words, start_sandbox, start_server, wait_for_sandbox

# The package is tested as it stands in the tree, not as it was once installed.
sys.path.insert(0, str(ROOT / "client" / "python" / "src"))


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
            server = start_server(Path(binaries), folder, url)
            os.environ[name] = server.url
            os.environ["LAKEGATE_ADMIN_URL"] = server.admin_url


def pytest_terminal_summary(terminalreporter, exitstatus) -> None:
    print_last_words(terminalreporter, exitstatus)
