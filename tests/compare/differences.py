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


DIFFERENCES: list[Known] = [
    # DuckDB and PostgreSQL make a moment of it, Trino and Spark a day. The generator casts it; only what is cut down does not.
    Known("a day and an interval of days are a day", r" [+-] interval '", r"^types \(date for moment\)$"),
]

WRONG_ROWS = r"^(values|number of rows)$"
ON_A_VALUE = r"failed on a value"

KNOWN_FAULTS: list[Known] = [
    Known("columns joined by name: not found", r"using \(|natural ", r"ambiguous column; name its table"),
    Known(
        "columns joined by name: NULL in outer joins",
        r"(left|right|full) join .*using \(|natural (left|right|full) join",
        WRONG_ROWS,
    ),
    Known("INTERSECT ALL, EXCEPT ALL", r"(intersect|except) all", WRONG_ROWS),
    Known(
        "types of INTERSECT and EXCEPT are the left side's",
        r" (intersect|except) ",
        r"^types \((exact for float|date for moment)\)$",
    ),
    Known("columns joined by name: not found inside of a subquery", r"using \(.*\(select ", r"no such column: [a-z]\d?\b \("),
    Known("a correlated NOT IN that is a value", r" not in \(select ", r"no such column: a\d+\."),
    Known("a condition that is never true, over the group of all rows", r"\(\)\)|rollup|cube", r"^number of rows$"),
    Known("CASE without its unreachable branch has another type", r"case when (false|true) ", r"^types \(exact for float\)$"),
    Known(
        "aggregates that differ by a cast inside", r"(min|max|sum)\(cast\(", r"two columns of one name; give one an alias: \w+\("
    ),
    Known("hours added to a day", r"interval '(6 hours|90 minutes)'", WRONG_ROWS),
    Known("far moments: date_trunc", r"date_trunc\(", ON_A_VALUE),
    Known("far moments: differences", r" - .*> interval '1 day'", ON_A_VALUE),
    Known("far moments: a day becomes one", r"eday|ets|etz|9999-12-31", ON_A_VALUE),
    Known("differences of moments", r" - .*> interval '1 day'", WRONG_ROWS),
    Known("a day out of range", r" \+ .*(e32|2147483647)", ON_A_VALUE),
    Known("NOT IN of a correlated subquery", r" not in \(select|<> all \(", r"null_aware anti join only supports"),
    Known("rows of columns looked up", r"\(a\.k, a\.s\) (not )?in \(\(?select", r"Too many columns"),
    Known("the sign of NaN and of zero", r"ef64|ef32| / | \* ", WRONG_ROWS),
    Known("two columns of one name", r" ", r'"kept\(CAST'),
    Known("conditions of constants behind HAVING", r" having ", r"HAVING clause references"),
    Known("date_trunc of an aggregate", r"date_trunc\(.*(max|min)\(", r"internal error"),
    Known("DISTINCT of IS TRUE", r"distinct.* is (not )?(true|false)", r"internal error|no way to compute this query"),
    Known("ranks are no bigints", r"(rank|row_number|ntile|count)\(.* over ", r"^types|Unary operator|^values$"),
    Known("EXISTS over an aggregate", r"exists \(select (cast\()?(min|max|sum|count|avg)\(", WRONG_ROWS),
]
