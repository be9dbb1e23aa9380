"""What the demo users see through a stock driver (ADBC), and what the operator sees.

The grants are those of the sample lake. Nothing here knows the server's code: a user's driver must show exactly what
Lake Formation grants.
"""

from __future__ import annotations

import os
import urllib.request

import pytest

dbapi = pytest.importorskip("adbc_driver_flightsql.dbapi", reason="adbc-driver-flightsql is not installed")
from adbc_driver_manager import Error  # noqa: E402

URL = os.environ.get("LAKEGATE_URL")
ADMIN_URL = os.environ.get("LAKEGATE_ADMIN_URL")
pytestmark = pytest.mark.skipif(not URL, reason="LAKEGATE_URL names no running server")


def connect(user, password=None):
    options = {"username": user, "password": password or user}
    return dbapi.connect(URL, db_kwargs=options, autocommit=True)


def query(user, sql, parameters=None):
    with connect(user) as connection, connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetch_arrow_table()


def refusal(user, sql):
    with pytest.raises(Error) as caught:
        query(user, sql)
    return str(caught.value)


def test_an_analyst_sees_all_rows_and_columns():
    table = query("analyst", "select * from hr.employees")
    assert table.num_rows == 10_000
    assert {"ssn", "salary", "email"} <= set(table.column_names)


def test_a_column_grant_hides_columns_and_no_rows():
    table = query("support", "select * from hr.employees")
    assert table.num_rows == 10_000
    assert not {"ssn", "salary"} & set(table.column_names)


def test_a_hidden_column_cannot_be_named():
    assert "ssn" in refusal("support", "select ssn from hr.employees")
    assert "ssn" in refusal("support", "select count(*) from hr.employees where ssn like '9%'")


def test_a_row_filter_hides_rows_from_every_query():
    visible = query("hr_partner", "select distinct country, active from hr.employees").to_pylist()
    assert visible == [{"country": "FR", "active": True}]
    expected = query("analyst", "select count(*) from hr.employees where country = 'FR' and active")
    assert query("hr_partner", "select count(*) from hr.employees") == expected


def test_a_table_that_is_not_granted_and_one_that_does_not_exist_answer_alike():
    hidden = refusal("stranger", "select * from hr.employees")
    missing = refusal("stranger", "select * from hr.no_such_one")
    assert hidden.replace("hr.employees", "X") == missing.replace("hr.no_such_one", "X")


def test_a_user_without_select_reads_nothing():
    refusal("auditor", "select * from hr.employees")


def test_parameters_are_bound():
    table = query("analyst", "select n_name from sales.nation where n_regionkey = ? order by 1 limit 1", [3])
    assert table.to_pydict() == {"n_name": ["FRANCE"]}


def test_a_wrong_password_is_refused():
    with pytest.raises(Error, match="(?i)user name or password is wrong"):
        connect("analyst", "wrong").cursor().execute("select 1")


@pytest.mark.skipif(not ADMIN_URL, reason="LAKEGATE_ADMIN_URL names no admin endpoint")
def test_the_operator_sees_health_and_metrics():
    def page(path):
        with urllib.request.urlopen(f"{ADMIN_URL}/{path}", timeout=10) as response:
            return response.read().decode()

    query("analyst", "select 1")
    assert page("healthz").strip() == "ok"
    assert 'lakegate_rpcs_total{method="DoGet",outcome="ok"}' in page("metrics")
