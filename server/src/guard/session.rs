//! Plans queries over guarded tables. The only place that makes a DataFusion `SessionState`.
//!
//! Invariants
//! - The template state has no tables, no object store (not even `file://`), no file formats and no table functions; its
//!   functions are the list in [`functions`].
//! - A query's names are resolved by [`QueryNames`] against that query's guarded tables only (G5, G9); the state that
//!   it copies from the template adds the time at which it began and its number of threads.
//! - `verify` refuses plans that define, change or set things, should one ever come out of a query.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ParamValues;
use datafusion::common::tree_node::TreeNode;
use datafusion::execution::TaskContext;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement as ParsedStatement;

use super::analysis::{analysed, as_announced, optimised, typed};
use super::binding::BoundQuery;
use super::budget::ScanBudget;
use super::complexity;
use super::divisible::is_divisible;
use super::explain::{self, explained};
use super::function_table;
use super::functions;
use super::growth::{self, Ended, FunctionAccount};
use super::names::QueryNames;
use super::redact::from_datafusion;
use super::seal::SealedPlan;
use super::table::GuardedTable;
use super::versions::TablesAtMoments;
use super::visible_rows::VisibleRows;
use super::{comparisons, constants, constructors, function_clauses, inputs, stoppable, yielding};
use crate::access::{Grant, GrantWatch};
use crate::catalog::Listing;
use crate::error::{Error, ErrorKind};
use crate::functions::spelled_names;
use crate::ids::CATALOG;
use crate::planner;
use crate::settings::{AccessSettings, EngineSettings};
use crate::sql::{DEFAULT_DATABASE, Explain, Moment, Parsed, Statement, announced};
use crate::table::Tables;
use crate::telemetry::metrics::Metrics;

/// Tables of so many bytes together are read faster by one thread than handed to several.
const SMALL_TABLES: u64 = 1024 * 1024;

/// The smaller side of a join is collected by one thread, instead of both being handed around by their keys, if it has at most
/// so many rows for a machine of one thread: the more threads would wait for that one, the fewer. Rows are taken to be so wide.
const COLLECTED_ROWS: usize = 4 * 1024 * 1024;
const COLLECTED_ROW_BYTES: usize = 64;

/// Makes plans. One per server.
pub(crate) struct Guard {
    template: SessionState,
    /// Names of all functions that a query may call, sorted.
    functions: Arc<[String]>,
    access: AccessSettings,
    /// `engine.max_scanned_bytes`; 0 is no limit.
    max_scanned_bytes: u64,
    counts: VisibleRows,
    metrics: Arc<Metrics>,
}

impl Guard {
    /// # Arguments
    /// * `threads` - partitions that a plan is cut into.
    /// * `runtime` - an environment without object stores.
    pub(crate) fn new(
        settings: &EngineSettings,
        access: &AccessSettings,
        threads: usize,
        runtime: Arc<RuntimeEnv>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let template = SessionStateBuilder::new()
            .with_config(config(settings, threads))
            .with_runtime_env(runtime)
            .with_expr_planners(constructors::expr_planners())
            .with_analyzer_rules(stoppable::analyzer_rules(planner::analyzer_rules(
                comparisons::analyzer_rules(),
            )))
            .with_optimizer_rules(stoppable::optimizer_rules())
            .with_relation_planners(vec![Arc::new(TablesAtMoments)])
            .with_physical_optimizer_rules(stoppable::physical_rules(yielding::rules()))
            .with_scalar_functions(functions::scalar())
            .with_aggregate_functions(functions::aggregate())
            .with_window_functions(functions::window())
            .build();
        let functions = function_names(&template);
        Self {
            template,
            functions,
            access: access.clone(),
            max_scanned_bytes: settings.max_scanned_bytes.as_u64(),
            counts: VisibleRows::new(),
            metrics,
        }
    }

    /// Opens a table for its grant, at a moment or as it is now.
    ///
    /// # Errors
    /// See [`GuardedTable::open`].
    pub(crate) async fn open(
        &self,
        tables: &Tables,
        grant: Grant,
        moment: Option<Moment>,
    ) -> Result<GuardedTable, Error> {
        GuardedTable::open(tables, grant, moment, &self.access, self.counts.clone()).await
    }

    /// The names of all functions that a query may call, sorted.
    pub(crate) fn function_names(&self) -> &[String] {
        &self.functions
    }

    /// Resolves a statement against the guarded tables and nothing else.
    ///
    /// # Arguments
    /// * `listing` - what the user may browse.
    /// * `runtime` - memory and spill of this query; must hold no object store.
    ///
    /// # Errors
    /// The planner's, as [`from_datafusion`] words them.
    pub(crate) fn plan(
        &self,
        statement: Statement,
        tables: Vec<GuardedTable>,
        listing: Listing,
        runtime: Arc<RuntimeEnv>,
    ) -> Result<GuardedQuery, Error> {
        let mut state = self.template.clone();
        // `now()` is when this query began, not the server.
        state.mark_start_execution();
        let bytes: Option<u64> = tables.iter().map(GuardedTable::visible_bytes).sum();
        let is_small = bytes.is_some_and(|bytes| bytes <= SMALL_TABLES);
        if is_small {
            state.config_mut().options_mut().execution.target_partitions = 1;
        }
        if self.max_scanned_bytes > 0 {
            let budget = ScanBudget::new(self.max_scanned_bytes, Arc::clone(&self.metrics));
            state.config_mut().set_extension(Arc::new(budget));
        }
        let explain = statement.explain();
        if let Some(explain) = explain {
            explain::check(explain, &tables, &self.access.explain_analyze_users)?;
        }
        let query = statement.into_parsed();
        if let Parsed::Sql(ParsedStatement::Statement(statement)) = &query {
            function_clauses::check(statement, &state)?;
        }
        let watch = tables.first().map(|table| table.watch().clone());
        let planned = |tables: Vec<GuardedTable>| {
            let names = QueryNames::new(&state, tables, listing.clone(), Arc::clone(&self.functions));
            names.plan(&query).map_err(from_datafusion)
        };
        let mut plan = planned(tables.clone())?;
        complexity::check(&plan)?;
        verify(&plan)?;
        if explain.is_none() && hands_over(&plan) && !is_small {
            plan = planned(tables.iter().map(GuardedTable::to_be_sent).collect())?;
        }
        let (plan, unbound) = typed(&state, plan)?;
        Ok(GuardedQuery {
            state: Arc::new(state),
            runtime,
            unbound,
            watch,
            schema: announced(&planner::described(&plan)),
            plan,
            explain,
            reads_little: is_small,
            ended: Ended::default(),
        })
    }
}

/// A query whose names are resolved, and whose tables are guarded.
#[derive(Clone)]
pub(crate) struct GuardedQuery {
    /// Shared by the rows of parameters: it knows every function by its name, and is large.
    state: Arc<SessionState>,
    runtime: Arc<RuntimeEnv>,
    /// Whether the grants on its tables still hold; `None` if it has none.
    watch: Option<GrantWatch>,
    /// What values are put into, if there are parameters: types follow from values, so it is not analysed.
    unbound: Option<LogicalPlan>,
    /// Analysed: every operand has the type in which it is computed, and so every column the type that its rows will have.
    plan: LogicalPlan,
    /// The result's columns as they are announced.
    schema: SchemaRef,
    /// What is asked of the plan, if not its rows.
    explain: Option<Explain>,
    /// All tables together are small.
    reads_little: bool,
    /// Shared by the rows of parameters.
    ended: Ended,
}

impl GuardedQuery {
    /// The columns of the result, with the types in which they are computed.
    pub(crate) fn schema(&self) -> SchemaRef {
        match self.explain {
            Some(_) => explain::schema(),
            None => Arc::clone(&self.schema),
        }
    }

    /// Whether several servers can compute the rows, each for a part of them.
    pub(crate) fn is_divisible(&self) -> bool {
        self.explain.is_none() && is_divisible(&self.plan)
    }

    /// One field for each parameter `$1`, `$2`, … in order; a type that cannot be inferred is shown as text.
    ///
    /// # Errors
    /// If parameters are named or numbered with gaps.
    pub(crate) fn parameters(&self) -> Result<SchemaRef, Error> {
        let types = self.parameter_types()?;
        let field = |(index, data_type): (usize, Option<DataType>)| {
            Field::new(format!("${}", index + 1), data_type.unwrap_or(DataType::Utf8), true)
        };
        Ok(Arc::new(Schema::new(types.into_iter().enumerate().map(field).collect::<Vec<_>>())))
    }

    /// The types of the parameters in order; `None` for one that cannot be inferred.
    fn parameter_types(&self) -> Result<Vec<Option<DataType>>, Error> {
        let Some(unbound) = &self.unbound else { return Ok(Vec::new()) };
        let mut inferred = unbound.get_parameter_types().map_err(from_datafusion)?;
        let gap = || Error::new(ErrorKind::InvalidRequest, "parameters must be $1, $2, … without gaps");
        (1..=inferred.len()).map(|number| inferred.remove(&format!("${number}")).ok_or_else(gap)).collect()
    }

    /// Puts values in the place of the parameters.
    ///
    /// # Arguments
    /// * `values` - rows with a column for each parameter, by position; absent if the client bound none.
    ///
    /// # Errors
    /// If number or types do not fit.
    pub(crate) fn bind(self, values: Option<&RecordBatch>) -> Result<BoundQuery, Error> {
        let expected = self.parameter_types()?;
        BoundQuery::new(self, values, &expected)
    }

    /// Whether rows of tables are read, and not only told how they would be.
    pub(super) fn runs(&self) -> bool {
        self.explain.is_none_or(|explain| explain.is_analyzed)
    }

    /// The query with one row of values.
    pub(super) fn with_values(&self, values: ParamValues) -> Result<Self, Error> {
        let told = self.schema();
        let bound = self.unbound.as_ref().unwrap_or(&self.plan).clone();
        let plan = analysed(&self.state, bound.with_param_values(values).map_err(from_datafusion)?)?;
        let schema = as_announced(&announced(&planner::described(&plan)), &told);
        Ok(Self { unbound: None, plan, schema, ..self.clone() })
    }

    /// Optimises, makes the physical plan, and seals it.
    ///
    /// # Errors
    /// The planner's; or an internal one if the plan has a leaf that is not guarded.
    pub(super) async fn seal(mut self) -> Result<SealedPlan, Error> {
        let schema = self.schema();
        let account = FunctionAccount::new(Arc::clone(&self.runtime.memory_pool), self.ended.clone());
        let plan = growth::accounted(self.plan, &account).map_err(from_datafusion)?;
        let constants = constants::one_row(&plan).map_err(from_datafusion)?;
        let (plan, is_quick) = match (self.explain, constants) {
            (Some(explain), _) => (explained(&self.state, plan, explain, &account).await, false),
            (None, Some(row)) => (Ok(row), true),
            (None, None) => {
                let optimized = optimised(&self.state, plan).map_err(from_datafusion)?;
                complexity::check(&optimized)?;
                let configured = self.state.config().batch_size();
                let batch_rows = constants::batch_rows(configured, &optimized);
                if batch_rows != configured {
                    let config = Arc::make_mut(&mut self.state).config_mut();
                    *config = config.clone().with_batch_size(batch_rows);
                }
                let is_quick = self.reads_little && is_single_pass(&optimized);
                (account.physical_plan(&self.state, &optimized).await, is_quick)
            }
        };
        let plan = plan.and_then(inputs::accounted).map_err(from_datafusion)?;
        // Functions are part of the plan; a context has them only for plans that come from elsewhere.
        let config = self.state.config().clone();
        let session = self.state.session_id().to_owned();
        let context = TaskContext::new(
            None,
            session,
            config,
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            self.runtime,
        );
        SealedPlan::seal(plan, Arc::new(context), schema, is_quick, self.watch, self.ended)
    }
}

/// Whether a query sends columns as they are read, and computes nothing from them.
fn hands_over(plan: &LogicalPlan) -> bool {
    let is_column = |expr: &Expr| match expr {
        Expr::Alias(alias) => matches!(alias.expr.as_ref(), Expr::Column(_)),
        other => matches!(other, Expr::Column(_)),
    };
    match plan {
        LogicalPlan::TableScan(_) => true,
        LogicalPlan::Projection(projection) => {
            projection.expr.iter().all(is_column) && hands_over(&projection.input)
        }
        LogicalPlan::SubqueryAlias(alias) => hands_over(&alias.input),
        LogicalPlan::Limit(limit) => hands_over(&limit.input),
        _ => false,
    }
}

/// Whether a plan does about as much as it reads: it joins nothing, repeats nothing, and compares no rows with one another.
fn is_single_pass(plan: &LogicalPlan) -> bool {
    let multiplies = |node: &LogicalPlan| {
        let is_operator = matches!(
            node,
            LogicalPlan::Join(_)
                | LogicalPlan::Unnest(_)
                | LogicalPlan::Window(_)
                | LogicalPlan::Union(_)
                | LogicalPlan::Subquery(_)
                | LogicalPlan::RecursiveQuery(_)
        );
        let is_long = |expr: &Expr| match expr {
            Expr::ScalarFunction(function) => Ok(function_table::is_long(function.name())),
            _ => Ok(expr.contains_scalar_subquery()),
        };
        Ok(is_operator || node.expressions().iter().any(|expr| expr.exists(is_long).unwrap_or(true)))
    };
    !plan.exists(multiplies).unwrap_or(true)
}

fn function_names(state: &SessionState) -> Arc<[String]> {
    let scalar = state.scalar_functions().keys();
    let aggregate = state.aggregate_functions().keys();
    let window = state.window_functions().keys();
    let mut names: BTreeSet<String> = scalar.chain(aggregate).chain(window).cloned().collect();
    names.extend(spelled_names().into_iter().map(str::to_owned));
    names.into_iter().collect()
}

fn verify(plan: &LogicalPlan) -> Result<(), Error> {
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(plan)
        .map_err(|error| {
            Error::new(ErrorKind::Unsupported, "only queries are supported: this server is read-only")
                .because_quoting(error.to_string())
        })
}

fn config(settings: &EngineSettings, threads: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, DEFAULT_DATABASE)
        .with_target_partitions(threads)
        .with_batch_size(settings.batch_rows);
    let options = config.options_mut();
    // An endless recursion would run until the statement's timeout.
    options.execution.enable_recursive_ctes = false;
    // It refuses plans for what its own rules do: `a IS TRUE` is never NULL, and becomes a comparison that might be.
    options.execution.skip_physical_aggregate_schema_check = true;
    // Moves expressions to just above the scan; wrong results are reported for it upstream.
    options.optimizer.enable_leaf_expression_pushdown = false;
    options.execution.parquet.reorder_filters = false;
    // With `max(a), max(f(b))` its filter keeps what is largest in `a` alone.
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    // Of windows within one another it takes the longest frame for what a LIMIT needs, where it needs all of them together.
    options.optimizer.enable_window_limits = false;
    let collected =
        (COLLECTED_ROWS / threads.max(1)).max(options.optimizer.hash_join_single_partition_threshold_rows);
    options.optimizer.hash_join_single_partition_threshold_rows = collected;
    options.optimizer.hash_join_single_partition_threshold = collected * COLLECTED_ROW_BYTES;
    config
}
