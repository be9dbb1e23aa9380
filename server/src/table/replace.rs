//! One expression over the columns of two schemas: the query's, the scan's, a file's.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;

/// The same expression with something else in the place of each column.
///
/// # Errors
/// Those of `replacement`.
pub(crate) fn replace_columns(
    expr: Arc<dyn PhysicalExpr>,
    replacement: impl Fn(&Column) -> Result<Arc<dyn PhysicalExpr>>,
) -> Result<Arc<dyn PhysicalExpr>> {
    expr.transform(|expr| match expr.downcast_ref::<Column>() {
        Some(column) => Ok(Transformed::yes(replacement(column)?)),
        None => Ok(Transformed::no(expr)),
    })
    .data()
}
