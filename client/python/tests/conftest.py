"""What the tests share: a running server, named by LAKEGATE_URL, with the sample lake behind it.

`make clients` starts one. The environment is read when a test wants it, because whoever starts the server sets it later
than this file is imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import lakegate

try:
    from sqlalchemy.dialects import registry
except ImportError:
    pass
else:
    # What pip does when it installs the package; here it may be tested as it stands in the tree.
    registry.register("lakegate", "lakegate.sqlalchemy", "LakegateDialect")
    registry.register("lakegate.adbc", "lakegate.sqlalchemy", "LakegateDialect")

USER = PASSWORD = "analyst"


@pytest.fixture(scope="session")
def url() -> str:
    """The server's address."""
    found = os.environ.get("LAKEGATE_URL")
    if not found:
        pytest.skip("LAKEGATE_URL names no server to test against")
    return found


@pytest.fixture
def lake(url: str) -> Iterator[lakegate.Connection]:
    """A connection of a user who sees everything."""
    with lakegate.connect(url, USER, PASSWORD) as connection:
        yield connection


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """Nothing that a developer has set up at home decides a test."""
    for name in list(os.environ):
        if name.startswith("LAKEGATE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
