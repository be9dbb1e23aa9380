"""What one engine says in several ways must be the same: no reference is needed to see that it is not.

- A predicate says the same in WHERE, in CASE, in HAVING, in a join's condition, in an aggregate's filter and under a LIMIT.
- `p`, `not p` and `p is null` part the rows: each row is in one of them (ternary logic partitioning).
- A query has the same rows inside a WITH clause, inside a subquery, prepared, and fetched in parts.
- A user with row filters has the rows that a user without any has of tables that hold what the filters leave.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .differences import ALLOWED_ERRORS
from .engines import Lakegate
from .expressions import column
from .lake import RESTRICTED, UNRESTRICTED
from .queries import Queries, inexact
from .tables import SCHEMA, SEEN, SMALL, TYPES
from .values import Answer, difference

PARTS = "3"
"""Into how many endpoints the divided results are divided."""


@dataclass(frozen=True)
class Contradiction:
    way: str
    statement: str
    first: Answer
    second: Answer

    def __str__(self) -> str:
        return f"{self.way}\n  {self.statement}\n  plain: {self.first}\n  so:    {self.second}"


class Contradictions:
    def __init__(self, url: str) -> None:
        self.plain = {user: Lakegate(url, user) for user in (UNRESTRICTED, RESTRICTED)}
        self.divided = {user: Lakegate(url, user, x_lakegate_endpoints=PARTS) for user in self.plain}
        self.asked = 0

    def close(self) -> None:
        for connection in (*self.plain.values(), *self.divided.values()):
            connection.close()

    def of(self, chance: random.Random) -> Iterator[Contradiction]:
        """Those of one query and of one predicate, which chance makes."""
        user = chance.choice((UNRESTRICTED, RESTRICTED))
        yield from self.of_query(str(Queries(chance).statement()), user)
        table = f"{SCHEMA}.{chance.choice(('t1', 't2', 't3'))} as a"
        scope = [column(f"a.{name}", kind, name in SMALL) for name, kind in TYPES.items()]
        yield from self.of_predicate(table, str(Queries(chance).predicate(scope, 2)), user)

    def ask(self, way: Callable[[str], Answer], statement: str) -> Answer:
        self.asked += 1
        return way(statement)

    def of_query(self, statement: str, user: str) -> Iterator[Contradiction]:
        plain, divided = self.plain[user], self.divided[user]
        first = self.ask(plain.ask, statement)
        if first.error is not None:
            return
        ways = [
            ("inside a WITH clause", plain.ask, f"with whole as ({statement}) select * from whole"),
            ("inside a subquery", plain.ask, f"select * from ({statement}) as whole"),
            ("prepared", plain.ask_prepared, statement),
            ("in parts", divided.ask, statement),
        ]
        if user == RESTRICTED:
            over_equal_rows = statement.replace(f"{SCHEMA}.", f"{SEEN}.")
            ways.append(("without a filter over equal rows", self.plain[UNRESTRICTED].ask, over_equal_rows))
        for name, way, text in ways:
            second = self.ask(way, text)
            if not same(first, second, statement):
                yield Contradiction(name, text, first, second)

    def of_predicate(self, table: str, predicate: str, user: str) -> Iterator[Contradiction]:
        plain, divided = self.plain[user], self.divided[user]
        said = self.ask(plain.ask, f"select a.id, {predicate} as p from {table}")
        if said.error is not None:
            return
        rows = {truth: sorted(row[0] for row in said.rows if row[1] is truth) for truth in (True, False, None)}
        read = ", ".join({"a.id": None} | dict.fromkeys(re.findall(r"\ba\.\w+", predicate)))
        where = f"select a.id from {table} where"
        statements = {
            f"{where} {predicate}": rows[True],
            f"{where} not {predicate}": rows[False],
            f"{where} {predicate} is null": rows[None],
            f"select case when {predicate} then a.id end as id from {table}": rows[True]
            + [None] * (len(said.rows) - len(rows[True])),
            f"select a.id from {table} join (select 1 as one) as o on {predicate}": rows[True],
            f"select id from ({where} {predicate} order by a.id limit 1000) as l": rows[True],
        }
        if "select" not in predicate:
            statements[f"select a.id from {table} group by {read} having {predicate}"] = rows[True]
            statements[f"select count(*) filter (where {predicate}) as n from {table}"] = [len(rows[True])]
        for ask in (plain.ask, divided.ask):
            for text, expected in statements.items():
                second = self.ask(ask, text)
                if not refused(second) and (
                    second.error or sorted((row[0] for row in second.rows), key=repr) != sorted(expected, key=repr)
                ):
                    yield Contradiction("a predicate in another place", text, said, second)
            statements = {text: expected for text, expected in statements.items() if text.startswith(where)}


def same(first: Answer, second: Answer, statement: str) -> bool:
    return refused(second) or (second.error is None and difference(first, second, inexact(statement)) is None)


def refused(found: Answer) -> bool:
    """An error in clear words contradicts nothing."""
    words = found.error is not None and "internal error" not in found.error
    return words and any(re.search(pattern, found.error) for pattern in ALLOWED_ERRORS.values())
