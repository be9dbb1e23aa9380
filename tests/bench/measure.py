"""Engines take turns; each turn is timed from the question to the last row."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

SECONDS_PER_TURN = 5.0


@dataclass
class Run:
    """What one engine needed for one task."""

    seconds: list[float] = field(default_factory=list)
    answer: object = None
    """What the task returned in the warm-up."""
    failure: str = ""
    """Why there is no figure; empty if there is one."""

    def median(self) -> float | None:
        return statistics.median(self.seconds) if self.seconds and not self.failure else None

    def median_ms(self) -> float | None:
        return in_ms(self.median())

    def percentile_ms(self, percent: int) -> float | None:
        return None if self.failure else in_ms(percentile(self.seconds, percent))


def in_turns(
    tasks: dict[str, Callable[[], object]], rounds: int, repetitions: int = 1, warm_ups: int = 1
) -> dict[str, Run]:
    """Times every task of every engine; who comes first changes with each round.

    A turn repeats its task, at least once and for no longer than SECONDS_PER_TURN. A task that fails once is out.
    """
    runs = {name: Run() for name in tasks}
    names = list(tasks)
    for name in names:
        _attempt(runs[name], lambda: _warm_up(runs[name], tasks[name], warm_ups))
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            if not runs[name].failure:
                _attempt(runs[name], lambda: _turn(runs[name], tasks[name], repetitions))
    return runs


def _warm_up(run: Run, task: Callable[[], object], times: int) -> None:
    for _ in range(times):
        run.answer = task()


def _turn(run: Run, task: Callable[[], object], repetitions: int) -> None:
    end = time.perf_counter() + SECONDS_PER_TURN
    for _ in range(repetitions):
        began = time.perf_counter()
        task()
        now = time.perf_counter()
        run.seconds.append(now - began)
        if now > end:
            return


def _attempt(run: Run, act: Callable[[], None]) -> None:
    try:
        act()
    except Exception as error:
        run.failure = in_one_line(error)


def remarks(runs: dict[str, Run]) -> str:
    """What a line has to say beside its figures: failures, and answers (numbers of rows) that differ."""
    failures = [f"{engine}: {run.failure}" for engine, run in runs.items() if run.failure]
    counts = {engine: run.answer for engine, run in runs.items() if not run.failure}
    if len(set(counts.values())) > 1:
        failures.append("ROWS DIFFER: " + ", ".join(f"{engine} {count}" for engine, count in counts.items()))
    return "; ".join(failures)


def in_one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:159] + "…"


def percentile(values: list[float], percent: int) -> float | None:
    if len(values) < 2:
        return values[0] if values else None
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def in_ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
