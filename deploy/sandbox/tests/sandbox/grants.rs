//! Granting, revoking, listing, data filters and registered locations.

use aws_sdk_lakeformation::types::{BatchPermissionsRequestEntry, Permission, Resource};

use crate::fixture::{
    CELL_FILTERS, Lake, all_tables_resource, allow, code, columns_resource, database_resource, filter,
    filter_resource, principal, role_arn, table_resource,
};

async fn grant_error(lake: &Lake, resource: Resource, permissions: &[Permission]) -> String {
    let request = lake
        .lake_formation
        .grant_permissions()
        .principal(principal(&role_arn("analyst")))
        .resource(resource)
        .set_permissions(Some(permissions.to_vec()));
    code(request.send().await)
}

#[tokio::test]
async fn a_permission_must_apply_to_its_resource() {
    let lake = Lake::new().await;
    let refused = [
        (columns_resource(&["id"], &[]), vec![Permission::Select, Permission::Describe]),
        (columns_resource(&["id"], &[]), vec![Permission::Insert]),
        (database_resource("sales"), vec![Permission::Select]),
        (table_resource(), vec![Permission::CreateTable]),
    ];
    for (resource, permissions) in refused {
        assert_eq!(grant_error(&lake, resource, &permissions).await, "InvalidInputException");
    }
}

#[tokio::test]
async fn grants_name_things_that_exist() {
    let lake = Lake::new().await;
    let select = [Permission::Select];
    assert_eq!(grant_error(&lake, columns_resource(&["none"], &[]), &select).await, "InvalidInputException");
    assert_eq!(grant_error(&lake, filter_resource("none"), &select).await, "EntityNotFoundException");
    assert_eq!(
        grant_error(&lake, database_resource("none"), &[Permission::Describe]).await,
        "EntityNotFoundException"
    );
    let nobody = lake
        .lake_formation
        .grant_permissions()
        .principal(principal(&role_arn("nobody")))
        .resource(table_resource())
        .permissions(Permission::Select);
    assert_eq!(code(nobody.send().await), "InvalidInputException");
}

#[tokio::test]
async fn a_revoked_grant_has_no_effect_and_cannot_be_revoked_again() {
    let lake = Lake::new().await;
    lake.grant(table_resource(), Permission::Select).await;
    let session = lake.engine_session("analyst").await;
    assert!(lake.metadata(&session, CELL_FILTERS).await.is_ok());
    let revoke = || {
        lake.lake_formation
            .revoke_permissions()
            .principal(principal(&role_arn("analyst")))
            .resource(table_resource())
            .permissions(Permission::Select)
            .send()
    };
    revoke().await.unwrap();
    assert_eq!(code(lake.metadata(&session, CELL_FILTERS).await), "AccessDeniedException");
    assert_eq!(code(revoke().await), "InvalidInputException");
}

#[tokio::test]
async fn revoking_one_column_leaves_the_others() {
    let lake = Lake::new().await;
    lake.grant(columns_resource(&["id", "region"], &[]), Permission::Select).await;
    lake.lake_formation
        .revoke_permissions()
        .principal(principal(&role_arn("analyst")))
        .resource(columns_resource(&["region"], &[]))
        .permissions(Permission::Select)
        .send()
        .await
        .unwrap();
    let session = lake.engine_session("analyst").await;
    let answer = lake.metadata(&session, CELL_FILTERS).await.unwrap();
    assert_eq!(answer.authorized_columns.unwrap(), ["id"]);
}

#[tokio::test]
async fn only_those_who_may_grant_do() {
    let lake = Lake::new().await;
    lake.create_role("friend", &crate::fixture::engine_trust(), &allow(&["glue:Get*"])).await;
    let analyst = lake.lake_formation_as(&lake.engine_session("analyst").await);
    let pass_on = |resource: Resource, permission: Permission| {
        let friend = principal(&role_arn("friend"));
        analyst.grant_permissions().principal(friend).resource(resource).permissions(permission).send()
    };
    lake.grant(table_resource(), Permission::Select).await;
    assert_eq!(code(pass_on(table_resource(), Permission::Select).await), "AccessDeniedException");

    lake.lake_formation
        .grant_permissions()
        .principal(principal(&role_arn("analyst")))
        .resource(table_resource())
        .permissions(Permission::Select)
        .permissions_with_grant_option(Permission::Select)
        .send()
        .await
        .unwrap();
    assert!(pass_on(table_resource(), Permission::Select).await.is_ok());
    assert!(pass_on(columns_resource(&["id"], &[]), Permission::Select).await.is_ok());
    assert_eq!(code(pass_on(table_resource(), Permission::Insert).await), "AccessDeniedException");
    assert_eq!(code(pass_on(all_tables_resource(), Permission::Select).await), "AccessDeniedException");
}

#[tokio::test]
async fn excluded_columns_come_without_grant_option() {
    let lake = Lake::new().await;
    let request = lake
        .lake_formation
        .grant_permissions()
        .principal(principal(&role_arn("analyst")))
        .resource(columns_resource(&[], &["region"]))
        .permissions(Permission::Select)
        .permissions_with_grant_option(Permission::Select);
    assert_eq!(code(request.send().await), "InvalidInputException");
}

#[tokio::test]
async fn a_batch_applies_what_it_can_and_reports_the_rest() {
    let lake = Lake::new().await;
    let entry = |id: &str, resource: Resource| {
        BatchPermissionsRequestEntry::builder()
            .id(id)
            .principal(principal(&role_arn("analyst")))
            .resource(resource)
            .permissions(Permission::Describe)
            .build()
            .unwrap()
    };
    let answer = lake
        .lake_formation
        .batch_grant_permissions()
        .entries(entry("good", database_resource("sales")))
        .entries(entry("bad", database_resource("none")))
        .send()
        .await
        .unwrap();
    let failures = answer.failures.unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].request_entry.as_ref().unwrap().id, "bad");
    let error = failures[0].error.as_ref().unwrap();
    assert_eq!(error.error_code.as_deref(), Some("EntityNotFoundException"));
    let revoked = lake
        .lake_formation
        .batch_revoke_permissions()
        .entries(entry("good", database_resource("sales")))
        .send()
        .await
        .unwrap();
    assert!(revoked.failures.unwrap_or_default().is_empty());
}

#[tokio::test]
async fn listings_are_paged_and_show_each_caller_only_its_own() {
    let lake = Lake::new().await;
    lake.grant(table_resource(), Permission::Select).await;
    lake.grant(database_resource("sales"), Permission::Describe).await;
    let analyst = lake.lake_formation_as(&lake.engine_session("analyst").await);
    let own = analyst.list_permissions().send().await.unwrap().principal_resource_permissions.unwrap();
    assert_eq!(own.len(), 2);
    for entry in &own {
        let holder = entry.principal.as_ref().unwrap().data_lake_principal_identifier.as_deref();
        assert_eq!(holder, Some(role_arn("analyst").as_str()));
    }
    let all = lake.lake_formation.list_permissions().send().await.unwrap();
    let all = all.principal_resource_permissions.unwrap().len();
    let (mut paged, mut token) = (0, None);
    loop {
        let page =
            lake.lake_formation.list_permissions().max_results(1).set_next_token(token).send().await.unwrap();
        paged += page.principal_resource_permissions.unwrap().len();
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(paged, all);
    let of_table = lake.lake_formation.list_permissions().resource(table_resource()).send().await.unwrap();
    // The creator's own grant, and that of the analyst.
    assert_eq!(of_table.principal_resource_permissions.unwrap().len(), 2);
}

#[tokio::test]
async fn filters_are_checked_kept_changed_and_deleted() {
    let lake = Lake::new().await;
    let client = &lake.lake_formation;
    let create = |expression: &str, columns: &[&str]| {
        client.create_data_cells_filter().table_data(filter("f", Some(expression), columns)).send()
    };
    assert_eq!(code(create(&"x".repeat(2049), &[]).await), "InvalidInputException");
    assert_eq!(code(create("", &[]).await), "InvalidInputException");
    assert_eq!(code(create("id = 1", &["none"]).await), "InvalidInputException");
    assert!(create("id = 1", &["id"]).await.is_ok());
    assert_eq!(code(create("id = 1", &["id"]).await), "AlreadyExistsException");

    lake.grant(filter_resource("f"), Permission::Select).await;
    let changed = filter("f", Some("id = 2"), &["id", "amount"]);
    client.update_data_cells_filter().table_data(changed).send().await.unwrap();
    let session = lake.engine_session("analyst").await;
    let answer = lake.metadata(&session, CELL_FILTERS).await.unwrap();
    assert_eq!(answer.row_filter.as_deref(), Some("id = 2"));

    let get = || {
        let get = client.get_data_cells_filter().table_catalog_id(crate::fixture::ACCOUNT);
        get.database_name("sales").table_name("orders").name("f").send()
    };
    let kept = get().await.unwrap().data_cells_filter.unwrap();
    assert_eq!(kept.column_names.unwrap(), ["amount", "id"]);
    client
        .delete_data_cells_filter()
        .database_name("sales")
        .table_name("orders")
        .name("f")
        .send()
        .await
        .unwrap();
    assert_eq!(code(get().await), "EntityNotFoundException");
    assert_eq!(code(lake.metadata(&session, CELL_FILTERS).await), "AccessDeniedException");
}

#[tokio::test]
async fn the_reader_of_a_filter_may_neither_see_nor_make_filters() {
    let lake = Lake::new().await;
    lake.grant_filter("f", Some("id = 1"), &[]).await;
    let analyst = lake.lake_formation_as(&lake.engine_session("analyst").await);
    let listed = analyst.list_data_cells_filter().send().await.unwrap();
    assert!(listed.data_cells_filters.unwrap().is_empty());
    let get = analyst.get_data_cells_filter().table_catalog_id(crate::fixture::ACCOUNT);
    let get = get.database_name("sales").table_name("orders").name("f").send().await;
    assert_eq!(code(get), "AccessDeniedException");
    let own = filter("own", Some("id = 1"), &[]);
    assert_eq!(
        code(analyst.create_data_cells_filter().table_data(own).send().await),
        "AccessDeniedException"
    );
}

#[tokio::test]
async fn locations_are_registered_with_a_role_that_exists() {
    let lake = Lake::new().await;
    let register = |arn: &str, role: &str| {
        lake.lake_formation.register_resource().resource_arn(arn).role_arn(role_arn(role)).send()
    };
    assert_eq!(code(register("arn:aws:s3:::lake/x", "nobody").await), "InvalidInputException");
    assert_eq!(code(register("arn:aws:s3:::lake", "LakegateDataAccess").await), "AlreadyExistsException");
    assert!(register("arn:aws:s3:::lake/x", "LakegateDataAccess").await.is_ok());
    let listed = lake.lake_formation.list_resources().send().await.unwrap().resource_info_list.unwrap();
    assert_eq!(listed.len(), 2);
    let missing = lake.lake_formation.describe_resource().resource_arn("arn:aws:s3:::other").send().await;
    assert_eq!(code(missing), "EntityNotFoundException");
}
