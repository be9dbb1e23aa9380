//! EXPLAIN: how a query was understood and optimised, and, for those who may know, how it runs and ran.
//!
//! Shown to everybody is the optimised logical plan: tables, columns, and which predicates help to leave out files. It
//! follows from the user's text, the visible columns and whether values are hidden.
//!
//! VERBOSE adds the operators that run, ANALYZE runs them and tells the rows and the time of each. Both follow from sizes
//! that count hidden rows and columns: how many threads read a table, how it is joined, how long that takes. So they are
//! answered only if nothing is hidden in any of the query's tables, or to users whom `access.explain_analyze_users` names.
//!
//! Why nothing of the tables' files gets out: the engine's own text is not used. Its operators print what they hold (paths,
//! bounds of keys, the policy's predicates if one were a node), and what they print changes with each version. A line is made
//! here of the operator's name, which is a constant of its code, the table's name at a leaf, and counts of a closed list.
//! What is inside the guarded leaf is no part of the plan and is not walked.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::session_state::SessionState;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PhysicalExpr,
    PlanProperties, ReplaceChildrenOptions,
};
use futures::{StreamExt, stream};

use super::analysis::optimised;
use super::barrier::GuardedScanExec;
use super::complexity;
use super::growth::FunctionAccount;
use super::table::GuardedTable;
use crate::error::{Error, ErrorKind};
use crate::planner;
use crate::sql::{Explain, without_marks};

/// The columns of what EXPLAIN answers with.
pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("plan", DataType::Utf8, true)]))
}

/// Refuses what would tell of hidden rows and columns.
///
/// # Arguments
/// * `trusted` - users who may know.
///
/// # Errors
/// [`ErrorKind::PermissionDenied`] with the name of the first table of which something is hidden.
pub(super) fn check(explain: Explain, tables: &[GuardedTable], trusted: &[String]) -> Result<(), Error> {
    let tells_how_it_runs = explain.is_analyzed || explain.is_verbose;
    let hides =
        |table: &&GuardedTable| table.is_restricted() && !trusted.iter().any(|user| user == table.user());
    match tables.iter().find(hides) {
        Some(table) if tells_how_it_runs => Err(Error::new(
            ErrorKind::PermissionDenied,
            "EXPLAIN ANALYZE and VERBOSE of this table are not for you: rows or columns of it are hidden from you",
        )
        .echoing(&table.name().to_string())),
        _ => Ok(()),
    }
}

/// A plan that answers with the lines of an explanation.
///
/// # Arguments
/// * `plan` - what is explained; analysed, not optimised yet.
/// * `account` - what its functions are charged to.
///
/// # Errors
/// The optimiser's or the planner's.
pub(super) async fn explained(
    state: &SessionState,
    plan: LogicalPlan,
    explain: Explain,
    account: &Arc<FunctionAccount>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let optimized = optimised(state, plan)?;
    complexity::check(&optimized)?;
    let mut lines = Vec::new();
    if explain.is_verbose || !explain.is_analyzed {
        let shown = planner::as_written(optimized.clone())?;
        let text = without_marks(&shown.display_indent().to_string());
        lines.extend(text.lines().map(str::to_owned));
    }
    let runs = match explain.is_verbose || explain.is_analyzed {
        true => Some(account.physical_plan(state, &optimized).await?),
        false => None,
    };
    if let (Some(runs), false) = (&runs, explain.is_analyzed) {
        write_operators(runs.as_ref(), false, 0, &mut lines);
    }
    let measured = runs.filter(|_| explain.is_analyzed);
    Ok(Arc::new(ExplainExec::new(lines, measured)))
}

/// A line for each operator, those below it indented.
fn write_operators(plan: &dyn ExecutionPlan, is_measured: bool, depth: usize, lines: &mut Vec<String>) {
    let mut line = "  ".repeat(depth) + plan.name();
    if let Some(scan) = plan.downcast_ref::<GuardedScanExec>() {
        // Writing to a text cannot fail.
        let _ = write!(line, ": table={}", scan.table());
    }
    if is_measured && let Some(metrics) = plan.metrics() {
        let mut figures = Vec::new();
        figures.extend(metrics.output_rows().map(|rows| format!("rows={rows}")));
        let elapsed = metrics.elapsed_compute().and_then(|nanos| u64::try_from(nanos).ok());
        figures.extend(
            elapsed
                .filter(|nanos| *nanos > 0)
                .map(|nanos| format!("elapsed={:?}", Duration::from_nanos(nanos))),
        );
        figures.extend(
            metrics.spilled_bytes().filter(|bytes| *bytes > 0).map(|bytes| format!("spilled={bytes}B")),
        );
        if !figures.is_empty() {
            let _ = write!(line, " [{}]", figures.join(", "));
        }
    }
    lines.push(line);
    for child in plan.children() {
        write_operators(child.as_ref(), is_measured, depth + 1, lines);
    }
}

/// Answers with lines, after it has run a plan and added a line for each of its operators.
pub(super) struct ExplainExec {
    lines: Vec<String>,
    /// What is run, and its rows dropped.
    measured: Option<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
}

impl ExplainExec {
    fn new(lines: Vec<String>, measured: Option<Arc<dyn ExecutionPlan>>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { lines, measured, properties: Arc::new(properties) }
    }

    /// The same lines, of another plan.
    fn of(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        if children.len() != usize::from(self.measured.is_some()) {
            return internal_err!("an explanation of another number of plans");
        }
        Ok(Arc::new(Self::new(self.lines.clone(), children.pop())))
    }
}

impl ExecutionPlan for ExplainExec {
    fn name(&self) -> &'static str {
        "ExplainExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.measured.iter().collect()
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.of(children)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.of(children)
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let running = match &self.measured {
            Some(plan) if plan.output_partitioning().partition_count() == 1 => {
                Some(plan.execute(0, context)?)
            }
            Some(plan) => Some(CoalescePartitionsExec::new(Arc::clone(plan)).execute(0, context)?),
            None => None,
        };
        let (mut lines, measured) = (self.lines.clone(), self.measured.clone());
        let answer = async move {
            if let (Some(mut rows), Some(plan)) = (running, measured) {
                while let Some(batch) = rows.next().await {
                    batch?;
                }
                // Some operators count when they are dropped.
                drop(rows);
                write_operators(plan.as_ref(), true, 0, &mut lines);
            }
            Ok::<_, DataFusionError>(RecordBatch::try_new(
                schema(),
                vec![Arc::new(StringArray::from(lines))],
            )?)
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema(), stream::once(answer))))
    }
}

impl DisplayAs for ExplainExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ExplainExec")
    }
}

impl fmt::Debug for ExplainExec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ExplainExec")
    }
}
