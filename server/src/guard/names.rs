//! The names that one query can refer to: its own guarded tables, `information_schema`, and the functions of the allow-list.
//!
//! Made for each query and dropped with it, so nothing is shared between principals (G5, G9). Tables are looked up without
//! regard to ASCII case, because Glue has one spelling for each and users have many. There are no table functions, no
//! variables and no file types.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, Result, SchemaError, TableReference, plan_err};
use datafusion::config::ConfigOptions;
use datafusion::datasource::provider_as_source;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, RelationPlanner, TypePlanner};
use datafusion::logical_expr::{
    AggregateUDF, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
};
use datafusion::sql::parser::Statement as ParsedStatement;
use datafusion::sql::planner::{ParserOptions, SqlToRel};
use datafusion::sql::sqlparser::ast::Statement;

use super::comparisons::DeltaTypes;
use super::information_schema::InformationTable;
use super::table::GuardedTable;
use super::{aliases, complexity, naming};
use crate::catalog::Listing;
use crate::error::{Error, ErrorKind};
use crate::functions::{self, SessionNames};
use crate::ids::{CATALOG, TableName};
use crate::mutant::Mutant;
use crate::planner;
use crate::sql::{DEFAULT_DATABASE, INFORMATION_SCHEMA, Parsed, SystemTable, written_out};
use crate::stop;

/// What one query's names mean.
pub(super) struct QueryNames<'a> {
    state: &'a SessionState,
    tables: BTreeMap<TableName, Arc<dyn TableSource>>,
    listing: Listing,
    functions: Arc<[String]>,
}

impl<'a> QueryNames<'a> {
    /// # Arguments
    /// * `state` - knows the functions and how SQL is read.
    /// * `listing` - what the user may browse.
    /// * `functions` - the functions' names.
    pub(super) fn new(
        state: &'a SessionState,
        tables: Vec<GuardedTable>,
        listing: Listing,
        functions: Arc<[String]>,
    ) -> Self {
        let source = |table: GuardedTable| {
            let name = table.planner_name();
            (name, provider_as_source(Arc::new(table) as Arc<dyn TableProvider>))
        };
        Self { state, tables: tables.into_iter().map(source).collect(), listing, functions }
    }

    pub(super) fn state(&self) -> &SessionState {
        self.state
    }

    fn information(&self, table: SystemTable) -> Arc<dyn TableSource> {
        let table = InformationTable::new(table, self.listing.clone(), Arc::clone(&self.functions));
        provider_as_source(Arc::new(table))
    }

    /// Turns a statement into a plan over these names.
    ///
    /// # Errors
    /// DataFusion's, in its words.
    pub(super) fn plan(&self, query: &Parsed) -> Result<LogicalPlan> {
        match query {
            Parsed::Sql(statement) => self.plan_sql(statement),
            Parsed::Substrait(plan) => self.plan_substrait(plan),
        }
    }

    fn plan_sql(&self, query: &ParsedStatement) -> Result<LogicalPlan> {
        let options = &self.state.config_options().sql_parser;
        let options = ParserOptions::new()
            .with_parse_float_as_decimal(options.parse_float_as_decimal)
            .with_enable_ident_normalization(options.enable_ident_normalization)
            .with_map_string_types_to_utf8view(options.map_string_types_to_utf8view)
            .with_default_null_ordering(options.default_null_ordering.as_str().into());
        let is_aggregate = |name: &str| self.state.aggregate_functions().contains_key(name);
        let planned = |mut statement: ParsedStatement| {
            if let ParsedStatement::Statement(statement) = &mut statement {
                planner::make_plannable(statement, &is_aggregate)?;
            }
            SqlToRel::new_with_options(self, options).statement_to_plan(statement)
        };
        let columns_of = |query| {
            let query = ParsedStatement::Statement(Box::new(Statement::Query(Box::new(query))));
            planned(query).map(|plan| Arc::clone(plan.schema()))
        };
        let prepared = || -> Result<ParsedStatement> {
            let mut prepared = query.clone();
            if let ParsedStatement::Statement(statement) = &mut prepared {
                self.prepare(statement)?;
                planner::with_joined_columns(statement, &mut { columns_of })?;
            }
            Ok(prepared)
        };
        let plan = planned(prepared()?);
        if !plan.as_ref().is_err_and(names_a_column_twice) {
            return plan;
        }
        // Seldom, so that the statement is prepared once more instead of copied each time.
        let ParsedStatement::Statement(statement) = prepared()? else { return plan };
        match written_out(&statement, columns_of)? {
            Some(statement) => planned(ParsedStatement::Statement(Box::new(statement))),
            None => plan,
        }
    }

    /// Refuses what has too long names, and puts the session's names and those of functions into a statement.
    fn prepare(&self, statement: &mut Statement) -> Result<()> {
        if naming::has_long_names(statement) {
            return Err(Error::new(ErrorKind::InvalidRequest, complexity::MULTIPLIED).into());
        }
        let names = SessionNames { user: self.listing.user(), catalog: CATALOG };
        functions::with_session_names(statement, &names);
        aliases::with_own_names(statement, self.state);
        Ok(())
    }
}

/// Whether a statement has no plan because two of its columns have one name.
fn names_a_column_twice(error: &DataFusionError) -> bool {
    match error {
        DataFusionError::Plan(words) => words.contains("require unique expression names"),
        DataFusionError::SchemaError(error, _) => matches!(
            error.as_ref(),
            SchemaError::DuplicateQualifiedField { .. }
                | SchemaError::DuplicateUnqualifiedField { .. }
                | SchemaError::AmbiguousReference { .. }
        ),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            names_a_column_twice(inner)
        }
        _ => false,
    }
}

impl ContextProvider for QueryNames<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        // Planning never waits: here a text with many tables is told to stop.
        stop::check()?;
        let resolved = name.clone().resolve(CATALOG, DEFAULT_DATABASE);
        let is_here = resolved.catalog.eq_ignore_ascii_case(CATALOG);
        let is_system = resolved.schema.eq_ignore_ascii_case(INFORMATION_SCHEMA);
        let found = match (is_here, is_system) {
            (true, true) => SystemTable::named(&resolved.table).map(|table| self.information(table)),
            (true, false) if Mutant::TablesOfFirstName.is_on() => self.tables.values().next().cloned(),
            (true, false) => self.tables.get(&TableName::new(&resolved.schema, &resolved.table)).cloned(),
            (false, _) => None,
        };
        match found {
            Some(source) => Ok(source),
            None => plan_err!("table '{resolved}' not found"),
        }
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        self.state.relation_planners()
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(DeltaTypes))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.state.scalar_functions().get(name).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}
