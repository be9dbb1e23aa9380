"""The one table, and the same figures as JSON.

A line has Lakegate's figure first and those of its peers beside it, each with the ratio of Lakegate's figure to the
peer's in brackets. So for times and memory a ratio below 1 speaks for Lakegate, for rates one above 1.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

LAKEGATE = "Lakegate"
LEGEND = (
    "(in brackets: Lakegate's figure divided by the peer's; ms, MB: lower is better; MB/s, queries/s: higher is better)"
)
FAILED = "failed"


@dataclass
class Line:
    section: str
    what: str
    unit: str
    figures: dict[str, float | None]
    """By engine, Lakegate first; None is an engine that failed."""
    ratios: dict[str, float]
    note: str


@dataclass
class Report:
    about: dict[str, object]
    """Versions, machine and settings: what the figures depend on."""
    lines: list[Line] = field(default_factory=list)

    def add(
        self,
        section: str,
        what: str,
        unit: str = "",
        figures: dict[str, float | None] | None = None,
        note: str = "",
        ratios: dict[str, float] | None = None,
    ) -> None:
        """Adds a line; `ratios` only where they are not those of the line's own figures."""
        figures = figures or {}
        if ratios is None:
            own = figures.get(LAKEGATE)
            others = {name: figure for name, figure in figures.items() if name != LAKEGATE}
            ratios = {name: own / figure for name, figure in others.items() if own is not None and figure}
        self.lines.append(Line(section, what, unit, figures, ratios, note))

    def print(self) -> None:
        engines = list(dict.fromkeys(name for line in self.lines for name in line.figures))
        table = [["section", "what", "unit", *engines]]
        for line in self.lines:
            table.append([line.section, line.what, line.unit, *(_cell(line, engine) for engine in engines)])
        widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
        notes = ["note", *(line.note for line in self.lines)]
        for row, note in zip(table, notes, strict=True):
            words = [text.ljust(width) for text, width in zip(row[:3], widths)]
            numbers = [text.rjust(width) for text, width in zip(row[3:], widths[3:])]
            print("  ".join([*words, *numbers, note]).rstrip())
        print(LEGEND)
        print("; ".join(f"{name}: {value}" for name, value in self.about.items()), flush=True)

    def write(self, path: Path) -> None:
        figures = {"about": self.about, "lines": [asdict(line) for line in self.lines]}
        path.write_text(json.dumps(figures, indent=2) + "\n")


def _cell(line: Line, engine: str) -> str:
    if engine not in line.figures:
        return ""
    figure = line.figures[engine]
    if figure is None:
        return FAILED
    ratio = line.ratios.get(engine)
    return rounded(figure) + (f" ({rounded(ratio)})" if ratio is not None else "")


def rounded(figure: float) -> str:
    return f"{figure:.0f}" if abs(figure) >= 100 else f"{figure:.1f}" if abs(figure) >= 10 else f"{figure:.2f}"
