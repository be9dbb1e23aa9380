"""Many clients at once that ask a mix of small questions, each over a kept connection of its own.

Clients are threads of a few processes: in one process Python's own lock would be measured.
"""

from __future__ import annotations

import multiprocessing
import time

from .clients import Job, Outcome, ask
from .lake import Lake
from .latency import SHAPES
from .measure import in_ms, in_one_line, percentile
from .peers import Peers
from .report import LAKEGATE, Report
from .settings import Settings

CLIENTS = (1, 8, 64)
PROCESSES = 4
SECONDS = 5.0
"""How long they ask in one turn."""
SECONDS_TO_CONNECT = 120.0


def run(settings: Settings, lake: Lake, peers: Peers, report: Report) -> None:
    targets: dict[str, tuple[str, str | None]] = {LAKEGATE: (lake.server.url, "analyst")}
    if peers.sail:
        targets["Sail"] = (peers.sail.url, None)
    for clients in CLIENTS:
        outcomes: dict[str, list[Outcome]] = {engine: [] for engine in targets}
        names = list(targets)
        for turn in range(settings.rounds):
            for engine in names[turn % len(names) :] + names[: turn % len(names)]:
                outcomes[engine].append(one_turn(*targets[engine], clients))
        add_lines(clients, outcomes, report)


def one_turn(
    url: str, user: str | None, clients: int, statements: tuple[str, ...] = tuple(SHAPES.values())
) -> Outcome:
    """All clients connect and warm up, start together, and ask until the time is over."""
    processes = min(PROCESSES, clients)
    threads = clients // processes
    spawn = multiprocessing.get_context("spawn")  # The driver's runtime does not survive a fork.
    start, answers = spawn.Barrier(clients), spawn.Queue()
    job = Job(url, user, threads, statements, SECONDS, SECONDS_TO_CONNECT)
    children = [spawn.Process(target=ask, args=(job, start, answers), daemon=True) for _ in range(processes)]
    for child in children:
        child.start()
    total = Outcome()
    deadline = time.monotonic() + SECONDS_TO_CONNECT * 2 + SECONDS
    try:
        for _ in children:
            total.merge(answers.get(timeout=max(1.0, deadline - time.monotonic())))
    except Exception as error:
        total.failures.append(f"no answer from the clients: {in_one_line(error)}")
    for child in children:
        child.join(10)
        if child.is_alive():
            child.kill()
    return total


def add_lines(clients: int, outcomes: dict[str, list[Outcome]], report: Report) -> None:
    rates, middle, slow, notes = {}, {}, {}, []
    for engine, turns in outcomes.items():
        taken = [seconds for turn in turns for seconds in turn.seconds]
        failures = [failure for turn in turns for failure in turn.failures]
        if failures:
            notes.append(f"{engine}: {len(failures)} failed, such as: {failures[0]}")
        rates[engine] = sum(turn.in_time for turn in turns) / (SECONDS * len(turns)) if taken else None
        middle[engine], slow[engine] = (in_ms(percentile(taken, percent)) for percent in (50, 99))
    what = f"{clients} client{'s' if clients > 1 else ''}"
    report.add("concurrency", what, "queries/s", rates, "; ".join(notes))
    report.add("concurrency", f"{what}, p50", "ms", middle)
    report.add("concurrency", f"{what}, p99", "ms", slow)
