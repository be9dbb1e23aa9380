"""Runs SQLAlchemy's own test suite for dialects against a sandbox and a server, both started here.

    LAKEGATE_BINARIES=…/debug pytest client/python/suite

The suite creates tables and fills them. The server cannot, so `lake_dialect.py` does it behind the server's back; then
the server is asked. `requirements.py` and `left_out.py` say what a server that only reads is not asked for.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

# The package is tested as it stands in the tree, not as it was once installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from lake import Lake  # noqa: E402
from lake_dialect import LakeDialect  # noqa: E402
from left_out import LEFT_OUT  # noqa: E402
from running import start_sandbox, start_server  # noqa: E402
from sqlalchemy.dialects import registry  # noqa: E402
from sqlalchemy.testing.plugin import pytestplugin  # noqa: E402
from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: E402, F403

USER = "analyst"
SCHEMAS = ("suite", "test_schema", "test_schema_2")

registry.register("lakegate", "lakegate.sqlalchemy", "LakegateDialect")
registry.register("lakegate.lake", "lake_dialect", "LakeDialect")


def pytest_configure(config: pytest.Config) -> None:
    """Before the suite's own: it wants to know the database."""
    binaries = os.environ.get("LAKEGATE_BINARIES")
    if not binaries:
        pytest.exit("LAKEGATE_BINARIES names no folder with the built binaries", returncode=0)
    folder = Path(tempfile.mkdtemp(prefix="lakegate-suite-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    sandbox = start_sandbox(Path(binaries), folder)
    server = start_server(Path(binaries), folder, sandbox)

    LakeDialect.lake = Lake(sandbox)
    for schema in SCHEMAS:
        LakeDialect.lake.create_schema(schema, USER)
    config.option.dburi = [f"lakegate+lake://{USER}:{USER}@{server}/{SCHEMAS[0]}"]
    pytestplugin.pytest_configure(config)


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """After the suite's own, which makes a class for each database."""
    pytestplugin.pytest_collection_modifyitems(session, config, items)
    for item in items:
        # The class has the database in its name.
        name = f"{item.parent.name.partition('_lakegate')[0]}.{item.name}" if item.parent else item.name
        for beginning, reason in LEFT_OUT.items():
            if name.startswith(beginning):
                item.add_marker(pytest.mark.skip(reason=reason))
