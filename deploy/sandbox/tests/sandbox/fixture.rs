//! A small governed lake: bucket `lake` under Lake Formation, table `sales.orders`, and a role `analyst` that the
//! server may assume as an authorised engine. Nothing is granted to the role.

use aws_credential_types::Credentials;
use aws_sdk_glue::Client as Glue;
use aws_sdk_glue::config::BehaviorVersion;
use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_glue::operation::get_unfiltered_table_metadata::GetUnfilteredTableMetadataOutput;
use aws_sdk_glue::types::{
    Column, DatabaseInput, PermissionType, QuerySessionContext, StorageDescriptor, TableInput,
};
use aws_sdk_lakeformation::Client as LakeFormation;
use aws_sdk_lakeformation::types::{
    ColumnWildcard, DataCellsFilter, DataCellsFilterResource, DataLakePrincipal, DataLakeSettings,
    DatabaseResource, Permission, Resource, RowFilter, TableResource, TableWildcard,
    TableWithColumnsResource,
};
use aws_sdk_sts::Client as Sts;
use aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder;
use aws_sdk_sts::types::Tag;
use lakegate_sandbox::{ADMIN_ACCESS_KEY, ADMIN_SECRET_KEY, SERVER_ACCESS_KEY, SERVER_SECRET_KEY};
use lakegate_sandbox::{Sandbox, SandboxOptions};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use serde_json::{Value, json};

use crate::raw::{Answer, Call, send};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const SERVER_ARN: &str = "arn:aws:iam::123456789012:user/lakegate-server";
pub(crate) const TABLE_ARN: &str = "arn:aws:glue:us-east-1:123456789012:table/sales/orders";
pub(crate) const EXTERNAL_ID: &str = "tenant-1";
pub(crate) const CALLER_TAG: &str = "LakeFormationAuthorizedCaller";
pub(crate) const CELL_FILTERS: PermissionType = PermissionType::CellFilterPermission;

pub(crate) struct Lake {
    pub(crate) sandbox: Sandbox,
    pub(crate) glue: Glue,
    pub(crate) lake_formation: LakeFormation,
}

pub(crate) fn administrator() -> Credentials {
    Credentials::new(ADMIN_ACCESS_KEY, ADMIN_SECRET_KEY, None, None, "test")
}

pub(crate) fn server() -> Credentials {
    Credentials::new(SERVER_ACCESS_KEY, SERVER_SECRET_KEY, None, None, "test")
}

pub(crate) fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

/// A trust policy as the documentation of Lake Formation gives it for engines.
pub(crate) fn engine_trust() -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": SERVER_ARN}, "Action": "sts:AssumeRole",
         "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}},
        {"Effect": "Allow", "Principal": {"AWS": SERVER_ARN}, "Action": "sts:TagSession",
         "Condition": {"StringEquals": {format!("aws:RequestTag/{CALLER_TAG}"): "lakegate"}}},
    ]})
}

pub(crate) fn allow(actions: &[&str]) -> Value {
    json!({"Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
}

/// The AWS error code of a failed call.
pub(crate) fn code<T, E>(outcome: Result<T, SdkError<E>>) -> String
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    match outcome {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.code().unwrap_or("no code").to_owned(),
    }
}

impl Lake {
    /// An empty account.
    pub(crate) async fn empty() -> Self {
        let sandbox = Sandbox::start(SandboxOptions::default()).await.unwrap();
        let glue = glue(&sandbox.endpoint(), administrator());
        let lake_formation = lake_formation(&sandbox.endpoint(), administrator());
        Self { sandbox, glue, lake_formation }
    }

    /// The governed lake described above.
    pub(crate) async fn new() -> Self {
        let lake = Self::empty().await;
        lake.put_settings(true, &["lakegate"]).await;
        let service_trust = json!({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "lakeformation.amazonaws.com"}}]});
        lake.create_role("LakegateDataAccess", &service_trust, &allow(&["s3:GetObject", "s3:ListBucket"]))
            .await;
        lake.create_role("analyst", &engine_trust(), &allow(&["glue:Get*", "lakeformation:*"])).await;
        lake.create_bucket("lake").await;
        lake.lake_formation
            .register_resource()
            .resource_arn("arn:aws:s3:::lake")
            .role_arn(role_arn("LakegateDataAccess"))
            .send()
            .await
            .unwrap();
        lake.create_database("sales").await;
        lake.create_table("sales", "orders", "s3://lake/sales/orders").await;
        lake
    }

    pub(crate) fn endpoint(&self) -> String {
        self.sandbox.endpoint()
    }

    /// Settings without default permissions, with or without external filtering.
    pub(crate) async fn put_settings(&self, allows_engines: bool, tag_values: &[&str]) {
        let principal = |id: &str| DataLakePrincipal::builder().data_lake_principal_identifier(id).build();
        let settings = DataLakeSettings::builder()
            .data_lake_admins(principal(&format!("arn:aws:iam::{ACCOUNT}:user/sandbox-admin")))
            .allow_external_data_filtering(allows_engines)
            .external_data_filtering_allow_list(principal(ACCOUNT))
            .set_authorized_session_tag_value_list(Some(
                tag_values.iter().map(|tag| (*tag).to_owned()).collect(),
            ))
            .build();
        self.lake_formation.put_data_lake_settings().data_lake_settings(settings).send().await.unwrap();
    }

    pub(crate) async fn iam(&self, credentials: &Credentials, parameters: &[(&str, &str)]) -> Answer {
        let request = Call::query("iam", parameters).signed(&self.endpoint(), credentials);
        send(&self.endpoint(), request).await
    }

    pub(crate) async fn create_role(&self, name: &str, trust: &Value, policy: &Value) {
        let trust = trust.to_string();
        let parameters = [("Action", "CreateRole"), ("RoleName", name), ("AssumeRolePolicyDocument", &trust)];
        let answer = self.iam(&administrator(), &parameters).await;
        assert!(answer.status.is_success(), "{answer:?}");
        self.put_role_policy(name, policy).await;
    }

    pub(crate) async fn put_role_policy(&self, role: &str, policy: &Value) {
        let policy = policy.to_string();
        let parameters = [
            ("Action", "PutRolePolicy"),
            ("RoleName", role),
            ("PolicyName", "p"),
            ("PolicyDocument", &policy),
        ];
        let answer = self.iam(&administrator(), &parameters).await;
        assert!(answer.status.is_success(), "{answer:?}");
    }

    pub(crate) async fn create_bucket(&self, name: &str) {
        let request = Call::s3("PUT", &format!("/{name}")).signed(&self.endpoint(), &administrator());
        let answer = send(&self.endpoint(), request).await;
        assert!(answer.status.is_success(), "{answer:?}");
    }

    pub(crate) async fn create_database(&self, name: &str) {
        let input = DatabaseInput::builder().name(name).build().unwrap();
        self.glue.create_database().database_input(input).send().await.unwrap();
    }

    /// A table with the columns id, region, amount.
    pub(crate) async fn create_table(&self, database: &str, name: &str, location: &str) {
        let input = table_input(name, location);
        self.glue.create_table().database_name(database).table_input(input).send().await.unwrap();
    }

    pub(crate) fn assume(&self, credentials: Credentials, role: &str) -> AssumeRoleFluentBuilder {
        sts(&self.endpoint(), credentials).assume_role().role_arn(role_arn(role)).role_session_name("alice")
    }

    /// The server's session of a role, as an authorised engine.
    pub(crate) async fn engine_session(&self, role: &str) -> Credentials {
        let tag = Tag::builder().key(CALLER_TAG).value("lakegate").build().unwrap();
        session(self.assume(server(), role).external_id(EXTERNAL_ID).tags(tag)).await
    }

    /// The server's session of a role without the caller tag.
    pub(crate) async fn untagged_session(&self, role: &str) -> Credentials {
        session(self.assume(server(), role).external_id(EXTERNAL_ID)).await
    }

    pub(crate) fn glue_as(&self, credentials: &Credentials) -> Glue {
        glue(&self.endpoint(), credentials.clone())
    }

    pub(crate) fn lake_formation_as(&self, credentials: &Credentials) -> LakeFormation {
        lake_formation(&self.endpoint(), credentials.clone())
    }

    pub(crate) fn store(&self, credentials: &Credentials) -> AmazonS3 {
        let mut builder = AmazonS3Builder::new()
            .with_endpoint(self.endpoint())
            .with_allow_http(true)
            .with_region("us-east-1")
            .with_bucket_name("lake")
            .with_access_key_id(credentials.access_key_id())
            .with_secret_access_key(credentials.secret_access_key());
        if let Some(token) = credentials.session_token() {
            builder = builder.with_token(token);
        }
        builder.build().unwrap()
    }

    pub(crate) async fn metadata(
        &self,
        credentials: &Credentials,
        claim: PermissionType,
    ) -> Result<
        GetUnfilteredTableMetadataOutput,
        SdkError<aws_sdk_glue::operation::get_unfiltered_table_metadata::GetUnfilteredTableMetadataError>,
    > {
        self.metadata_in(credentials, claim, None).await
    }

    pub(crate) async fn metadata_in(
        &self,
        credentials: &Credentials,
        claim: PermissionType,
        authorization_id: Option<&str>,
    ) -> Result<
        GetUnfilteredTableMetadataOutput,
        SdkError<aws_sdk_glue::operation::get_unfiltered_table_metadata::GetUnfilteredTableMetadataError>,
    > {
        let context =
            authorization_id.map(|id| QuerySessionContext::builder().query_authorization_id(id).build());
        self.glue_as(credentials)
            .get_unfiltered_table_metadata()
            .catalog_id(ACCOUNT)
            .database_name("sales")
            .name("orders")
            .supported_permission_types(claim)
            .set_query_session_context(context)
            .send()
            .await
    }

    /// Grants to role `analyst`.
    pub(crate) async fn grant(&self, resource: Resource, permission: Permission) {
        self.lake_formation
            .grant_permissions()
            .principal(principal(&role_arn("analyst")))
            .resource(resource)
            .permissions(permission)
            .send()
            .await
            .unwrap();
    }

    /// Creates a filter on `sales.orders`; no columns means all, no expression every row.
    pub(crate) async fn create_filter(&self, name: &str, expression: Option<&str>, columns: &[&str]) {
        let filter = filter(name, expression, columns);
        self.lake_formation.create_data_cells_filter().table_data(filter).send().await.unwrap();
    }

    /// Creates a filter and grants SELECT on it to role `analyst`.
    pub(crate) async fn grant_filter(&self, name: &str, expression: Option<&str>, columns: &[&str]) {
        self.create_filter(name, expression, columns).await;
        self.grant(filter_resource(name), Permission::Select).await;
    }
}

pub(crate) async fn session(request: AssumeRoleFluentBuilder) -> Credentials {
    let keys = request.send().await.unwrap().credentials.unwrap();
    Credentials::new(keys.access_key_id, keys.secret_access_key, Some(keys.session_token), None, "test")
}

pub(crate) fn principal(identifier: &str) -> DataLakePrincipal {
    DataLakePrincipal::builder().data_lake_principal_identifier(identifier).build()
}

pub(crate) fn table_input(name: &str, location: &str) -> TableInput {
    let column = |name: &str| Column::builder().name(name).r#type("string").build().unwrap();
    let descriptor = StorageDescriptor::builder()
        .location(location)
        .columns(column("Id"))
        .columns(column("region"))
        .columns(column("amount"))
        .build();
    TableInput::builder()
        .name(name)
        .storage_descriptor(descriptor)
        .parameters("table_type", "delta")
        .parameters("spark.sql.sources.schema", "{\"fields\": [\"id\", \"region\", \"amount\"]}")
        .build()
        .unwrap()
}

pub(crate) fn filter(name: &str, expression: Option<&str>, columns: &[&str]) -> DataCellsFilter {
    let rows = match expression {
        Some(text) => RowFilter::builder().filter_expression(text).build(),
        None => RowFilter::builder()
            .all_rows_wildcard(aws_sdk_lakeformation::types::AllRowsWildcard::builder().build())
            .build(),
    };
    let mut filter = DataCellsFilter::builder()
        .table_catalog_id(ACCOUNT)
        .database_name("sales")
        .table_name("orders")
        .name(name)
        .row_filter(rows);
    if columns.is_empty() {
        filter = filter.column_wildcard(ColumnWildcard::builder().build());
    }
    for column in columns {
        filter = filter.column_names(*column);
    }
    filter.build().unwrap()
}

pub(crate) fn filter_resource(name: &str) -> Resource {
    let filter = DataCellsFilterResource::builder()
        .table_catalog_id(ACCOUNT)
        .database_name("sales")
        .table_name("orders")
        .name(name)
        .build();
    Resource::builder().data_cells_filter(filter).build()
}

pub(crate) fn database_resource(name: &str) -> Resource {
    Resource::builder().database(DatabaseResource::builder().name(name).build().unwrap()).build()
}

/// The table `sales.orders`.
pub(crate) fn table_resource() -> Resource {
    let table = TableResource::builder().database_name("sales").name("orders").build().unwrap();
    Resource::builder().table(table).build()
}

pub(crate) fn all_tables_resource() -> Resource {
    let wildcard = TableWildcard::builder().build();
    let table = TableResource::builder().database_name("sales").table_wildcard(wildcard).build().unwrap();
    Resource::builder().table(table).build()
}

/// Columns of `sales.orders`: the included ones, or all but the excluded ones.
pub(crate) fn columns_resource(included: &[&str], excluded: &[&str]) -> Resource {
    let mut columns = TableWithColumnsResource::builder().database_name("sales").name("orders");
    for column in included {
        columns = columns.column_names(*column);
    }
    if included.is_empty() {
        let names = excluded.iter().map(|name| (*name).to_owned()).collect();
        let wildcard = ColumnWildcard::builder().set_excluded_column_names(Some(names)).build();
        columns = columns.column_wildcard(wildcard);
    }
    Resource::builder().table_with_columns(columns.build().unwrap()).build()
}

fn glue(endpoint: &str, credentials: Credentials) -> Glue {
    let config = aws_sdk_glue::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(aws_sdk_glue::config::Region::new("us-east-1"))
        .credentials_provider(credentials)
        .build();
    Glue::from_conf(config)
}

fn lake_formation(endpoint: &str, credentials: Credentials) -> LakeFormation {
    let config = aws_sdk_lakeformation::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(aws_sdk_lakeformation::config::Region::new("us-east-1"))
        .credentials_provider(credentials)
        .build();
    LakeFormation::from_conf(config)
}

pub(crate) fn sts(endpoint: &str, credentials: Credentials) -> Sts {
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(aws_sdk_sts::config::Region::new("us-east-1"))
        .credentials_provider(credentials)
        .build();
    Sts::from_conf(config)
}
