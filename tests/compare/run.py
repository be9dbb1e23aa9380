"""One run: regressions, statements in several sessions at once, contradictions, and the report of all of them."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count

import pyarrow as pa

from . import regressions
from .contradictions import Contradictions
from .differences import KNOWN_FAULTS
from .engines import Duck, Lakegate
from .judge import Verdict, judge
from .lake import RESTRICTED, UNRESTRICTED
from .queries import Queries
from .shrink import Shrinker
from .tree import Node
from .values import Answer

SESSIONS = 4
STATEMENTS_PER_CONTRADICTION = 100
ANSWERED = 0.85
"""The share of statements that both sides have to answer: below it, the comparison compares too little."""
SHRUNK = 12
"""So many failures are cut down and shown; the others are counted."""


class Reference:
    """DuckDB with the rows that a user sees, and with wider integers."""

    def __init__(self, tables: dict[str, pa.Table]) -> None:
        self.tables = tables
        self.duck, self.wide = Duck(tables), Duck(tables, wide=True)


class Run:
    def __init__(self, url: str, seed: int, tables: dict[str, pa.Table], seen: dict[str, pa.Table]) -> None:
        self.url, self.seed = url, seed
        self.references = {UNRESTRICTED: Reference(tables), RESTRICTED: Reference(seen)}
        self.outcomes: Counter[str] = Counter()
        self.answered = 0
        self.failures: list[str] = []
        self.different: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.seconds = 0.0
        self.contradictions = 0

    def all(self, number: int) -> None:
        self.regressions()
        began = time.monotonic()
        numbers = iter(range(number))
        self.at_once(lambda: self.session(numbers))
        self.seconds = time.monotonic() - began
        numbers = iter(range(number // STATEMENTS_PER_CONTRADICTION))
        self.at_once(lambda: self.contradict(numbers))
        share = self.answered / max(number, 1)
        if number and share < ANSWERED:
            self.fail(f"only {share:.1%} of the statements were answered by both")

    def fail(self, words: str) -> None:
        """Says it at once: a run that is ended before its time has shown what it found."""
        self.failures.append(words)
        print(f"\n{words}", flush=True)

    def at_once(self, work) -> None:
        """Runs the work in several threads. What one of them raises is raised here, so that no session ends unseen."""
        raised: list[BaseException] = []

        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001
                raised.append(error)

        threads = [threading.Thread(target=guarded, daemon=True) for _ in range(SESSIONS)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        if raised:
            raise raised[0]

    def next_of(self, numbers: Iterator[int]) -> Iterator[int]:
        while True:
            with self.lock:
                number = next(numbers, None)
            if number is None:
                return
            yield number

    def regressions(self) -> None:
        engine = Lakegate(self.url, UNRESTRICTED)
        for number, each in zip(count(1), regressions.read(), strict=False):
            failure = each.failure(engine)
            if each.known:
                self.outcomes["regression: known fault" + ("" if failure else ", repaired: take away its mark")] += 1
                continue
            self.outcomes["regression: " + ("as stated" if failure is None else "NOT AS STATED")] += 1
            if failure:
                self.fail(f"regression {number}: {failure}")
        engine.close()

    def session(self, numbers: Iterator[int]) -> None:
        sessions = {user: Session(self.url, user, reference) for user, reference in self.references.items()}
        for number in self.next_of(numbers):
            user = (UNRESTRICTED, RESTRICTED)[number % 2]
            statement = Queries(random.Random(f"{self.seed} {number}")).statement()
            verdict, ours, theirs = sessions[user].compare(str(statement))
            with self.lock:
                self.outcomes[verdict.outcome] += 1
                self.answered += verdict.answered
                shown = verdict.failure is not None and sum(self.different.values()) < SHRUNK
                if verdict.failure is not None:
                    self.different[verdict.failure] += 1
            if verdict.failure is not None:
                text = sessions[user].shrink(statement, verdict, ours, theirs) if shown else str(statement)
                with self.lock:
                    self.fail(f"statement {number} of seed {self.seed}, as {user}: {verdict.failure}\n{text}")
        for each in sessions.values():
            each.lakegate.close()

    def contradict(self, numbers: Iterator[int]) -> None:
        engine = Contradictions(self.url)
        for number in self.next_of(numbers):
            for found in engine.of(random.Random(f"contradiction {self.seed} {number}")):
                with self.lock:
                    self.outcomes["CONTRADICTION"] += 1
                    self.fail(f"contradiction {number} of seed {self.seed}: {found}")
        with self.lock:
            self.contradictions += engine.asked
        engine.close()

    def report(self) -> None:
        asked = sum(each for name, each in self.outcomes.items() if not name.startswith(("regression", "CONTRADICTION")))
        rate = asked / self.seconds if self.seconds else 0
        print(f"\ncompare: seed {self.seed}, {asked} statements in {self.seconds:.0f} s, {rate:.0f} a second")
        print(f"answered by both: {self.answered / max(asked, 1):.1%}, at least {ANSWERED:.0%}")
        print(f"asked in several ways: {self.contradictions}")
        for name, number in sorted(self.outcomes.items(), key=lambda each: -each[1]):
            print(f"{number:8}  {name}")
        for known in KNOWN_FAULTS:
            if asked and not any(name.endswith(f": {known.name}") for name in self.outcomes):
                print(f"       0  known fault: {known.name} (repaired? then its line goes)")
        print(f"failures: {len(self.failures)}")


class Session:
    """A user's connection, and the reference that it is compared with."""

    def __init__(self, url: str, user: str, reference: Reference) -> None:
        self.lakegate = Lakegate(url, user)
        self.duck, self.wide, self.tables = reference.duck.cursor(), reference.wide.cursor(), reference.tables

    def compare(self, statement: str) -> tuple[Verdict, Answer, Answer]:
        theirs = self.duck.ask(statement)
        ours = self.lakegate.ask(statement)
        if ours.error is not None and "(Unavailable;" in ours.error:
            ours = self.lakegate.ask(statement)  # A machine with much to do may be late once.
        return judge(statement, ours, theirs, self.wide), ours, theirs

    def shrink(self, statement: Node, verdict: Verdict, ours: Answer, theirs: Answer) -> str:
        """The smallest statement that fails alike, with both answers, as a regression that DuckDB's answer states."""

        def fails(text: str) -> bool:
            reference = self.duck.ask(text)
            if (reference.error is None) != (theirs.error is None):
                return False
            found = self.lakegate.ask(text)
            if (found.error is None) != (ours.error is None):
                return False
            failure = judge(text, found, reference, self.wide).failure
            return failure == verdict.failure or (failure is not None and found.error is None)

        text = Shrinker(fails, self.tables).shrink(statement)
        _, ours, theirs = self.compare(text)
        return f"  ours: {ours}\n{regressions.as_case('DuckDB', text, theirs)}"
