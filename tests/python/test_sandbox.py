"""The sandbox account as a user with boto3 meets it.

Everything goes through the public AWS API with the stock SDK: if a call here needs a workaround, the
sandbox is wrong. Set LAKEGATE_SANDBOX_URL to the endpoint of a running sandbox, for example
http://127.0.0.1:4577. The tests bring their own bucket, role, database and tables and remove them at
the end. They also end every temporary session of the account, so do not point them at a sandbox that
a query server is using. Tests of the sample lake are skipped unless the sandbox was started with it.
"""

import json
import os
import urllib.request
import uuid
from dataclasses import dataclass

import pytest

boto3 = pytest.importorskip("boto3", reason="boto3 is not installed (pip install boto3)")
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

ENDPOINT = os.environ.get("LAKEGATE_SANDBOX_URL")
pytestmark = pytest.mark.skipif(not ENDPOINT, reason="LAKEGATE_SANDBOX_URL names no running sandbox")

ACCOUNT = "123456789012"
REGION = "us-east-1"
ADMINISTRATOR = ("AKIASANDBOXADMIN0000", "sandbox-admin-secret")
SERVER = ("AKIASANDBOXSERVER000", "sandbox-server-secret")
SERVER_ARN = f"arn:aws:iam::{ACCOUNT}:user/lakegate-server"
CALLER_TAG = {"Key": "LakeFormationAuthorizedCaller", "Value": "lakegate"}
EXTERNAL_ID = "lakegate-demo"


def client(service, keys=ADMINISTRATOR):
    """A client that signs with (access key, secret[, session token]) and never retries."""
    token = keys[2] if len(keys) > 2 else None
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name=REGION,
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def refusal(call, **arguments):
    """The error code and HTTP status with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@dataclass
class Lake:
    """What the fixture made for these tests."""

    name: str
    role_arn: str

    @property
    def table(self):
        return {"CatalogId": ACCOUNT, "DatabaseName": self.name, "Name": "people"}

    @property
    def table_arn(self):
        return f"arn:aws:glue:{REGION}:{ACCOUNT}:table/{self.name}/people"

    def session(self, tags=(CALLER_TAG,)):
        """Keys of a session of the user's role, by default as the query server opens it."""
        answer = client("sts", SERVER).assume_role(
            RoleArn=self.role_arn, RoleSessionName="pytest", ExternalId=EXTERNAL_ID, Tags=list(tags)
        )
        return keys_of(answer["Credentials"])

    def unfiltered(self, keys, permission_types=("CELL_FILTER_PERMISSION",)):
        return client("glue", keys).get_unfiltered_table_metadata(
            CatalogId=ACCOUNT,
            DatabaseName=self.name,
            Name="people",
            SupportedPermissionTypes=list(permission_types),
        )

    def vended(self, keys, **more):
        answer = client("lakeformation", keys).get_temporary_glue_table_credentials(
            TableArn=self.table_arn,
            Permissions=["SELECT"],
            DurationSeconds=900,
            SupportedPermissionTypes=["CELL_FILTER_PERMISSION"],
            **more,
        )
        return keys_of(answer), answer


def keys_of(answer):
    return answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"]


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust_policy():
    def allow(action, key, value):
        return {
            "Effect": "Allow",
            "Principal": {"AWS": SERVER_ARN},
            "Action": action,
            "Condition": {"StringEquals": {key: value}},
        }

    return policy(
        allow("sts:AssumeRole", "sts:ExternalId", EXTERNAL_ID),
        allow("sts:TagSession", "aws:RequestTag/LakeFormationAuthorizedCaller", "lakegate"),
    )


def create_user_role(iam, name):
    """What a user of the query engine is: policies are asked for as this role, and no S3 right exists."""
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_policy())
    actions = ["lakeformation:GetDataAccess", "glue:GetTable*", "glue:GetDatabase*", "glue:GetUnfiltered*"]
    identity_policy = policy({"Effect": "Allow", "Action": actions, "Resource": "*"})
    iam.put_role_policy(RoleName=name, PolicyName="lake", PolicyDocument=identity_policy)
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def create_data_access_role(iam, name, bucket):
    """What Lake Formation reads the bucket with: vended keys can do no more than this role."""
    service = {"Service": "lakeformation.amazonaws.com"}
    trust = policy({"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    objects, whole_bucket = f"arn:aws:s3:::{bucket}/*", f"arn:aws:s3:::{bucket}"
    identity_policy = policy(
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": objects},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": whole_bucket},
    )
    iam.put_role_policy(RoleName=name, PolicyName="data", PolicyDocument=identity_policy)
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def switch_on_external_filtering(lake_formation):
    settings = lake_formation.get_data_lake_settings()["DataLakeSettings"]
    settings.update(
        AllowExternalDataFiltering=True,
        ExternalDataFilteringAllowList=[{"DataLakePrincipalIdentifier": ACCOUNT}],
        AuthorizedSessionTagValueList=["lakegate"],
        CreateDatabaseDefaultPermissions=[],
        CreateTableDefaultPermissions=[],
    )
    lake_formation.put_data_lake_settings(DataLakeSettings=settings)


def table_input(lake_name, table):
    location = f"s3://{lake_name}/{table}"
    columns = [("id", "bigint"), ("name", "string"), ("country", "string"), ("salary", "decimal(12,2)")]
    return {
        "Name": table,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"table_type": "DELTA", "classification": "delta", "spark.sql.sources.provider": "delta"},
        "StorageDescriptor": {
            "Location": location,
            "Columns": [{"Name": name, "Type": kind} for name, kind in columns],
            "SerdeInfo": {"Parameters": {"path": location}},
        },
    }


@pytest.fixture(scope="module")
def lake():
    """A bucket with three prefixes, tables, a user's role, and the role's grants on two of the tables."""
    name = f"pytest-{uuid.uuid4().hex[:12]}"
    iam, s3, glue, lake_formation = (client(s) for s in ("iam", "s3", "glue", "lakeformation"))

    s3.create_bucket(Bucket=name)
    keys = ["people/part-0.parquet", "people/_delta_log/0.json", "people_archive/part-0.parquet", "other/x"]
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=key.encode())

    role_arn = create_user_role(iam, name)
    data_role_arn = create_data_access_role(iam, f"{name}-data", name)
    switch_on_external_filtering(lake_formation)
    lake_formation.register_resource(ResourceArn=f"arn:aws:s3:::{name}", RoleArn=data_role_arn)

    glue.create_database(DatabaseInput={"Name": name})
    for table in ("people", "other", "announced"):
        glue.create_table(DatabaseName=name, TableInput=table_input(name, table))
    lake_formation.create_data_cells_filter(
        TableData={
            "TableCatalogId": ACCOUNT,
            "DatabaseName": name,
            "TableName": "people",
            "Name": "french",
            "RowFilter": {"FilterExpression": "country = 'FR'"},
            "ColumnWildcard": {"ExcludedColumnNames": ["salary"]},
        }
    )
    principal = {"DataLakePrincipalIdentifier": role_arn}
    filter_resource = {
        "TableCatalogId": ACCOUNT, "DatabaseName": name, "TableName": "people", "Name": "french"
    }
    grants = [
        ({"Database": {"Name": name}}, ["DESCRIBE"]),
        ({"DataCellsFilter": filter_resource}, ["SELECT"]),
        ({"Table": {"DatabaseName": name, "Name": "announced"}}, ["DESCRIBE"]),
    ]
    for resource, permissions in grants:
        lake_formation.grant_permissions(Principal=principal, Resource=resource, Permissions=permissions)

    yield Lake(name, role_arn)

    glue.delete_database(Name=name)
    lake_formation.deregister_resource(ResourceArn=f"arn:aws:s3:::{name}")
    for role in (name, f"{name}-data"):
        # The sandbox drops inline policies together with their role and has no DeleteRolePolicy.
        iam.delete_role(RoleName=role)
    s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": key} for key in keys]})
    s3.delete_bucket(Bucket=name)


# The catalog and its permissions, as the administrator


def test_a_created_database_and_table_are_read_back(lake):
    glue = client("glue")
    assert glue.get_database(Name=lake.name)["Database"]["Name"] == lake.name
    table = glue.get_table(DatabaseName=lake.name, Name="people")["Table"]
    assert [column["Name"] for column in table["StorageDescriptor"]["Columns"]] == [
        "id", "name", "country", "salary",
    ]
    assert table["IsRegisteredWithLakeFormation"] is True
    assert table["CatalogId"] == ACCOUNT
    tables = [t["Name"] for page in glue.get_paginator("get_tables").paginate(
        DatabaseName=lake.name, PaginationConfig={"PageSize": 1}) for t in page["TableList"]]
    assert sorted(tables) == ["announced", "other", "people"]


def test_creating_what_exists_and_reading_what_does_not_are_told_apart(lake):
    glue = client("glue")
    again = {"DatabaseInput": {"Name": lake.name}}
    assert refusal(glue.create_database, **again) == ("AlreadyExistsException", 400)
    missing = {"DatabaseName": lake.name, "Name": "nothing"}
    assert refusal(glue.get_table, **missing) == ("EntityNotFoundException", 400)


def test_a_data_cells_filter_is_listed_and_read_back_with_its_expression(lake):
    lake_formation = client("lakeformation")
    pages = lake_formation.get_paginator("list_data_cells_filter").paginate(Table=lake.table)
    filters = [entry for page in pages for entry in page["DataCellsFilters"]]
    assert [entry["Name"] for entry in filters] == ["french"]

    named = {"TableCatalogId": ACCOUNT, "DatabaseName": lake.name, "TableName": "people", "Name": "french"}
    entry = lake_formation.get_data_cells_filter(**named)["DataCellsFilter"]
    assert entry["RowFilter"]["FilterExpression"] == "country = 'FR'"
    assert entry["ColumnWildcard"]["ExcludedColumnNames"] == ["salary"]


@pytest.mark.parametrize(
    "change",
    [
        {"ColumnNames": ["nothing"], "ColumnWildcard": None},
        {"ColumnNames": ["id"]},
        {"RowFilter": {"FilterExpression": "x" * 2049}},
        {"RowFilter": {"FilterExpression": "id = 1", "AllRowsWildcard": {}}},
    ],
    ids=["unknown column", "names and wildcard", "too long", "expression and wildcard"],
)
def test_a_malformed_data_cells_filter_is_refused(lake, change):
    data = {
        "TableCatalogId": ACCOUNT,
        "DatabaseName": lake.name,
        "TableName": "people",
        "Name": "malformed",
        "RowFilter": {"FilterExpression": "id = 1"},
        "ColumnWildcard": {},
    }
    data.update(change)
    data = {key: value for key, value in data.items() if value is not None}
    code, status = refusal(client("lakeformation").create_data_cells_filter, TableData=data)
    # boto3 itself refuses nothing here, except the length, which some versions check.
    assert (code, status) == ("InvalidInputException", 400)


def test_list_permissions_pages_through_every_grant_once(lake):
    lake_formation = client("lakeformation")
    principal = {"DataLakePrincipalIdentifier": lake.role_arn}

    def page_through(**arguments):
        grants, token = [], None
        while True:
            more = {"NextToken": token} if token else {}
            answer = lake_formation.list_permissions(**arguments, **more)
            page = [g for g in answer["PrincipalResourcePermissions"]]
            assert len(page) <= arguments.get("MaxResults", len(page))
            grants += [g for g in page if g["Principal"] == principal]
            token = answer.get("NextToken")
            if not token:
                return grants

    one_by_one = page_through(MaxResults=1)
    assert one_by_one == page_through()
    assert sorted(list(grant["Resource"])[0] for grant in one_by_one) == ["DataCellsFilter", "Database", "Table"]


def test_a_user_without_the_right_to_list_permissions_lists_none(lake):
    session = lake.session()
    assert refusal(client("lakeformation", session).list_permissions) == ("AccessDeniedException", 403)


# Sessions


def assume(lake, keys=SERVER, **changes):
    arguments = {
        "RoleArn": lake.role_arn, "RoleSessionName": "pytest", "ExternalId": EXTERNAL_ID, "Tags": [CALLER_TAG]
    }
    arguments.update(changes)
    arguments = {key: value for key, value in arguments.items() if value is not None}
    return lambda: client("sts", keys).assume_role(**arguments)


@pytest.mark.parametrize(
    "changes",
    [
        {"ExternalId": None},
        {"ExternalId": "somebody-else"},
        {"Tags": [{"Key": "LakeFormationAuthorizedCaller", "Value": "another-engine"}]},
        {"Tags": [CALLER_TAG], "ExternalId": None},
        {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"},
        {"keys": ADMINISTRATOR},
    ],
    ids=["no external id", "wrong external id", "wrong tag", "tag alone", "no such role", "not trusted"],
)
def test_a_role_is_not_assumed_against_its_trust_policy(lake, changes):
    assert refusal(assume(lake, **changes)) == ("AccessDenied", 403)


@pytest.mark.parametrize("seconds", [43201, 899])
def test_a_session_has_a_bounded_duration(lake, seconds):
    # botocore checks the lower bound itself.
    with pytest.raises(Exception, match="(?i)duration"):
        assume(lake, DurationSeconds=seconds)()


def test_a_session_says_who_it_is(lake):
    identity = client("sts", lake.session()).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{lake.name}/pytest"
    assert identity["Account"] == ACCOUNT


def test_the_server_itself_may_read_neither_catalog_nor_data(lake):
    assert refusal(client("glue", SERVER).get_table, DatabaseName=lake.name, Name="people") == (
        "AccessDeniedException", 400,
    )
    assert refusal(client("s3", SERVER).get_object, Bucket=lake.name, Key="people/part-0.parquet") == (
        "AccessDenied", 403,
    )
    assert refusal(client("iam", SERVER).get_role, RoleName=lake.name) == ("AccessDenied", 403)


def test_a_users_session_without_vended_keys_reads_no_data(lake):
    code = refusal(client("s3", lake.session()).get_object, Bucket=lake.name, Key="people/part-0.parquet")
    assert code == ("AccessDenied", 403)


# Policies, as the query engine asks for them


def test_a_filtered_grant_is_answered_with_filter_and_authorized_columns(lake):
    answer = lake.unfiltered(lake.session())
    assert answer["AuthorizedColumns"] == ["country", "id", "name"]
    assert answer["RowFilter"] == "country = 'FR'"
    assert {entry["ColumnName"]: entry["RowFilterExpression"] for entry in answer["CellFilters"]} == {
        "country": "country = 'FR'", "id": "country = 'FR'", "name": "country = 'FR'",
    }
    assert answer["IsRegisteredWithLakeFormation"] is True
    assert answer["QueryAuthorizationId"]
    columns = [column["Name"] for column in answer["Table"]["StorageDescriptor"]["Columns"]]
    assert columns == ["id", "name", "country", "salary"], "the engine receives the whole table"


def test_plain_get_table_shows_the_user_only_the_granted_columns(lake):
    table = client("glue", lake.session()).get_table(DatabaseName=lake.name, Name="people")["Table"]
    assert [c["Name"] for c in table["StorageDescriptor"]["Columns"]] == ["id", "name", "country"]


def test_a_described_table_shows_its_columns_but_authorizes_none(lake):
    glue = client("glue", lake.session())
    table = glue.get_table(DatabaseName=lake.name, Name="announced")["Table"]
    assert len(table["StorageDescriptor"]["Columns"]) == 4
    answer = glue.get_unfiltered_table_metadata(
        CatalogId=ACCOUNT, DatabaseName=lake.name, Name="announced",
        SupportedPermissionTypes=["CELL_FILTER_PERMISSION"],
    )
    assert answer["AuthorizedColumns"] == []


def test_a_table_without_a_grant_is_neither_shown_nor_listed(lake):
    glue = client("glue", lake.session())
    assert refusal(glue.get_table, DatabaseName=lake.name, Name="other") == ("AccessDeniedException", 400)
    listed = [table["Name"] for table in glue.get_tables(DatabaseName=lake.name)["TableList"]]
    assert sorted(listed) == ["announced", "people"]


def test_exactly_one_permission_type_is_accepted(lake):
    both = ("COLUMN_PERMISSION", "CELL_FILTER_PERMISSION")
    keys = lake.session()
    assert refusal(lake.unfiltered, keys=keys, permission_types=both) == ("InvalidInputException", 400)
    too_weak = ("COLUMN_PERMISSION",)
    assert refusal(lake.unfiltered, keys=keys, permission_types=too_weak) == (
        "PermissionTypeMismatchException", 400,
    )


def test_a_session_without_the_caller_tag_learns_no_policy_and_gets_no_keys(lake):
    untagged = lake.session(tags=())
    assert refusal(lake.unfiltered, keys=untagged) == ("AccessDeniedException", 400)
    assert refusal(lake.vended, keys=untagged)[0] == "AccessDeniedException"


# Vended credentials


def test_vended_keys_read_their_table_and_nothing_beside_it(lake):
    keys, answer = lake.vended(lake.session())
    assert answer["VendedS3Path"] == [f"s3://{lake.name}/people"]
    s3 = client("s3", keys)
    assert s3.get_object(Bucket=lake.name, Key="people/part-0.parquet")["Body"].read() == b"people/part-0.parquet"
    listed = s3.list_objects_v2(Bucket=lake.name, Prefix="people/")["Contents"]
    assert [entry["Key"] for entry in listed] == ["people/_delta_log/0.json", "people/part-0.parquet"]

    for key in ("people_archive/part-0.parquet", "other/x", "people/../other/x"):
        assert refusal(s3.get_object, Bucket=lake.name, Key=key)[1] in (400, 403, 404), key
    for prefix in ("", "other/", "people_archive/", "peop"):
        assert refusal(s3.list_objects_v2, Bucket=lake.name, Prefix=prefix) == ("AccessDenied", 403), prefix


def test_vended_keys_write_and_delete_nothing(lake):
    s3 = client("s3", lake.vended(lake.session())[0])
    here = {"Bucket": lake.name, "Key": "people/part-0.parquet"}
    assert refusal(s3.put_object, Body=b"", **here) == ("AccessDenied", 403)
    assert refusal(s3.delete_object, **here) == ("AccessDenied", 403)
    copy = {"Bucket": lake.name, "Key": "other/x"}
    assert refusal(s3.copy_object, CopySource=copy, **here) == ("AccessDenied", 403)


def test_vended_keys_call_no_other_service(lake):
    keys, _ = lake.vended(lake.session())
    assert refusal(client("glue", keys).get_table, DatabaseName=lake.name, Name="people")[0] == (
        "AccessDeniedException"
    )
    assert refusal(assume(lake, keys=keys)) == ("AccessDenied", 403)


def test_the_query_authorization_id_is_echoed_and_an_unknown_one_refused(lake):
    keys = lake.session()
    known = lake.unfiltered(keys)["QueryAuthorizationId"]
    lake.vended(keys, QuerySessionContext={"QueryAuthorizationId": known})
    unknown = {"QueryAuthorizationId": str(uuid.uuid4())}
    assert refusal(lake.vended, keys=keys, QuerySessionContext=unknown) == ("InvalidInputException", 400)


def test_chained_sessions_get_keys_for_an_hour_at_most(lake):
    lake_formation = client("lakeformation", lake.session())
    too_long = {"TableArn": lake.table_arn, "DurationSeconds": 3601,
                "SupportedPermissionTypes": ["CELL_FILTER_PERMISSION"]}
    assert refusal(lake_formation.get_temporary_glue_table_credentials, **too_long) == (
        "InvalidInputException", 400,
    )


# Signatures and expiry

CALLS = {
    "sts": lambda keys: client("sts", keys).get_caller_identity,
    "iam": lambda keys: lambda: client("iam", keys).get_role(RoleName="nobody"),
    "glue": lambda keys: client("glue", keys).get_databases,
    "lakeformation": lambda keys: client("lakeformation", keys).get_data_lake_settings,
    "s3": lambda keys: client("s3", keys).list_buckets,
}


@pytest.mark.parametrize(
    "service, expected",
    [
        ("sts", "SignatureDoesNotMatch"),
        ("iam", "SignatureDoesNotMatch"),
        ("glue", "InvalidSignatureException"),
        ("lakeformation", "InvalidSignatureException"),
        ("s3", "SignatureDoesNotMatch"),
    ],
)
def test_a_wrong_secret_is_refused_in_the_words_of_each_service(service, expected):
    assert refusal(CALLS[service]((ADMINISTRATOR[0], "wrong")))[0] == expected


@pytest.mark.parametrize(
    "service, expected",
    [
        ("sts", "InvalidClientTokenId"),
        ("iam", "InvalidClientTokenId"),
        ("glue", "UnrecognizedClientException"),
        ("lakeformation", "UnrecognizedClientException"),
        ("s3", "InvalidAccessKeyId"),
    ],
)
def test_an_unknown_key_is_refused_in_the_words_of_each_service(service, expected):
    assert refusal(CALLS[service](("AKIANOBODYKNOWSTHIS0", "wrong")))[0] == expected


def test_a_session_needs_its_own_token(lake):
    access_key, secret, token = lake.session()
    for keys in [(access_key, secret), (access_key, secret, token[:-1] + "A" + token[-1])]:
        assert refusal(CALLS["glue"](keys))[0] == "UnrecognizedClientException"


def expire_sessions():
    """Ends all sessions and vended keys of the account."""
    url, header = f"{ENDPOINT}/_sandbox/expire-sessions", {"x-lakegate-sandbox": "1"}
    urllib.request.urlopen(urllib.request.Request(url, method="POST", headers=header)).close()


@pytest.mark.parametrize(
    "service, expected",
    [("sts", "ExpiredToken"), ("glue", "ExpiredTokenException"),
     ("lakeformation", "ExpiredTokenException"), ("s3", "ExpiredToken")],
)
def test_an_expired_session_is_told_so(lake, service, expected):
    keys = lake.session()
    expire_sessions()
    assert refusal(CALLS[service](keys))[0] == expected


def test_expired_vended_keys_read_nothing(lake):
    s3 = client("s3", lake.vended(lake.session())[0])
    here = {"Bucket": lake.name, "Key": "people/part-0.parquet"}
    s3.get_object(**here)
    expire_sessions()
    assert refusal(s3.get_object, **here)[0] == "ExpiredToken"


# S3 as the Delta log needs it


def test_a_conditional_put_creates_an_object_once(lake):
    s3 = client("s3")
    here = {"Bucket": lake.name, "Key": "other/_delta_log/00000000000000000000.json"}
    s3.put_object(Body=b"first", IfNoneMatch="*", **here)
    assert refusal(s3.put_object, Body=b"second", IfNoneMatch="*", **here) == ("PreconditionFailed", 412)
    assert s3.get_object(**here)["Body"].read() == b"first"
    s3.delete_object(**here)


def test_ranges_and_list_pages_are_served(lake):
    s3 = client("s3")
    body = s3.get_object(Bucket=lake.name, Key="other/x", Range="bytes=-1")["Body"].read()
    assert body == b"x"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=lake.name, PaginationConfig={"PageSize": 1})
    keys = [entry["Key"] for page in pages for entry in page["Contents"]]
    assert keys == sorted(keys)
    assert {"people/part-0.parquet", "other/x"} <= set(keys)
    folders = s3.list_objects_v2(Bucket=lake.name, Delimiter="/")["CommonPrefixes"]
    assert [folder["Prefix"] for folder in folders] == ["other/", "people/", "people_archive/"]


def test_calls_are_counted_by_operation(lake):
    def counted():
        with urllib.request.urlopen(f"{ENDPOINT}/_sandbox/counters") as answer:
            return json.load(answer).get("sts:GetCallerIdentity", 0)

    before = counted()
    client("sts").get_caller_identity()
    assert counted() == before + 1


# The sample lake

EMPLOYEE_COLUMNS = {
    "active", "country", "department", "email", "hired_on", "id", "manager_id", "name", "notes", "rating",
    "salary", "ssn",
}
EU_EMPLOYEES = "country IN ('DE','FR','IT','ES','NL','PL')"

# user, database, table: authorized columns (None: whatever the table has) and row filter, or a refusal
SAMPLE_GRANTS = [
    ("analyst", "hr", "employees", EMPLOYEE_COLUMNS, "TRUE"),
    ("analyst", "sales", "lineitem", None, "TRUE"),
    ("eu_analyst", "hr", "employees", EMPLOYEE_COLUMNS, EU_EMPLOYEES),
    ("eu_analyst", "hr", "departments", {"name", "cost_center", "head_id", "budget"}, "TRUE"),
    ("eu_analyst", "sales", "customer", None, "c_nationkey IN (6, 7, 19, 22, 23)"),
    ("eu_analyst", "sales", "nation", None, "n_regionkey = 3"),
    ("eu_analyst", "sales", "lineitem", "denied", None),
    ("support", "hr", "employees", EMPLOYEE_COLUMNS - {"ssn", "salary"}, "TRUE"),
    ("support", "sales", "orders",
     {"o_orderkey", "o_custkey", "o_orderstatus", "o_orderdate", "o_orderpriority"}, "TRUE"),
    ("support", "hr", "departments", "denied", None),
    ("hr_partner", "hr", "employees", EMPLOYEE_COLUMNS - {"ssn", "salary", "email"},
     "country = 'FR' AND active = true"),
    ("hr_partner", "hr", "departments", {"name", "cost_center"}, "TRUE"),
    ("hr_partner", "sales", "nation", "denied", None),
    ("auditor", "hr", "employees", set(), None),
    ("admin", "hr", "employees", set(), None),
    ("stranger", "hr", "employees", "denied", None),
    ("stranger", "sales", "nation", "denied", None),
]


@pytest.fixture(scope="module")
def sample_lake():
    databases = {database["Name"] for database in client("glue").get_databases()["DatabaseList"]}
    if not {"sales", "hr"} <= databases:
        pytest.skip("the sandbox was started without the sample lake")


@pytest.mark.parametrize(
    "user, database, table, columns, rows", SAMPLE_GRANTS, ids=lambda value: str(value)[:20]
)
def test_demo_users_are_granted_what_the_documentation_says(sample_lake, user, database, table, columns, rows):
    session = client("sts", SERVER).assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/lakegate/{user}",
        RoleSessionName="pytest", ExternalId=EXTERNAL_ID, Tags=[CALLER_TAG],
    )
    glue = client("glue", keys_of(session["Credentials"]))
    asked = {"CatalogId": ACCOUNT, "DatabaseName": database, "Name": table,
             "SupportedPermissionTypes": ["CELL_FILTER_PERMISSION"]}
    if columns == "denied":
        assert refusal(glue.get_unfiltered_table_metadata, **asked) == ("AccessDeniedException", 400)
        return
    answer = glue.get_unfiltered_table_metadata(**asked)
    storage, keys = answer["Table"]["StorageDescriptor"], answer["Table"].get("PartitionKeys", [])
    every_column = {column["Name"] for column in storage["Columns"] + keys}
    assert set(answer.get("AuthorizedColumns", [])) == (every_column if columns is None else columns)
    if columns != set():
        assert answer["RowFilter"] == rows


def test_the_sample_tables_are_delta_tables_at_one_agreed_location(sample_lake):
    glue, s3 = client("glue"), client("s3")
    for database, count in (("sales", 8), ("hr", 2)):
        tables = glue.get_tables(DatabaseName=database)["TableList"]
        assert len(tables) == count
        for table in tables:
            location = table["StorageDescriptor"]["Location"]
            assert location == f"s3://lakegate-demo/{database}/{table['Name']}"
            assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["path"] == location
            assert table["Parameters"]["table_type"] == "DELTA"
            log = s3.list_objects_v2(
                Bucket="lakegate-demo", Prefix=f"{database}/{table['Name']}/_delta_log/"
            )["Contents"]
            assert len(log) >= 2, location


def test_customers_are_partitioned_by_market_segment(sample_lake):
    table = client("glue").get_table(DatabaseName="sales", Name="customer")["Table"]
    assert [key["Name"] for key in table["PartitionKeys"]] == ["c_mktsegment"]
