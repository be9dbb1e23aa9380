"""One process of section `concurrency`: some threads, each with a connection of its own, and what they saw."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from .driver import Connection
from .measure import in_one_line


@dataclass(frozen=True)
class Job:
    url: str
    user: str | None
    threads: int
    statements: tuple[str, ...]
    seconds: float
    seconds_to_connect: float


@dataclass
class Outcome:
    seconds: list[float] = field(default_factory=list)
    """Of each answered statement, also those that ended after the time: to leave out the slowest would flatter."""
    in_time: int = 0
    """How many of them ended in time."""
    failures: list[str] = field(default_factory=list)

    def merge(self, other: Outcome) -> None:
        self.seconds += other.seconds
        self.in_time += other.in_time
        self.failures += other.failures


def ask(job: Job, start, answers) -> None:
    """The process: `start` is a barrier of all clients, `answers` takes one Outcome."""
    outcomes = [Outcome() for _ in range(job.threads)]
    threads = [
        threading.Thread(target=_client, args=(job, number, start, outcome)) for number, outcome in enumerate(outcomes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Outcome()
    for outcome in outcomes:
        total.merge(outcome)
    answers.put(total)


def _client(job: Job, number: int, start, outcome: Outcome) -> None:
    try:
        connection = Connection(job.url, job.user)
        for statement in job.statements:
            connection.rows(statement)
    except Exception as error:
        outcome.failures.append(in_one_line(error))
        start.abort()
        return
    try:
        start.wait(job.seconds_to_connect)
    except threading.BrokenBarrierError:
        return
    _ask_until(time.perf_counter() + job.seconds, connection, job.statements, number, outcome)
    connection.close()


def _ask_until(end: float, connection: Connection, statements: tuple[str, ...], turn: int, outcome: Outcome) -> None:
    now = time.perf_counter()
    while now < end:
        began = now
        failure = ""
        try:
            connection.rows(statements[turn % len(statements)])
        except Exception as error:
            failure = in_one_line(error)
        turn += 1
        now = time.perf_counter()
        if failure:
            outcome.failures.append(failure)
        else:
            outcome.seconds.append(now - began)
            outcome.in_time += now <= end
