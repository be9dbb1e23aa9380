"""The comparison compared with itself: DuckDB stands for both engines, and where it must be noticed, one of them is broken."""

from __future__ import annotations

import math
import random
from decimal import Decimal

import pyarrow as pa
import pytest

from .engines import Duck
from .judge import SAME, judge
from .queries import Queries
from .regressions import read
from .shrink import Shrinker
from .tables import I64, SCHEMA, decimal, make
from .values import Answer, answer, difference

TABLES = make(3)


@pytest.fixture(scope="module")
def duck() -> Duck:
    return Duck(TABLES)


def statement(number: int):
    return Queries(random.Random(f"3 {number}")).statement()


def test_a_seed_makes_the_same_statements():
    assert [str(statement(number)) for number in range(50)] == [str(statement(number)) for number in range(50)]


def test_most_statements_mean_something(duck: Duck):
    refused = [text for text in (str(statement(number)) for number in range(400)) if duck.ask(text).error]
    assert len(refused) < 20, refused[0]


def test_equal_answers_are_the_same(duck: Duck):
    for text in (str(statement(number)) for number in range(50)):
        found = duck.ask(text)
        if found.error is None:
            assert judge(text, found, duck.ask(text), None).outcome == SAME


@pytest.mark.parametrize("words", [" left join ", " union ", "count(", " over ("])
def test_a_lost_row_is_noticed_and_cut_down(duck: Duck, words: str):
    def broken(text: str) -> Answer:
        found = duck.ask(text)
        return Answer(found.kinds, found.rows[1:], found.error) if words in text else found

    def fails(text: str) -> bool:
        return judge(text, broken(text), duck.ask(text), None).failure is not None

    found = next(each for each in map(statement, range(2000)) if fails(str(each)))
    small = Shrinker(fails, TABLES).shrink(found)
    assert fails(small) and words in small
    assert f"{SCHEMA}." not in small, "its rows are in it"


@pytest.mark.parametrize(
    "ours, theirs, wrong",
    [
        (pa.array([1], pa.int64()), pa.array([Decimal("1.00")], decimal(9, 2).arrow), None),
        (pa.array([1], pa.int64()), pa.array([1.0]), "types (exact for float)"),
        (pa.array([None], pa.null()), pa.array([None], pa.int32()), None),
        (pa.array([math.nan]), pa.array([-math.nan]), None),
        (pa.array([0.0]), pa.array([-0.0]), None),
        (pa.array([0.1 + 0.2]), pa.array([0.3]), "values"),
        (pa.array([1], I64.arrow), pa.array([2], I64.arrow), "values"),
        (pa.array(["a", "a"]), pa.array(["a"]), "number of rows"),
        (pa.array([0], pa.timestamp("ms")), pa.array([0], pa.timestamp("us")), None),
        (pa.array([0], pa.timestamp("us", "UTC")), pa.array([0], pa.timestamp("us")), "types (zoned for moment)"),
        (pa.array([86_400_000_000], pa.duration("us")), pa.array([(0, 1, 0)], pa.month_day_nano_interval()), None),
    ],
)
def test_values_are_the_same_by_narrow_rules(ours: pa.Array, theirs: pa.Array, wrong: str | None):
    one, other = (answer(pa.table([each], names=["c1"])) for each in (ours, theirs))
    assert difference(one, other, inexact=False) == wrong


def test_floats_that_are_added_up_may_end_differently():
    one, other = (Answer(("float",), ((each,),)) for each in (0.1 + 0.2, 0.3))
    assert difference(one, other, inexact=True) is None


def test_an_internal_error_is_no_answer():
    verdict = judge("select 1", Answer(error="[FlightSQL] internal error"), Answer(error="Overflow in addition"), None)
    assert verdict.failure == "internal error"


def test_an_overflow_that_wraps_is_noticed(duck: Duck):
    text = f"select a.h + cast(32767 as smallint) as c1 from {SCHEMA}.t1 as a where a.h > 0"
    wide = Duck(TABLES, wide=True)
    exact = wide.ask(text.replace("smallint", "hugeint"))
    wrapped = Answer(exact.kinds, tuple((row[0] - 65536,) for row in exact.rows))
    assert exact.rows
    assert judge(text, wrapped, duck.ask(text), wide).failure == "an overflow that is no error"
    assert judge(text, exact, duck.ask(text), wide).failure is None


def test_regressions_can_be_read():
    assert len({each.statement for each in read()}) == len(list(read()))
