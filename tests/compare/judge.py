"""What two answers to one statement mean: the same, a difference that has a reason, or a failure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .differences import ALLOWED_ERRORS, DIFFERENCES, KNOWN_FAULTS, REFERENCE_LIMITS, Case
from .engines import Duck
from .queries import inexact
from .values import Answer, difference, too_large

SAME, BOTH_REFUSE = "same answer", "refused by both"
WIDER = re.compile(r" as (tinyint|smallint|int|bigint)\)")


@dataclass(frozen=True)
class Verdict:
    """`outcome` is counted; `failure` is a few words for what is wrong, and no words where nothing is."""

    outcome: str
    failure: str | None = None

    @property
    def answered(self) -> bool:
        """Whether both sides gave rows."""
        return self.outcome == SAME or self.outcome.startswith(("difference", "known fault: answer", "FAILURE: answer"))


def judge(statement: str, ours: Answer, theirs: Answer, wide: Duck | None) -> Verdict:
    case = Case(statement, ours, theirs)
    wrong = what_is_wrong(case, wide)
    if isinstance(wrong, Verdict):
        return wrong
    kind = "error" if ours.error is not None else "answer"
    for known in KNOWN_FAULTS:
        if known.explains(case, wrong):
            return Verdict(f"known fault: {kind}: {known.name}")
    return Verdict(f"FAILURE: {kind}", wrong)


def what_is_wrong(case: Case, wide: Duck | None) -> Verdict | str:
    ours, theirs = case.ours, case.theirs
    if ours.error is not None and "internal error" in ours.error:
        return "internal error"
    if theirs.error is None and ours.error is None:
        return compared(case)
    if theirs.error is not None and ours.error is not None:
        return Verdict(BOTH_REFUSE)
    if ours.error is not None:
        allowed = next((name for name, words in ALLOWED_ERRORS.items() if re.search(words, ours.error)), None)
        return Verdict(f"refused: {allowed}") if allowed else f"error: {without_names(ours.error)}"
    return beyond_the_reference(case, wide)


def compared(case: Case) -> Verdict | str:
    wrong = too_large(case.ours) or difference(case.ours, case.theirs, inexact(case.statement))
    if wrong is None:
        return Verdict(SAME)
    for each in DIFFERENCES:
        if each.explains(case, wrong):
            return Verdict(f"difference: {each.name}")
    return wrong


def beyond_the_reference(case: Case, wide: Duck | None) -> Verdict | str:
    """DuckDB alone refuses. Where one of its integers overflowed, it is asked again with integers of 128 bits."""
    if "Overflow in" in case.theirs.error or "Overflow on" in case.theirs.error or "out of range" in case.theirs.error:
        if too_large(case.ours):
            return "a value that its type does not hold"
        again = wide.ask(WIDER.sub(" as hugeint)", case.statement)) if wide else case.theirs
        if again.error is None and "try_cast" not in case.statement:
            wrong = difference(case.ours, again, inexact(case.statement))
            return Verdict("exact where DuckDB overflows") if wrong is None else "an overflow that is no error"
        return Verdict("answered where DuckDB overflows, and cannot tell")
    known = next((name for name, words in REFERENCE_LIMITS.items() if re.search(words, case.theirs.error)), None)
    return Verdict(f"DuckDB cannot: {known}") if known else f"an answer, and DuckDB says: {without_names(case.theirs.error)}"


def without_names(text: str) -> str:
    return re.sub(r'\b[abcdvj]\d+\b|\d+|"[^"]*"|`[^`]*`', "*", text.split("\n")[0])[:160]
