"""Statements with stated values, from `regressions.txt`: they run before anything else.

Three lines each: the source behind `--`, the statement, and its rows behind `=>`. Rows are separated by ` ; ` and values by
` | `, in any order of the rows. A value is written as `shown` writes it, a text without letters as two quotes;
`error: words` states that the statement is refused with these words. A source that begins with `known fault:` is one that
the run counts and lets pass.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from .engines import Lakegate
from .values import Answer

FILE = Path(__file__).parent / "regressions.txt"
KNOWN = "known fault: "
DAY_0 = dt.datetime(1970, 1, 1)


@dataclass(frozen=True)
class Regression:
    source: str
    statement: str
    expected: str

    @property
    def known(self) -> bool:
        """Whether it states a fault that nobody has repaired yet."""
        return self.source.startswith(KNOWN)

    def failure(self, engine: Lakegate) -> str | None:
        found = engine.ask(self.statement)
        if self.expected.startswith("error: "):
            words = self.expected.removeprefix("error: ")
            return (
                None
                if found.error is not None and words in found.error
                else f"{self.statement}\n  {found}\n  stated: {self.expected}"
            )
        if found.error is None and sorted(shown_rows(found)) == sorted(filter(None, self.expected.split(" ; "))):
            return None
        said = found.error or " ; ".join(shown_rows(found))
        return f"{self.statement}\n  ours:   {said}\n  stated: {self.expected}  ({self.source})"


def read() -> Iterator[Regression]:
    lines = [line for line in FILE.read_text().splitlines() if line]
    for source, statement, expected in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        assert source.startswith("-- ") and expected.startswith("=>"), statement
        yield Regression(source.removeprefix("-- "), statement, expected.removeprefix("=>").strip())


def as_case(source: str, statement: str, stated: Answer) -> str:
    """How a statement that failed is written down."""
    expected = f"error: {stated.error}" if stated.error else " ; ".join(shown_rows(stated))
    return f"-- {source}\n{statement}\n=> {expected}"


def shown_rows(found: Answer) -> list[str]:
    return [" | ".join(shown(each, kind) for each, kind in zip(row, found.kinds, strict=True)) for row in found.rows]


def shown(value: Any, kind: str) -> str:
    """A value as SQL would write it; numbers without the zeros that say nothing."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if kind == "exact":
        number = Decimal(value)
        text = f"{number:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text == "-0" else text
    if kind == "date":
        return at(value * 86_400_000_000).split(" ")[0]
    if kind in ("moment", "zoned"):
        return at(value) + ("+00" if kind == "zoned" else "")
    return repr(value).strip("'") if kind == "float" else str(value) or "''"


def at(microseconds: int) -> str:
    try:
        return str(DAY_0 + dt.timedelta(microseconds=microseconds))
    except OverflowError:
        return f"{microseconds} microseconds"
