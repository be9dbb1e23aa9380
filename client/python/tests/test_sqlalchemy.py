"""The SQLAlchemy dialect against a running server. `suite/` has SQLAlchemy's own tests besides."""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

sa = pytest.importorskip("sqlalchemy")
from sqlalchemy import exc, orm  # noqa: E402

import lakegate  # noqa: E402
from lakegate.sqlalchemy import MAP, ROW, TINYINT, LakegateDialect  # noqa: E402
from lakegate.sqlalchemy.types import type_named  # noqa: E402

LAST_MOMENT = datetime.datetime(9999, 12, 31, 23, 59, 59, 999_999)


def engine_of(url: str, user: str, schema: str = "", **options: Any) -> sa.Engine:
    server = urlsplit(url)
    return sa.create_engine(f"lakegate://{user}:{user}@{server.hostname}:{server.port}/{schema}", **options)


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    engine = engine_of(url, "analyst", "sales")
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def employees(connection: sa.Connection) -> sa.Table:
    return sa.Table("employees", sa.MetaData(), schema="hr", autoload_with=connection)


def compiled(statement: Any, **options: Any) -> str:
    return " ".join(str(statement.compile(dialect=LakegateDialect(), **options)).split())


def test_the_names_that_pip_registers_lead_to_the_dialect() -> None:
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]["sqlalchemy.dialects"]
    assert set(points) == {"lakegate", "lakegate.adbc"}
    for target in points.values():
        module, _, name = target.partition(":")
        assert getattr(importlib.import_module(module), name) is LakegateDialect


# What inspectors see


def everything(url: str, user: str) -> dict[str, dict[str, set[str]]]:
    """Schemas, tables and columns, as a BI tool walks through them."""
    engine = engine_of(url, user)
    try:
        inspector = sa.inspect(engine)
        return {
            schema: {
                table: {column["name"] for column in inspector.get_columns(table, schema)}
                for table in inspector.get_table_names(schema)
            }
            for schema in inspector.get_schema_names()
        }
    finally:
        engine.dispose()


def test_a_user_sees_what_is_granted_and_nothing_else(url: str) -> None:
    analyst, support, auditor = (everything(url, user) for user in ("analyst", "support", "auditor"))
    assert {"hr", "sales"} <= set(analyst)
    assert {"ssn", "salary", "email"} <= analyst["hr"]["employees"]
    # A column grant.
    assert support["hr"] == {"employees": analyst["hr"]["employees"] - {"ssn", "salary"}}
    assert "lineitem" not in support["sales"]
    # The names of everything and the contents of nothing.
    assert auditor == {schema: analyst[schema] for schema in ("hr", "sales")}
    assert everything(url, "stranger") == {}


def test_what_is_hidden_does_not_exist(url: str) -> None:
    engine = engine_of(url, "stranger")
    inspector = sa.inspect(engine)
    assert not inspector.has_table("employees", "hr")
    assert not inspector.has_schema("hr")
    with pytest.raises(exc.NoSuchTableError):
        sa.Table("employees", sa.MetaData(), schema="hr", autoload_with=engine)
    engine.dispose()


def test_columns_have_types_and_comments(connection: sa.Connection) -> None:
    columns = {column["name"]: column for column in sa.inspect(connection).get_columns("employees", "hr")}
    types = {name: repr(column["type"]) for name, column in columns.items()}
    assert types == {
        "id": "BIGINT()", "name": "VARCHAR()", "email": "VARCHAR()", "ssn": "VARCHAR()",
        "salary": "DECIMAL(precision=12, scale=2)", "country": "VARCHAR()", "department": "VARCHAR()",
        "hired_on": "DATE()", "manager_id": "BIGINT()", "active": "BOOLEAN()", "rating": "DOUBLE()",
        "notes": "VARCHAR()",
    }  # fmt: skip
    assert columns["id"]["comment"] == "Primary key"
    assert columns["name"]["comment"] is None


def test_the_schema_of_the_url_is_the_default_one(connection: sa.Connection) -> None:
    inspector = sa.inspect(connection)
    assert inspector.default_schema_name == "sales"
    assert inspector.has_table("nation")
    assert not inspector.has_table("employees")
    assert inspector.has_table("employees", "hr")
    assert inspector.get_table_names() == inspector.get_table_names("sales")
    nation = sa.Table("nation", sa.MetaData(), autoload_with=connection)
    assert connection.scalar(sa.select(sa.func.count()).select_from(nation)) == 25


def test_without_a_default_schema_no_table_is_reached_by_its_name_alone(url: str) -> None:
    engine = engine_of(url, "analyst")
    inspector = sa.inspect(engine)
    assert inspector.default_schema_name is None
    assert inspector.get_table_names() == []
    assert not inspector.has_table("nation")
    engine.dispose()


def test_a_whole_schema_is_reflected(connection: sa.Connection) -> None:
    metadata = sa.MetaData()
    metadata.reflect(connection, schema="hr")
    assert set(metadata.tables) == {"hr.departments", "hr.employees"}
    assert isinstance(metadata.tables["hr.departments"].c.budget.type, sa.DECIMAL)


def test_what_tables_of_a_lake_do_not_have_is_empty(connection: sa.Connection) -> None:
    inspector = sa.inspect(connection)
    assert inspector.get_view_names("hr") == []
    assert inspector.get_materialized_view_names("hr") == []
    assert inspector.get_pk_constraint("employees", "hr") == {"constrained_columns": [], "name": None}
    for listing in ("get_foreign_keys", "get_indexes", "get_unique_constraints", "get_check_constraints"):
        assert getattr(inspector, listing)("employees", "hr") == []
        with pytest.raises(exc.NoSuchTableError):
            getattr(inspector, listing)("nothing", "hr")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tinyint", TINYINT()),
        ("real", sa.REAL()),
        ("varbinary", sa.VARBINARY()),
        ("timestamp", sa.TIMESTAMP()),
        ("timestamp with time zone", sa.TIMESTAMP(timezone=True)),
        ("array(decimal(12,2))", sa.ARRAY(sa.DECIMAL(12, 2), dimensions=1)),
        ("array(array(varchar))", sa.ARRAY(sa.VARCHAR(), dimensions=2)),
        ("row(a varchar, b array(bigint))", ROW("row(a varchar, b array(bigint))")),
        ("map(varchar, row(a date))", MAP("map(varchar, row(a date))")),
        ("array(row(a date))", sa.ARRAY(ROW("row(a date)"), dimensions=1)),
        ("Interval(MonthDayNano)", None),
    ],
)
def test_type_names_are_read(name: str, kind: Any) -> None:
    assert repr(type_named(name)) == repr(kind)


# Queries


def test_values_of_all_types_are_bound_and_come_back(connection: sa.Connection, employees: sa.Table) -> None:
    c = employees.c
    found = connection.execute(
        sa.select(c.id, c.salary, c.hired_on, c.active, c.rating).where(
            c.id == 7,
            c.name == "Fenpa Tutuni",
            c.salary == Decimal("144993.93"),
            c.hired_on == datetime.date(2023, 2, 26),
            c.active.is_(True),
            c.rating == 2.8,
            c.department.in_(["Operations", "Legal"]),
        )
    )
    assert found.all() == [(7, Decimal("144993.93"), datetime.date(2023, 2, 26), True, 2.8)]


def test_a_parameter_is_not_rounded_to_the_columns_type(connection: sa.Connection, employees: sa.Table) -> None:
    count = sa.select(sa.func.count()).where(employees.c.id == 7)
    assert connection.scalar(count.where(employees.c.salary == Decimal("144993.934"))) == 0
    assert connection.scalar(count.where(employees.c.salary < Decimal("144993.934"))) == 1


def test_expressions_with_constants_can_be_grouped_and_ordered_by(
    connection: sa.Connection, employees: sa.Table
) -> None:
    year = sa.func.date_trunc("year", employees.c.hired_on)
    rows = connection.execute(sa.select(year, sa.func.count()).group_by(year).order_by(year.desc())).all()
    assert rows[0][0] > rows[-1][0]
    assert sum(row[1] for row in rows) == 10_000


def test_pages_are_cut_out(connection: sa.Connection, employees: sa.Table) -> None:
    ordered = sa.select(employees.c.id).order_by(employees.c.id)
    assert connection.scalars(ordered.limit(2).offset(3)).all() == [4, 5]
    assert connection.scalars(ordered.offset(9_998)).all() == [9_999, 10_000]
    assert connection.scalars(ordered.fetch(1)).all() == [1]
    with pytest.raises(exc.CompileError):
        connection.scalars(ordered.fetch(1, with_ties=True))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (sa.literal(7) / sa.literal(2), 3.5),
        (sa.literal(-7) // sa.literal(2), -4),
        (sa.literal(7) % sa.literal(2), 1),
        (sa.literal("a") + sa.literal("b"), "ab"),
        (sa.extract("year", sa.literal(datetime.date(2026, 1, 31))), 2026),
        (sa.cast(sa.literal("12.5"), sa.Numeric(5, 2)), Decimal("12.50")),
        (sa.cast(sa.literal(1), sa.String(10)), "1"),
        (sa.literal(b"\x00\xff"), b"\x00\xff"),
        (sa.literal(True), True),
        (sa.literal(None, sa.Integer()), None),
        (sa.literal(2**40), 2**40),
        (sa.literal("it's 100 % \\ ? :x"), "it's 100 % \\ ? :x"),
        (sa.literal(Decimal("12345678901234567890.12")), Decimal("12345678901234567890.12")),
        (sa.literal(LAST_MOMENT), LAST_MOMENT),
        (sa.literal("aBc").ilike("AbC"), True),
        (sa.literal("10%").startswith("10%", autoescape=True), True),
        (sa.literal("100").startswith("10%", autoescape=True), False),
        (sa.literal("a/b\\c_d").contains("/b\\c_", autoescape=True), True),
        (sa.literal("abc").regexp_match("^B", flags="i"), False),
        (sa.literal("abc").regexp_match("^A", flags="i"), True),
        (sa.literal("abcabc").regexp_replace("b", "x"), "axcaxc"),
        (sa.literal(1).is_distinct_from(None), True),
        (sa.case((sa.literal(1) == 1, "one"), else_="other"), "one"),
    ],
)  # fmt: skip
def test_expressions_have_the_value_that_they_have_elsewhere(
    connection: sa.Connection, expression: Any, value: Any
) -> None:
    assert connection.scalar(sa.select(expression.label("value"))) == value
    # The same as one text, as tools write it that show their SQL.
    text = str(sa.select(expression.label("value")).compile(connection, compile_kwargs={"literal_binds": True}))
    assert connection.exec_driver_sql(text).scalar() == value


def test_a_moment_with_a_zone_is_compared_as_a_moment(connection: sa.Connection) -> None:
    noon = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    moment = sa.literal(noon, sa.DateTime(timezone=True))
    assert connection.scalar(sa.select(moment.label("at"))) == noon


def test_names_that_are_no_names_are_quoted() -> None:
    table = sa.table("Odd Name", sa.column("select"), sa.column("plain"), sa.column("Upper"), schema="hr")
    expected = 'SELECT hr."Odd Name"."select", hr."Odd Name".plain, hr."Odd Name"."Upper" FROM hr."Odd Name"'
    assert compiled(sa.select(table)) == expected


def test_types_are_written_as_the_server_reads_them() -> None:
    def cast(kind: Any) -> str:
        return compiled(sa.cast(sa.column("x"), kind))

    assert cast(sa.DateTime) == "CAST(x AS TIMESTAMP(6))"
    assert cast(sa.LargeBinary) == "CAST(x AS BYTEA)"
    assert cast(sa.Float) == "CAST(x AS DOUBLE)"
    assert cast(sa.Unicode(10)) == "CAST(x AS VARCHAR)"
    assert cast(sa.Numeric(12, 2)) == "CAST(x AS DECIMAL(12, 2))"
    assert cast(sa.ARRAY(sa.BigInteger)) == "CAST(x AS BIGINT[])"
    assert cast(sa.DateTime(timezone=True)) == "arrow_cast(x, 'Timestamp(Microsecond, Some(\"UTC\"))')"
    assert ROW("row(a date)").compile(dialect=LakegateDialect()) == "row(a date)"


def test_an_empty_list_matches_nothing(connection: sa.Connection, employees: sa.Table) -> None:
    count = sa.select(sa.func.count()).select_from(employees)
    assert connection.scalar(count.where(employees.c.id.in_([]))) == 0
    assert connection.scalar(count.where(employees.c.id.not_in([]))) == 10_000


def test_results_stream(connection: sa.Connection, employees: sa.Table) -> None:
    streamed = connection.execution_options(yield_per=1_000).execute(sa.select(employees.c.id))
    assert sum(len(part) for part in streamed.partitions()) == 10_000


def test_the_orm_reads(engine: sa.Engine) -> None:
    class Base(orm.DeclarativeBase):
        pass

    class Nation(Base):
        __tablename__ = "nation"
        n_nationkey: orm.Mapped[int] = orm.mapped_column(sa.BigInteger, primary_key=True)
        n_name: orm.Mapped[str]

    with orm.Session(engine) as session:
        assert session.scalars(sa.select(Nation).where(Nation.n_name == "FRANCE")).one().n_nationkey == 6
        session.add(Nation(n_nationkey=99, n_name="NOWHERE"))
        with pytest.raises(exc.NotSupportedError, match="read-only"):
            session.commit()


def test_pandas_reads_with_parameters(connection: sa.Connection) -> None:
    pandas = pytest.importorskip("pandas")
    query = sa.text("select id, salary from hr.employees where id <= :most order by id")
    assert pandas.read_sql(query, connection, params={"most": 3})["id"].to_list() == [1, 2, 3]
    assert len(pandas.read_sql_table("nation", connection)) == 25
    assert len(pandas.read_sql_table("departments", connection, schema="hr")) == 8


def test_polars_reads_from_an_engine(engine: sa.Engine) -> None:
    polars = pytest.importorskip("polars")
    assert polars.read_database("select id from hr.employees where id <= 3 order by id", engine)["id"].to_list() == [
        1,
        2,
        3,
    ]


# What a server that only reads is


def test_what_writes_is_refused(connection: sa.Connection, employees: sa.Table) -> None:
    for statement in (
        sa.insert(employees).values(id=0),
        sa.update(employees).values(salary=0),
        sa.delete(employees).where(employees.c.id == 1),
        sa.schema.CreateTable(sa.Table("x", sa.MetaData(), sa.Column("a", sa.Integer))),
        sa.schema.DropTable(employees),
    ):
        with pytest.raises(exc.NotSupportedError, match="read-only"):
            connection.execute(statement)


def test_there_are_no_transactions(connection: sa.Connection) -> None:
    assert connection.get_isolation_level() == connection.default_isolation_level == "AUTOCOMMIT"
    with pytest.raises(exc.ArgumentError, match="AUTOCOMMIT"):
        connection.execution_options(isolation_level="SERIALIZABLE")
    with connection.begin():
        assert connection.scalar(sa.text("select 1")) == 1
    connection.rollback()


def test_a_session_that_has_ended_is_begun_anew(url: str) -> None:
    engine = engine_of(url, "analyst", pool_pre_ping=True)
    with engine.connect() as connection:
        first = connection.connection.dbapi_connection
        assert isinstance(first, lakegate.Connection)
    first.close()
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select 1")) == 1
    engine.dispose()


def test_the_version_of_the_server_is_known(connection: sa.Connection) -> None:
    version = connection.dialect.server_version_info
    assert version is not None
    assert version >= (0, 1)


# URLs


def arguments_of(url: str) -> dict[str, Any]:
    positional, named = LakegateDialect().create_connect_args(sa.make_url(url))
    assert positional == []
    return dict(named)


def test_a_url_says_where_and_as_whom(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc")
    assert arguments_of("lakegate://ann:s%40crt@lake.example.com/sales?tls=true&tls_ca=ca.pem&timeout=5") == {
        "url": "grpc+tls://lake.example.com:32010", "user": "ann", "password": "s@crt", "schema": "sales",
        "tls_ca": "ca.pem", "timeout": 5, "tls_skip_verify": False,
    }  # fmt: skip
    assert arguments_of("lakegate://[::1]:1/")["url"] == "grpc://[::1]:1"
    assert arguments_of(f"lakegate://localhost?token_file={tmp_path}/token")["token"].reveal() == "abc"
    assert arguments_of("lakegate+adbc://?profile=demo") == {"profile": "demo", "tls_skip_verify": False}


@pytest.mark.parametrize(
    ("query", "problem"),
    [("tsl=true", "tsl"), ("tls=maybe", "true or false"), ("timeout=1&timeout=2", "more than once")],
)
def test_a_url_with_a_mistake_is_refused(query: str, problem: str) -> None:
    with pytest.raises(exc.ArgumentError, match=problem):
        arguments_of(f"lakegate://localhost?{query}")
