//! Databases and tables through plain Glue calls: what is kept, listed, hidden and refused.

use aws_sdk_glue::types::DatabaseInput;
use aws_sdk_lakeformation::types::Permission;

use crate::fixture::{
    Lake, administrator, code, columns_resource, database_resource, table_input, table_resource,
};
use crate::raw::{Call, send};

#[tokio::test]
async fn names_are_kept_in_lower_case_and_found_in_any() {
    let lake = Lake::new().await;
    lake.create_database("Finance").await;
    lake.create_table("FINANCE", "Ledger", "s3://lake/finance/ledger").await;
    let table = lake.glue.get_table().database_name("finance").name("LEDGER").send().await.unwrap();
    let table = table.table.unwrap();
    assert_eq!((table.name.as_str(), table.database_name.as_deref()), ("ledger", Some("finance")));
    let descriptor = table.storage_descriptor.unwrap();
    let columns: Vec<String> = descriptor.columns.unwrap().into_iter().map(|column| column.name).collect();
    assert_eq!(columns, ["id", "region", "amount"]);
    assert!(table.is_registered_with_lake_formation);
}

#[tokio::test]
async fn what_exists_is_not_made_twice_and_what_is_missing_is_not_found() {
    let lake = Lake::new().await;
    let database = DatabaseInput::builder().name("sales").build().unwrap();
    assert_eq!(
        code(lake.glue.create_database().database_input(database).send().await),
        "AlreadyExistsException"
    );
    let table = table_input("orders", "s3://lake/x");
    let again = lake.glue.create_table().database_name("sales").table_input(table).send().await;
    assert_eq!(code(again), "AlreadyExistsException");
    assert_eq!(code(lake.glue.get_database().name("none").send().await), "EntityNotFoundException");
    let missing = lake.glue.get_table().database_name("sales").name("none").send().await;
    assert_eq!(code(missing), "EntityNotFoundException");
    assert_eq!(code(lake.glue.get_tables().database_name("none").send().await), "EntityNotFoundException");
}

#[tokio::test]
async fn an_update_replaces_the_table_and_keeps_its_history() {
    let lake = Lake::new().await;
    let mut table = table_input("orders", "s3://lake/sales/orders");
    table.description = Some("changed".into());
    lake.glue.update_table().database_name("sales").table_input(table).send().await.unwrap();
    let table =
        lake.glue.get_table().database_name("sales").name("orders").send().await.unwrap().table.unwrap();
    assert_eq!((table.description.as_deref(), table.version_id.as_deref()), (Some("changed"), Some("1")));
}

#[tokio::test]
async fn listings_are_paged_and_complete() {
    let lake = Lake::new().await;
    for number in 0..5 {
        lake.create_table("sales", &format!("t{number}"), "s3://lake/sales/t").await;
    }
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let request = lake.glue.get_tables().database_name("sales").max_results(2).set_next_token(token);
        let page = request.send().await.unwrap();
        names.extend(page.table_list.unwrap().into_iter().map(|table| table.name));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(names, ["orders", "t0", "t1", "t2", "t3", "t4"]);
    let too_many = lake.glue.get_tables().database_name("sales").max_results(101).send().await;
    assert_eq!(code(too_many), "InvalidInputException");
}

#[tokio::test]
async fn what_is_not_granted_is_not_listed_and_is_refused_by_name() {
    let lake = Lake::new().await;
    lake.create_table("sales", "secret", "s3://lake/sales/secret").await;
    let glue = lake.glue_as(&lake.engine_session("analyst").await);
    assert!(glue.get_databases().send().await.unwrap().database_list.is_empty());
    assert_eq!(code(glue.get_database().name("sales").send().await), "AccessDeniedException");
    assert_eq!(code(glue.get_tables().database_name("sales").send().await), "AccessDeniedException");

    lake.grant(table_resource(), Permission::Select).await;
    let databases = glue.get_databases().send().await.unwrap().database_list;
    assert_eq!(databases[0].name, "sales");
    let tables = glue.get_tables().database_name("sales").send().await.unwrap().table_list.unwrap();
    assert_eq!(tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["orders"]);
    assert!(!tables[0].is_registered_with_lake_formation);
    let secret = glue.get_table().database_name("sales").name("secret").send().await;
    assert_eq!(code(secret), "AccessDeniedException");
}

#[tokio::test]
async fn a_table_shows_the_granted_columns_and_no_copy_of_the_schema() {
    let lake = Lake::new().await;
    lake.grant(columns_resource(&["id"], &[]), Permission::Select).await;
    let glue = lake.glue_as(&lake.engine_session("analyst").await);
    let table = glue.get_table().database_name("sales").name("orders").send().await.unwrap().table.unwrap();
    let columns = table.storage_descriptor.unwrap().columns.unwrap();
    assert_eq!(columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["id"]);
    let parameters = table.parameters.unwrap();
    assert!(parameters.contains_key("table_type"));
    assert!(!parameters.contains_key("spark.sql.sources.schema"));
}

#[tokio::test]
async fn describe_shows_every_column_but_no_copy_of_the_schema() {
    let lake = Lake::new().await;
    lake.grant(table_resource(), Permission::Describe).await;
    let glue = lake.glue_as(&lake.engine_session("analyst").await);
    let table = glue.get_table().database_name("sales").name("orders").send().await.unwrap().table.unwrap();
    assert_eq!(table.storage_descriptor.unwrap().columns.unwrap().len(), 3);
    assert!(!table.parameters.unwrap().contains_key("spark.sql.sources.schema"));
}

#[tokio::test]
async fn partition_keys_stay_visible_beside_a_column_grant() {
    let lake = Lake::new().await;
    let mut table = table_input("events", "s3://lake/sales/events");
    let day = aws_sdk_glue::types::Column::builder().name("Day").r#type("string").build().unwrap();
    table.partition_keys = Some(vec![day]);
    lake.glue.create_table().database_name("sales").table_input(table).send().await.unwrap();
    let columns = aws_sdk_lakeformation::types::TableWithColumnsResource::builder()
        .database_name("sales")
        .name("events")
        .column_names("id")
        .build()
        .unwrap();
    let resource = aws_sdk_lakeformation::types::Resource::builder().table_with_columns(columns).build();
    lake.grant(resource, Permission::Select).await;
    let glue = lake.glue_as(&lake.engine_session("analyst").await);
    let table = glue.get_table().database_name("sales").name("events").send().await.unwrap().table.unwrap();
    assert_eq!(table.partition_keys.unwrap()[0].name, "day");
    assert_eq!(table.storage_descriptor.unwrap().columns.unwrap().len(), 1);
}

#[tokio::test]
async fn changing_the_catalog_needs_lake_formation_permissions() {
    let lake = Lake::new().await;
    lake.put_role_policy("analyst", &crate::fixture::allow(&["glue:*"])).await;
    let glue = lake.glue_as(&lake.engine_session("analyst").await);
    let table = |name| table_input(name, "s3://elsewhere/x");
    let create = |name| glue.create_table().database_name("sales").table_input(table(name)).send();
    assert_eq!(code(create("mine").await), "AccessDeniedException");
    assert_eq!(code(glue.delete_database().name("sales").send().await), "AccessDeniedException");
    let update = glue.update_table().database_name("sales").table_input(table("orders")).send().await;
    assert_eq!(code(update), "AccessDeniedException");

    lake.grant(database_resource("sales"), Permission::CreateTable).await;
    assert!(create("mine").await.is_ok());
    // The creator holds every permission on what it made.
    assert!(glue.delete_table().database_name("sales").name("mine").send().await.is_ok());
    let inside = table_input("inside", "s3://lake/sales/inside");
    let inside = glue.create_table().database_name("sales").table_input(inside).send().await;
    assert_eq!(code(inside), "AccessDeniedException");
}

#[tokio::test]
async fn dropping_a_table_drops_its_grants_and_filters() {
    let lake = Lake::new().await;
    lake.grant_filter("us", Some("region = 'us'"), &[]).await;
    lake.grant(table_resource(), Permission::Select).await;
    lake.glue.delete_table().database_name("sales").name("orders").send().await.unwrap();
    lake.create_table("sales", "orders", "s3://lake/sales/orders").await;
    let session = lake.engine_session("analyst").await;
    assert_eq!(code(lake.metadata(&session, crate::fixture::CELL_FILTERS).await), "AccessDeniedException");
    let filters = lake.lake_formation.list_data_cells_filter().send().await.unwrap();
    assert!(filters.data_cells_filters.unwrap().is_empty());
}

#[tokio::test]
async fn the_default_permissions_of_a_new_account_open_what_is_created() {
    let lake = Lake::empty().await;
    lake.create_role("reader", &crate::fixture::engine_trust(), &crate::fixture::allow(&["glue:Get*"])).await;
    lake.create_database("open").await;
    lake.create_table("open", "t", "s3://lake/open/t").await;
    let glue = lake.glue_as(&lake.untagged_session("reader").await);
    assert!(glue.get_table().database_name("open").name("t").send().await.is_ok());

    lake.put_settings(false, &[]).await;
    lake.create_database("closed").await;
    assert_eq!(code(glue.get_database().name("closed").send().await), "AccessDeniedException");
}

#[tokio::test]
async fn unknown_operations_are_named_as_such() {
    let lake = Lake::empty().await;
    let call = Call::glue("GetPartitions", "{}");
    let answer = send(&lake.endpoint(), call.signed(&lake.endpoint(), &administrator())).await;
    assert_eq!(answer.code(), "UnknownOperationException");
}
