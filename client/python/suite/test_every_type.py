"""A table with a column of every type that a Delta table can have, as inspectors and queries see it."""

import datetime
from decimal import Decimal

import pyarrow as pa
import sqlalchemy as sa
from lake import Column
from lake_dialect import LakeDialect
from sqlalchemy.testing import fixtures

from lakegate.sqlalchemy import MAP, ROW, TINYINT

UTC = datetime.timezone.utc
LAST = datetime.datetime(9999, 12, 31, 23, 59, 59, 999_999)

#: Name, Arrow type, SQLAlchemy type, a value.
EVERY_TYPE = [
    ("a_boolean", pa.bool_(), sa.BOOLEAN(), True),
    ("a_tinyint", pa.int8(), TINYINT(), -(2**7)),
    ("a_smallint", pa.int16(), sa.SMALLINT(), 2**15 - 1),
    ("an_integer", pa.int32(), sa.INTEGER(), -(2**31)),
    ("a_bigint", pa.int64(), sa.BIGINT(), 2**63 - 1),
    ("a_real", pa.float32(), sa.REAL(), 0.5),
    ("a_double", pa.float64(), sa.DOUBLE(), 1e300),
    ("a_decimal", pa.decimal128(38, 10), sa.DECIMAL(38, 10), Decimal("1234567890123456789012345678.0123456789")),
    ("a_text", pa.string(), sa.VARCHAR(), "it's \u00fcber 100 % \\ ?"),
    ("some_bytes", pa.binary(), sa.VARBINARY(), b"\x00\xff'"),
    ("a_date", pa.date32(), sa.DATE(), datetime.date(9999, 12, 31)),
    ("a_moment", pa.timestamp("us", "UTC"), sa.TIMESTAMP(timezone=True), LAST.replace(tzinfo=UTC)),
    ("a_wall_clock", pa.timestamp("us"), sa.TIMESTAMP(), LAST),
    ("an_array", pa.list_(pa.decimal128(5, 2)), sa.ARRAY(sa.DECIMAL(5, 2), dimensions=1), [Decimal("1.50"), None]),
    ("arrays", pa.list_(pa.list_(pa.int64())), sa.ARRAY(sa.BIGINT(), dimensions=2), [[1, 2], [], None]),
    (
        "a_struct",
        pa.struct([("a", pa.string()), ("at", pa.timestamp("us"))]),
        ROW("row(a varchar, at timestamp)"),
        {"a": "x", "at": datetime.datetime(2026, 1, 31)},
    ),
    ("a_map", pa.map_(pa.string(), pa.int64()), MAP("map(varchar, bigint)"), [("a", 1), ("b", None)]),
]
COMPARABLE = [name for name, *_ in EVERY_TYPE if name not in ("an_array", "arrays", "a_struct", "a_map")]


class EveryTypeTest(fixtures.TestBase):
    """Reading it, and comparing its values."""

    __backend__ = True

    @classmethod
    def setup_test_class(cls):
        """Write the table once: a row of values and a row of NULLs."""
        columns = [Column(name, kind, comment=f"the {name}") for name, kind, *_ in EVERY_TYPE]
        LakeDialect.lake.create_table("suite", "every_type", columns)
        LakeDialect.lake.insert("suite", "every_type", [{name: value for name, _, _, value in EVERY_TYPE}, {}])

    @classmethod
    def teardown_test_class(cls):
        """Remove it."""
        LakeDialect.lake.drop_table("suite", "every_type")

    def test_an_inspector_names_the_types(self, connection):
        columns = sa.inspect(connection).get_columns("every_type")
        assert [(c["name"], repr(c["type"])) for c in columns] == [(n, repr(kind)) for n, _, kind, _ in EVERY_TYPE]
        assert columns[0]["comment"] == "the a_boolean"

    def test_values_come_back(self, connection):
        table = sa.Table("every_type", sa.MetaData(), autoload_with=connection)
        full, empty = connection.execute(sa.select(table).order_by(table.c.a_boolean.nulls_last())).all()
        assert dict(full._mapping) == {name: value for name, _, _, value in EVERY_TYPE}
        assert set(empty) == {None}

    def test_values_are_found_by_literals(self, connection):
        self._is_found(connection, literal_execute=True)

    def test_values_are_found_by_parameters(self, connection):
        self._is_found(connection, literal_execute=False)

    def _is_found(self, connection, **how):
        table = sa.Table("every_type", sa.MetaData(), autoload_with=connection)
        values = {name: value for name, _, _, value in EVERY_TYPE}
        for name in COMPARABLE:
            column = table.c[name]
            wanted = sa.bindparam("wanted", values[name], type_=column.type, **how)
            count = sa.select(sa.func.count()).select_from(table).where(column == wanted)
            assert connection.scalar(count) == 1, name
