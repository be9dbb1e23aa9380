//! Substrait: a plan that the client made shows what SQL shows, to the same users.
//!
//! The plans are made by DataFusion over tables without rows, whose columns the test chooses: a client may believe of a table
//! what it likes.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a client plans with an engine of its own, which the fence keeps out of the server only"
)]

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::sql::{
    ActionCreatePreparedStatementResult, ActionCreatePreparedSubstraitPlanRequest, Any,
    CommandPreparedStatementQuery, CommandStatementSubstraitPlan, CommandStatementUpdate, ProstMessageExt,
    SubstraitPlan,
};
use async_trait::async_trait;
use datafusion_substrait::logical_plan::producer::to_substrait_plan;
use datafusion_substrait::substrait::proto::expression::{RexType, ScalarFunction};
use datafusion_substrait::substrait::proto::extensions::SimpleExtensionDeclaration;
use datafusion_substrait::substrait::proto::extensions::simple_extension_declaration::{
    ExtensionFunction, MappingType,
};
use datafusion_substrait::substrait::proto::read_rel::local_files::FileOrFiles;
use datafusion_substrait::substrait::proto::read_rel::local_files::file_or_files::PathType;
use datafusion_substrait::substrait::proto::read_rel::{LocalFiles, ReadType};
use datafusion_substrait::substrait::proto::rel::RelType;
use datafusion_substrait::substrait::proto::rel_common::{Emit, EmitKind};
use datafusion_substrait::substrait::proto::{
    Expression, Plan, PlanRel, ProjectRel, ReadRel, Rel, RelCommon, SetRel, plan_rel, set_rel,
};
use deltalake::datafusion::catalog::{MemorySchemaProvider, Session, TableProvider};
use deltalake::datafusion::common::Result as PlanResult;
use deltalake::datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use deltalake::datafusion::physical_plan::ExecutionPlan;
use deltalake::datafusion::prelude::{SessionConfig, SessionContext};
use prost::Message;
use tonic::{Code, Status};

use crate::delta::rows::Rows;
use crate::raw::{Raw, ticket_of};
use crate::support::{run, server};

/// What the client's planner leaves to the server.
#[derive(Clone, Copy, Debug)]
enum Planned {
    /// As SQL was read.
    Plainly,
    /// Conditions moved into the reads, columns cut.
    Optimised,
}

/// A table that is said to apply whatever condition it is given.
#[derive(Debug)]
struct Known(SchemaRef);

#[async_trait]
impl TableProvider for Known {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> PlanResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        panic!("a client's plan is not run by the client")
    }
}

/// A client's own engine, which knows tables by their columns.
struct Planner(SessionContext);

impl Planner {
    fn new() -> Self {
        let config = SessionConfig::new().with_create_default_catalog_and_schema(true);
        Self(SessionContext::new_with_config(config))
    }

    /// With the tables as a user sees them.
    async fn of(user: &mut Raw, tables: &[&str]) -> Self {
        let planner = Self::new();
        for table in tables {
            let rows = user.rows(&format!("select * from {table} limit 1")).await.unwrap();
            planner.table(table, rows[0].schema());
        }
        planner
    }

    fn table(&self, name: &str, columns: SchemaRef) {
        let catalog = self.0.catalog("datafusion").unwrap();
        let (schema, table) = name.split_once('.').unwrap_or(("public", name));
        if catalog.schema(schema).is_none() {
            catalog.register_schema(schema, Arc::new(MemorySchemaProvider::new())).unwrap();
        }
        catalog.schema(schema).unwrap().register_table(table.to_owned(), Arc::new(Known(columns))).unwrap();
    }

    async fn plan(&self, sql: &str, planned: Planned) -> Plan {
        let query = self.0.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let (state, plan) = query.into_parts();
        let plan = match planned {
            Planned::Plainly => plan,
            Planned::Optimised => state.optimize(&plan).unwrap(),
        };
        *to_substrait_plan(&plan, &state).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

fn carried(plan: &Plan) -> Option<SubstraitPlan> {
    Some(SubstraitPlan { plan: plan.encode_to_vec().into(), version: "0.85.0".to_owned() })
}

async fn rows(user: &mut Raw, plan: &Plan) -> Result<Vec<RecordBatch>, Status> {
    let command = CommandStatementSubstraitPlan { plan: carried(plan), transaction_id: None };
    let info = user.info_of(&command).await?;
    user.redeem(ticket_of(&info)).await
}

fn texts(status: Status) -> (Code, String) {
    (status.code(), status.message().split(" (query ").next().unwrap().to_owned())
}

#[test]
fn a_plan_gives_each_user_the_rows_that_its_sql_gives() {
    const TABLES: [&str; 4] = ["hr.employees", "hr.departments", "sales.orders", "sales.customer"];
    const QUERIES: [&str; 9] = [
        "select id, name, country from hr.employees",
        "select count(*), min(id), max(hired_on) from hr.employees where active and country <> 'US'",
        "select country, department, count(*) n, avg(rating) from hr.employees where rating > 2.5 group by 1, 2",
        "select e.name, d.cost_center from hr.employees e join hr.departments d on d.name = e.department",
        "select id from hr.employees where id in (select manager_id from hr.employees where active)",
        "select c_custkey from sales.customer where c_acctbal > (select avg(c_acctbal) from sales.customer)",
        "select id, row_number() over (partition by country order by hired_on, id) from hr.employees",
        "select o_orderstatus, sum(o_totalprice) from sales.orders \
         where o_orderdate between date '1995-01-01' and date '1996-12-31' group by o_orderstatus having count(*) > 1",
        "select id from hr.employees where country = 'FR' union all select o_orderkey from sales.orders where o_custkey < 30",
    ];
    run(async {
        let server = server().await;
        let mut filtered_reads = 0;
        for name in ["analyst", "eu_analyst"] {
            let mut user = Raw::login(&server, name).await;
            let planner = Planner::of(&mut user, &TABLES).await;
            for sql in QUERIES {
                let expected = Rows::of(&user.rows(sql).await.unwrap());
                assert!(!expected.cells.is_empty(), "{sql}");
                for planned in [Planned::Plainly, Planned::Optimised] {
                    let plan = planner.plan(sql, planned).await;
                    filtered_reads += usize::from(format!("{plan:?}").contains("filter: Some(Expression"));
                    let answered = rows(&mut user, &plan).await;
                    let answered = Rows::of(&answered.unwrap_or_else(|status| panic!("{sql}: {status}")));
                    let cells = |rows: &Rows| {
                        let mut cells = rows.cells.clone();
                        cells.sort();
                        cells
                    };
                    assert_eq!(cells(&answered), cells(&expected), "{name}, {planned:?}: {sql}");
                }
            }
        }
        assert!(filtered_reads >= 8, "{filtered_reads} plans have a condition in a read");
    });
}

/// The words are those for a column or a table that does not exist, for a client that knows that they do.
#[test]
fn a_plan_that_knows_hidden_names_finds_nothing_under_them() {
    run(async {
        let server = server().await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let mut support = Raw::login(&server, "support").await;
        let mut stranger = Raw::login(&server, "stranger").await;
        let planner = Planner::of(&mut analyst, &["hr.employees"]).await;
        let own = Planner::of(&mut support, &["hr.employees"]).await;
        let invented = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true)]));
        planner.table("hr.no_such_one", Arc::clone(&invented));
        planner.table("elsewhere", invented);
        for planned in [Planned::Plainly, Planned::Optimised] {
            let plan = own.plan("select id from hr.employees where active", planned).await;
            assert!(!rows(&mut support, &plan).await.unwrap().is_empty());
            for sql in ["select ssn from hr.employees", "select id from hr.employees where salary > 100000"] {
                let plan = planner.plan(sql, planned).await;
                assert!(rows(&mut analyst, &plan).await.is_ok(), "{sql}");
                let (code, text) = texts(rows(&mut support, &plan).await.unwrap_err());
                assert_eq!(code, Code::InvalidArgument, "{sql}: {text}");
            }
            let hidden = planner.plan("select id from hr.employees", planned).await;
            let missing = planner.plan("select id from hr.no_such_one", planned).await;
            let (hidden_code, hidden) = texts(rows(&mut stranger, &hidden).await.unwrap_err());
            let (missing_code, missing) = texts(rows(&mut stranger, &missing).await.unwrap_err());
            assert_eq!(hidden_code, missing_code);
            assert_eq!(hidden.replace("employees", "T"), missing.replace("no_such_one", "T"));
            let bare = planner.plan("select id from elsewhere", planned).await;
            let (_, bare) = texts(rows(&mut analyst, &bare).await.unwrap_err());
            assert!(bare.starts_with("table not found or not granted"), "{bare}");
        }
    });
}

#[test]
fn tables_without_a_database_are_those_of_the_session_and_stand_at_its_moment() {
    run(async {
        let server = server().await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let planner = Planner::new();
        planner.table("nation", analyst.rows("select * from sales.nation").await.unwrap()[0].schema());
        let plan = planner.plan("select n_name from nation where n_nationkey < 3", Planned::Optimised).await;
        assert_eq!(rows(&mut analyst, &plan).await.unwrap_err().code(), Code::NotFound);
        let mut in_sales = analyst.without_cookies().with_header("schema", "sales");
        let found = rows(&mut in_sales, &plan).await.unwrap();
        assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
        let mut long_ago = in_sales.with_header("x-lakegate-as-of", "1999-01-01 00:00:00");
        let refused = rows(&mut long_ago, &plan).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    });
}

#[test]
fn a_plan_is_prepared_once_and_read_often_by_its_owner_alone() {
    run(async {
        let server = server().await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let mut other = Raw::login(&server, "eu_analyst").await;
        let planner = Planner::of(&mut analyst, &["sales.nation"]).await;
        let plan = planner.plan("select n_name from sales.nation order by n_name", Planned::Plainly).await;
        let request = ActionCreatePreparedSubstraitPlanRequest { plan: carried(&plan), transaction_id: None };
        let body = request.as_any().encode_to_vec();
        let results = analyst.action("CreatePreparedSubstraitPlan", body).await.unwrap();
        let created: ActionCreatePreparedStatementResult =
            Any::decode(results[0].clone()).unwrap().unpack().unwrap().unwrap();
        assert!(!created.dataset_schema.is_empty());
        let command =
            CommandPreparedStatementQuery { prepared_statement_handle: created.prepared_statement_handle };
        for _ in 0..2 {
            let info = analyst.info_of(&command).await.unwrap();
            assert!(info.ordered, "the plan sorts");
            let batches = analyst.redeem(ticket_of(&info)).await.unwrap();
            assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 25);
        }
        assert_eq!(other.info_of(&command).await.unwrap_err().code(), Code::PermissionDenied);
    });
}

#[test]
fn what_is_no_plan_of_a_query_is_refused_and_nothing_is_read_by_location() {
    run(async {
        let server = server().await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let planner = Planner::of(&mut analyst, &["sales.nation"]).await;
        let good = planner.plan("select n_name from sales.nation", Planned::Plainly).await;

        let read = |read_type| rel(RelType::Read(Box::new(ReadRel { read_type, ..ReadRel::default() })));
        let file = FileOrFiles {
            path_type: Some(PathType::UriFile("file:///etc/passwd".to_owned())),
            ..FileOrFiles::default()
        };
        let files = LocalFiles { items: vec![file], advanced_extension: None };
        let wide = set_rel::SetOp::UnionAll;
        let many = vec![read(None); 600];
        let set = SetRel { inputs: many, op: wide.into(), ..Default::default() };
        let function = ExtensionFunction { name: "read_text".to_owned(), ..ExtensionFunction::default() };
        let unknown_function = Plan {
            extensions: vec![SimpleExtensionDeclaration {
                mapping_type: Some(MappingType::ExtensionFunction(function)),
            }],
            ..planner.plan("select abs(n_nationkey) from sales.nation", Planned::Plainly).await
        };
        for (what, plan) in [
            ("a file", of(read(Some(ReadType::LocalFiles(files))))),
            ("nothing to read", of(read(None))),
            ("an empty plan with a version", Plan { version: good.version.clone(), ..Plan::default() }),
            (
                "two relations",
                Plan { relations: [good.relations.clone(), good.relations.clone()].concat(), ..good.clone() },
            ),
            ("too many relations", of(rel(RelType::Set(set)))),
            ("another function", unknown_function),
        ] {
            let status = rows(&mut analyst, &plan).await.unwrap_err();
            assert!(
                matches!(status.code(), Code::InvalidArgument | Code::Unimplemented | Code::NotFound),
                "{what}: {status}"
            );
            assert!(!status.message().contains("passwd"), "{what}: {status}");
        }
        let encoded = good.encode_to_vec();
        let half = &encoded[..encoded.len() / 2];
        for (what, plan) in
            [("half a plan", half.to_vec()), ("noise", vec![0xff; 64]), ("too long", vec![0; 300_000])]
        {
            let plan = Some(SubstraitPlan { plan: plan.into(), version: String::new() });
            let command = CommandStatementSubstraitPlan { plan, transaction_id: None };
            let status = analyst.info_of(&command).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status}");
        }
        let update = CommandStatementUpdate { query: "delete from t".to_owned(), transaction_id: None };
        assert_eq!(analyst.put(&update).await.unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(rows(&mut analyst, &good).await.unwrap()[0].num_rows(), 25, "the server goes on");
    });
}

/// A column that comes from an expression is called by all of it, and each of these names the one before a hundred times.
#[test]
fn names_do_not_grow_with_what_refers_to_columns_by_number() {
    run(async {
        let server = server().await;
        let mut analyst = Raw::login(&server, "analyst").await;
        let planner = Planner::of(&mut analyst, &["sales.nation"]).await;
        let twice =
            planner.plan("select n_nationkey + n_nationkey from sales.nation", Planned::Plainly).await;
        let Some(plan_rel::RelType::Root(root)) = &twice.relations[0].rel_type else { panic!("no root") };
        let Some(RelType::Project(first)) = &root.input.as_ref().unwrap().rel_type else {
            panic!("{root:?}")
        };
        let Some(RexType::ScalarFunction(sum)) = &first.expressions[0].rex_type else { panic!("{first:?}") };
        let hundred = vec![sum.arguments[0].clone(); 100];
        let expression = RexType::ScalarFunction(ScalarFunction { arguments: hundred, ..sum.clone() });
        let width = i32::try_from(analyst.rows("select * from sales.nation").await.unwrap()[0].num_columns());
        let of_width = |input: Rel, width: i32| {
            let emit = EmitKind::Emit(Emit { output_mapping: vec![width] });
            rel(RelType::Project(Box::new(ProjectRel {
                common: Some(RelCommon { emit_kind: Some(emit), ..RelCommon::default() }),
                input: Some(Box::new(input)),
                expressions: vec![Expression { rex_type: Some(expression.clone()) }],
                ..ProjectRel::default()
            })))
        };
        let lowest = of_width(*first.input.clone().unwrap(), width.unwrap());
        let highest = (0..6).fold(lowest, |input, _| of_width(input, 1));
        let plan = Plan { extensions: twice.extensions.clone(), ..of(highest) };
        let rows = rows(&mut analyst, &plan).await.unwrap();
        assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 25);
        assert!(rows[0].schema().field(0).name().len() <= 256);
    });
}

fn rel(rel_type: RelType) -> Rel {
    Rel { rel_type: Some(rel_type) }
}

fn of(rel: Rel) -> Plan {
    Plan { relations: vec![PlanRel { rel_type: Some(plan_rel::RelType::Rel(rel)) }], ..Plan::default() }
}
