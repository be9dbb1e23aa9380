//! Batches so small that a statement's constants, repeated for each row of one, find room.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};

/// What the constants of a statement may take in one batch, where each is repeated for each row. Nobody charges for it: a
/// short text with a long constant would take gigabytes.
const CONSTANTS_BYTES: usize = 128 * 1024 * 1024;

/// Fewest rows of a batch, also beside the longest constants.
const FEWEST_ROWS: usize = 8;

/// Rows of a batch, so few that all constants of a plan, repeated for each of them, stay within [`CONSTANTS_BYTES`].
///
/// # Arguments
/// * `configured` - rows of a batch where nothing asks for fewer.
pub(super) fn batch_rows(configured: usize, plan: &LogicalPlan) -> usize {
    (CONSTANTS_BYTES / constant_bytes(plan).max(1)).clamp(FEWEST_ROWS, configured.max(FEWEST_ROWS))
}

/// Bytes of all texts and other long constants of a plan, each as often as it stands there. The items of an IN list are no
/// columns of a batch.
fn constant_bytes(plan: &LogicalPlan) -> usize {
    let mut bytes: usize = 0;
    let mut add = |expr: &Expr| {
        if let Expr::Literal(value, _) = expr {
            bytes = bytes.saturating_add(value.size().saturating_sub(size_of::<ScalarValue>()));
        }
        Ok(match expr {
            Expr::InList(_) => TreeNodeRecursion::Jump,
            _ => TreeNodeRecursion::Continue,
        })
    };
    // An error can only come from the closure, which has none.
    let _ = plan.apply_with_subqueries(|node| node.apply_expressions(|expr| expr.apply(&mut add)));
    bytes
}
