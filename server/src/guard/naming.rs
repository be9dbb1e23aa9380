//! What it costs to name a plan's expressions: the planner calls each by its whole text, again and again.
//!
//! Whoever asks the engine for the field of an expression gets its name, and with it those of all its parts, each written out:
//! a name of a thousand parts is a thousand texts, half a million parts long together. Each pass of planning asks that of whole
//! expressions, and whoever asks for the type of a call asks for its field: a chain of n operators costs n², and calls within
//! one another, whose texts are copied at each level, n⁴. A text of a few kilobytes kept a planning thread for minutes. So the
//! cost is computed before it is paid, from the leaves up, in one walk.
//!
//! Invariant: a cost is not too small; arithmetic saturates.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion, TreeNodeVisitor};
use datafusion::common::{Column, DFSchemaRef, Result};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr as SqlExpr, Statement, Visit, Visitor};

/// Characters that planning may write for the names of a plan: about a second of a debug build.
const MOST_NAMED: usize = 1 << 28;

/// Passes of planning that ask for the field of a whole expression.
const PASSES: usize = 32;

/// How often the name of each computed column is looked for among those of all columns beside it.
const LOOKED_FOR: usize = 3;

/// One in so many chains of conditions is a column of a result, and has a name.
const SELDOM: usize = 4;

/// Bytes of a part's own text, besides those of texts and names in it.
const OWN_BYTES: usize = 8;

/// Whether naming the expressions of a plan would take too long.
///
/// The optimiser puts a computed column in the place of its name: where two lists of columns become one, and in conditions on
/// their way to the tables. So expressions are measured as they are then.
pub(super) fn is_too_long(plan: &LogicalPlan) -> bool {
    let mut named = Named(0);
    named.columns(plan);
    named.0 > MOST_NAMED
}

/// Whether the columns of a statement's queries have names that take too long to write. Making a plan asks for each of them a few
/// times, so this is looked at before there is one.
pub(super) fn has_long_names(statement: &Statement) -> bool {
    let mut texts = Texts { written: 0, around: Vec::new() };
    statement.visit(&mut texts).is_break()
}

/// Measures the expressions of a text from the leaves up.
struct Texts {
    /// Characters of the names of all expressions and of all their parts.
    written: usize,
    /// For each expression around the place that is visited, the characters of its parts so far.
    around: Vec<usize>,
}

impl Visitor for Texts {
    type Break = ();

    fn pre_visit_expr(&mut self, _: &SqlExpr) -> ControlFlow<()> {
        self.around.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &SqlExpr) -> ControlFlow<()> {
        let own = match expr {
            SqlExpr::Identifier(_) | SqlExpr::CompoundIdentifier(_) | SqlExpr::Value(_) => {
                expr.to_string().len()
            }
            _ => OWN_BYTES,
        };
        let length = self.around.pop().unwrap_or_default().saturating_add(own);
        // Long chains of conditions mostly stand where nobody names them.
        let is_chain = matches!(expr, SqlExpr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. });
        let written = if is_chain { length / SELDOM } else { length };
        self.written = self.written.saturating_add(written);
        if let Some(around) = self.around.last_mut() {
            *around = around.saturating_add(length);
        }
        if self.written > MOST_NAMED / PASSES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Characters that are written for all expressions that were met.
struct Named(usize);

impl Named {
    /// Measures a plan, and gives the costs of its columns.
    fn columns(&mut self, plan: &LogicalPlan) -> Vec<Costs> {
        let inputs: Vec<Vec<Costs>> = plan.inputs().into_iter().map(|input| self.columns(input)).collect();
        let walked = plan.apply_subqueries(|subquery| {
            self.columns(subquery);
            Ok(TreeNodeRecursion::Continue)
        });
        if walked.is_err() {
            self.0 = usize::MAX;
        }
        let below = match (plan.inputs().as_slice(), inputs.as_slice()) {
            ([input], [columns]) if columns.iter().any(|costs| costs.is_computed) => {
                Some(Below { schema: input.schema(), columns })
            }
            _ => None,
        };
        let below = below.filter(|below| match plan {
            LogicalPlan::Projection(projection) => below.is_merged(&projection.expr),
            LogicalPlan::Filter(_) => true,
            _ => false,
        });
        let mut measured = Vec::new();
        // Nobody asks for the field of a condition as a whole.
        let passes = if matches!(plan, LogicalPlan::Filter(_) | LogicalPlan::Join(_)) { 1 } else { PASSES };
        let walked = plan.apply_expressions(|expr| {
            self.0 = self.0.saturating_add(costs(expr, below.as_ref()).planned(passes));
            // Where lists become one, what a column is called is gone.
            measured.push(costs(without_alias(expr), below.as_ref()));
            Ok(if self.0 > MOST_NAMED { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        });
        if walked.is_err() {
            self.0 = usize::MAX;
        }
        let width = plan.schema().fields().len();
        if let LogicalPlan::Projection(_) = plan {
            let computed = measured.iter().filter(|costs| costs.is_computed).count();
            let names = plan.schema().fields().iter().map(|field| field.name().len()).sum::<usize>();
            self.0 = self.0.saturating_add(computed.saturating_mul(names).saturating_mul(LOOKED_FOR));
        }
        let mut columns = match plan {
            LogicalPlan::Projection(_) => measured,
            LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_) => inputs.into_iter().next().unwrap_or_default(),
            _ => Vec::new(),
        };
        columns.resize(width, Costs::default());
        columns
    }
}

fn without_alias(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => without_alias(&alias.expr),
        other => other,
    }
}

/// The columns below a node, some of them computed.
struct Below<'a> {
    schema: &'a DFSchemaRef,
    columns: &'a [Costs],
}

impl Below<'_> {
    fn costs(&self, column: &Column) -> Option<Costs> {
        let costs = self.columns.get(self.schema.maybe_index_of_column(column)?)?;
        costs.is_computed.then_some(*costs)
    }

    /// Whether the optimiser joins a list of columns with the one below: only if that writes nothing twice.
    fn is_merged(&self, exprs: &[Expr]) -> bool {
        let mut named = HashSet::new();
        let mut is_written_once = |column: &Column, times| times == 1 && named.insert(column.clone());
        exprs
            .iter()
            .flat_map(Expr::column_refs_counts)
            .all(|(column, times)| self.costs(column).is_none() || is_written_once(column, times))
    }
}

/// What it costs to plan an expression, its computed columns replaced by what they stand for.
fn costs(expr: &Expr, below: Option<&Below<'_>>) -> Costs {
    let mut meter = Meter { below, around: vec![Costs::default()] };
    match expr.visit(&mut meter) {
        Ok(_) => meter.around.pop().unwrap_or(Costs::MOST),
        Err(_) => Costs::MOST,
    }
}

/// Characters that are written for an expression, or for several together.
#[derive(Clone, Copy, Default)]
struct Costs {
    /// Its name.
    length: usize,
    /// To write the name, with what is copied on the way.
    name: usize,
    /// To ask for its field.
    field: usize,
    /// To ask for its type.
    typed: usize,
    /// To ask for the types of each part's parts.
    pass: usize,
    /// It is more than a column.
    is_computed: bool,
}

impl Costs {
    const MOST: Self = Self {
        length: usize::MAX,
        name: usize::MAX,
        field: usize::MAX,
        typed: usize::MAX,
        pass: usize::MAX,
        is_computed: true,
    };

    /// What planning writes that asks so often for the field of the whole.
    fn planned(&self, passes: usize) -> usize {
        self.field.saturating_mul(passes).saturating_add(self.pass)
    }

    fn add(&mut self, other: Self) {
        self.length = self.length.saturating_add(other.length);
        self.name = self.name.saturating_add(other.name);
        self.field = self.field.saturating_add(other.field);
        self.typed = self.typed.saturating_add(other.typed);
        self.pass = self.pass.saturating_add(other.pass);
        self.is_computed |= other.is_computed;
    }

    /// Those of an expression whose parts together have these.
    fn of(expr: &Expr, parts: Self) -> Self {
        let own = OWN_BYTES.saturating_add(text_bytes(expr));
        let is_call = matches!(
            expr,
            Expr::ScalarFunction(_) | Expr::AggregateFunction(_) | Expr::WindowFunction(_) | Expr::InList(_)
        );
        let (length, name) = match expr {
            Expr::Alias(_) => (own, own),
            _ => {
                let length = parts.length.saturating_add(own);
                let copied = if is_call { length } else { 0 };
                (length, parts.name.saturating_add(own).saturating_add(copied))
            }
        };
        // What an alias stands for is asked twice: for its type, and for what else is known of it.
        let asked = if matches!(expr, Expr::Alias(_)) { 2 } else { 1 };
        let field = name.saturating_add(parts.field.saturating_mul(asked));
        let typed = match expr {
            _ if is_call => field,
            Expr::Cast(_) | Expr::TryCast(_) => 1,
            _ => parts.typed.saturating_add(1),
        };
        let pass = parts.pass.saturating_add(parts.typed);
        let is_computed =
            parts.is_computed || !matches!(expr, Expr::Column(_) | Expr::Alias(_) | Expr::Literal(..));
        Self { length, name, field, typed, pass, is_computed }
    }
}

/// Bytes of what a name holds of an expression's own values.
fn text_bytes(expr: &Expr) -> usize {
    match expr {
        Expr::Literal(value, _) => value.size().saturating_sub(size_of_val(value)),
        Expr::Column(column) => column.name.len(),
        Expr::Alias(alias) => alias.name.len(),
        _ => 0,
    }
}

/// Adds up from the leaves.
struct Meter<'a> {
    below: Option<&'a Below<'a>>,
    /// For each expression around the place that is visited, the costs of its parts so far.
    around: Vec<Costs>,
}

impl TreeNodeVisitor<'_> for Meter<'_> {
    type Node = Expr;

    fn f_down(&mut self, _: &Expr) -> Result<TreeNodeRecursion> {
        self.around.push(Costs::default());
        Ok(TreeNodeRecursion::Continue)
    }

    fn f_up(&mut self, expr: &Expr) -> Result<TreeNodeRecursion> {
        let parts = self.around.pop().unwrap_or_default();
        if let Some(around) = self.around.last_mut() {
            let replaced = match (expr, self.below) {
                (Expr::Column(column), Some(below)) => below.costs(column),
                _ => None,
            };
            around.add(replaced.unwrap_or_else(|| Costs::of(expr, parts)));
        }
        Ok(TreeNodeRecursion::Continue)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use datafusion::functions::expr_fn::{concat, upper};
    use datafusion::logical_expr::{LogicalPlanBuilder, col, lit};
    use datafusion::sql::parser::Statement as ParsedStatement;

    use super::*;
    use crate::sql::{SessionOptions, Statement as Checked};

    fn cost(expr: &Expr) -> usize {
        costs(expr, None).planned(PASSES)
    }

    fn chain(length: usize) -> Expr {
        (0..length).fold(col("a"), |so_far, _| so_far + col("a"))
    }

    #[test]
    fn a_chain_twice_as_long_costs_four_times_as_much_and_calls_within_one_another_sixteen_times() {
        let calls = |depth| (0..depth).fold(col("a"), |inner, _| upper(inner));
        for (short, long, least, most) in [(chain(100), chain(200), 3, 4), (calls(200), calls(400), 9, 16)] {
            let growth = cost(&long) / cost(&short);
            assert!((least..=most).contains(&growth), "{growth}");
        }
    }

    #[test]
    fn many_short_expressions_cost_little_until_their_names_are_looked_for_among_too_many() {
        let all: usize = (0..3000).map(|number| cost(&(col("a") + lit(number)))).sum();
        assert!(all < MOST_NAMED / 20, "{all}");
        let columns = |count: i32| {
            let rows =
                LogicalPlanBuilder::empty(true).project([lit(1).alias("a_column_of_some_length")]).unwrap();
            let computed = (0..count).map(|number| col("a_column_of_some_length") + lit(number));
            rows.project(computed).unwrap().build().unwrap()
        };
        assert!(!is_too_long(&columns(1000)));
        assert!(is_too_long(&columns(3000)));
    }

    #[test]
    fn a_text_is_looked_at_before_a_plan_is_made_of_it() {
        for (operators, is_long) in [(100, false), (700, false), (2900, true)] {
            let sql = format!("select {}", vec!["r_regionkey"; operators].join(" + "));
            let checked = Checked::parse(&sql, 1 << 20, &SessionOptions::default()).unwrap();
            let ParsedStatement::Statement(statement) = checked.into_sql() else { unreachable!() };
            assert_eq!(has_long_names(&statement), is_long, "{operators}");
        }
    }

    /// Queries of queries, each of which computes of the one below.
    fn steps(count: usize, step: fn() -> Expr) -> LogicalPlan {
        let rows = LogicalPlanBuilder::empty(true).project([lit("x").alias("a")]).unwrap();
        let made = (0..count).fold(rows, |below, _| below.project([step().alias("a")]).unwrap());
        made.build().unwrap()
    }

    #[test]
    fn calls_are_measured_as_deep_as_the_optimiser_puts_them() {
        assert!(!is_too_long(&steps(20, || upper(col("a")))));
        assert!(is_too_long(&steps(400, || upper(col("a")))));
        // Written twice they stay where they are.
        assert!(!is_too_long(&steps(400, || concat(vec![col("a"), col("a")]))));
    }
}
