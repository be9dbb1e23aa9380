"""The package against a running server, named by LAKEGATE_URL.

LAKEGATE_USER and LAKEGATE_PASSWORD are the login; without them the demo user ``analyst``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import adbc_driver_manager
import lakegate
import pytest

URL = os.environ.get("LAKEGATE_URL", "")
USER = os.environ.get("LAKEGATE_USER", "analyst")
PASSWORD = os.environ.get("LAKEGATE_PASSWORD", "analyst")

needs_server = pytest.mark.skipif(not URL, reason="LAKEGATE_URL names no server to test against")


@pytest.fixture
def lake() -> Iterator[lakegate.Connection]:
    with lakegate.connect(URL, USER, PASSWORD) as connection:
        yield connection


@needs_server
def test_a_query_returns_a_table(lake: lakegate.Connection) -> None:
    table = lake.query("select 1 as one, 'x' as letter")
    assert table.to_pydict() == {"one": [1], "letter": ["x"]}


@needs_server
def test_a_query_without_rows_returns_its_columns(lake: lakegate.Connection) -> None:
    table = lake.query("select 1 as one where false")
    assert (table.column_names, table.num_rows) == (["one"], 0)


@needs_server
def test_a_refused_statement_raises_and_the_connection_stays_usable(
    lake: lakegate.Connection,
) -> None:
    with pytest.raises(adbc_driver_manager.Error):
        lake.query("selekt 1")
    assert lake.query("select 2 as two").to_pydict() == {"two": [2]}


@needs_server
def test_a_wrong_password_is_refused() -> None:
    with pytest.raises(adbc_driver_manager.Error):
        lakegate.connect(URL, USER, PASSWORD + "-wrong")


@pytest.mark.parametrize("url", ["", "localhost:32010", "http://localhost", "grpc://"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="grpc://host:port"):
        lakegate.connect(url, "ann", "secret")


def test_a_url_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError, match="must not contain") as refused:
        lakegate.connect("grpc://ann:hunter2@localhost", "ann", "secret")
    assert "hunter2" not in str(refused.value)
