"""What may differ, each with its reason and as narrow as it can be told.

`ALLOWED_ERRORS` are the kinds of errors that Lakegate may give where DuckDB answers: they say what is the matter, and nobody
takes an error for a value. `REFERENCE_LIMITS` are errors of DuckDB alone. `DIFFERENCES` are meanings of SQL in which the two
differ on purpose. `KNOWN_FAULTS` are wrong answers of ours that somebody has yet to correct: each line goes when its fault
does, and all that they explain is counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .values import Answer

ALLOWED_ERRORS = {
    "overflow": r"overflow",
    "not supported": r"not supported",
}

REFERENCE_LIMITS = {
    "decimals of different scales": r"Conversion Error: Casting value .* to type DECIMAL",
}


@dataclass(frozen=True)
class Case:
    statement: str
    ours: Answer
    theirs: Answer


@dataclass(frozen=True)
class Known:
    """`statement` is found in the text of the statement, and `wrong` in the words for what is wrong with our answer, or in our error."""

    name: str
    statement: str
    wrong: str

    def explains(self, case: Case, wrong: str) -> bool:
        words = wrong if case.ours.error is None else case.ours.error
        return re.search(self.statement, case.statement) is not None and re.search(self.wrong, words) is not None


WRONG_ROWS = r"^(values|number of rows)$"

DIFFERENCES: list[Known] = [
    # DuckDB's common type of decimal(38, 2) and decimal(38, 10) has two digits behind the point: it cuts values that ours keeps.
    Known("a set operation of a sum and a long decimal", r"\bw as c1.* union .*sum\(", r"^values$"),
    # As Trino has it; for DuckDB it is no value.
    Known("a double beyond the range of reals is an infinite one", r"cast\(\S*ef64 as real\)", WRONG_ROWS),
    # DuckDB and PostgreSQL make a moment of it, Trino and Spark a day. The generator casts it; only what is cut down does not.
    Known("a day and an interval of days are a day", r" [+-] interval '", r"^types \(date for moment\)$"),
]

KNOWN_FAULTS: list[Known] = [
    Known("HAVING of constants, aggregates in a subquery alone", r"\(select .* having ", r"HAVING clause references"),
    Known("columns joined by name: not found inside of a subquery", r"using \(.*\(select ", r"no such column: [a-z]\d?\b \("),
    Known("CASE without its unreachable branch has another type", r"case when (false|true) ", r"^types \(exact for float\)$"),
]
