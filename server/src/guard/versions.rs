//! Plans tables at a moment, so that a query refers to their columns as to those of any table.
//!
//! `sql` has given such a table a name of its own. The scan keeps that name, because the planner compares scans by name and
//! would take two versions of one table for the same; above it the table bears the name that the query wrote, with its
//! database.

use datafusion::common::{Result, TableReference};
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::sql::sqlparser::ast::TableFactor;

use crate::sql;

/// Sees every table of a query first, and leaves those without a moment to the planner.
#[derive(Debug)]
pub(super) struct TablesAtMoments;

impl RelationPlanner for TablesAtMoments {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Table { name, alias, .. } = &relation else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let planner_name = context.object_name_to_table_reference(name.clone())?;
        let Some(written) = as_written(&planner_name) else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let source = context.context_provider().get_table_source(planner_name.clone())?;
        let plan = LogicalPlanBuilder::scan(planner_name, source, None)?.alias(written)?.build()?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))))
    }
}

/// The name that the query wrote; `None` for a table as it is now.
fn as_written(planner_name: &TableReference) -> Option<TableReference> {
    let table = sql::without_moment(planner_name.table())?;
    Some(match planner_name {
        TableReference::Bare { .. } => TableReference::bare(table),
        TableReference::Partial { schema, .. } => TableReference::partial(schema.as_ref(), table),
        TableReference::Full { catalog, schema, .. } => {
            TableReference::full(catalog.as_ref(), schema.as_ref(), table)
        }
    })
}

#[cfg(test)]
mod tests;
