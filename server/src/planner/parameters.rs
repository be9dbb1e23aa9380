//! The types of parameters by the places where they stand.
//!
//! The engine gives a parameter the type of what it is compared with, and no type anywhere else. JDBC binds strictly by the types
//! that are announced, so that a parameter without one takes texts alone. Here a parameter has the type that its place asks for:
//! LIMIT and OFFSET a number of rows, a cast its target, an argument what the function's signature takes, a branch what its
//! siblings have. What no place tells stays open: the value decides then, and it is announced as text.
//!
//! One fault of the engine is mended on the way: beside `+` and `-` it takes a parameter for one of the other operand's type, also
//! where that is a date or an interval (`date + date` has no meaning).

mod calls;

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, IntervalUnit, TimeUnit};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{InList, Like, Placeholder};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Between, BinaryExpr, Case, Expr, ExprSchemable, LogicalPlan, Operator, Union, Values,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::time;

/// Places that one parameter's type makes known may tell another one's: `coalesce($1, $2, 3)`. Chains are short.
const ROUNDS: usize = 3;

const MOMENT: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
const SPAN: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// Gives parameters beside dates and intervals their types, before the engine gives them the type of the other side and finds that
/// `date + date` has none.
#[derive(Debug)]
pub(crate) struct BesideTime;

impl ExprPlanner for BesideTime {
    fn plan_binary_op(
        &self,
        mut expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let op = match expr.op {
            BinaryOperator::Plus => Operator::Plus,
            BinaryOperator::Minus => Operator::Minus,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        if let Some((id, data_type)) = beside_time(&expr.left, op, &expr.right, schema) {
            for side in [&mut expr.left, &mut expr.right] {
                if matches!(side, Expr::Placeholder(Placeholder { id: found, field: None }) if *found == id) {
                    let field = Field::new("", data_type.clone(), true);
                    let typed = Placeholder::new_with_field(id.clone(), Some(Arc::new(field)));
                    *side = Expr::Placeholder(typed);
                }
            }
        }
        Ok(PlannerResult::Original(expr))
    }
}

/// Gives parameters the types of their places.
///
/// # Errors
/// The engine's, if a plan with these types has no columns.
pub(crate) fn typed_by_place(mut plan: LogicalPlan) -> Result<LogicalPlan> {
    for _ in 0..ROUNDS {
        let found = found_in(&plan)?;
        if found.is_empty() {
            break;
        }
        plan = with_types(plan, &found)?;
    }
    time::beside_parameters(plan)
}

/// Types by the parameters' names.
type Types = HashMap<String, DataType>;

fn found_in(plan: &LogicalPlan) -> Result<Types> {
    let mut places = Places::default();
    plan.apply_with_subqueries(|node| {
        places.of_node(node);
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(places.found)
}

fn with_types(plan: LogicalPlan, types: &Types) -> Result<LogicalPlan> {
    let given = |expr: Expr| match expr {
        Expr::Placeholder(Placeholder { id, .. }) if types.contains_key(&id) => {
            let field: FieldRef = Arc::new(Field::new("", types[&id].clone(), true));
            Ok(Transformed::yes(Expr::Placeholder(Placeholder::new_with_field(id, Some(field)))))
        }
        other => Ok(Transformed::no(other)),
    };
    let changed = plan.transform_up_with_subqueries(|node| {
        let node = node.map_expressions(|expr| expr.transform_up(given))?;
        node.map_data(LogicalPlan::recompute_schema)
    })?;
    Ok(changed.data)
}

#[derive(Default)]
struct Places {
    found: Types,
}

impl Places {
    fn of_node(&mut self, node: &LogicalPlan) {
        let schema = merge_schema(&node.inputs());
        match node {
            LogicalPlan::Limit(limit) => {
                for rows in [&limit.skip, &limit.fetch].into_iter().flatten() {
                    self.visit(rows, Some(&DataType::Int64), &schema);
                }
                return;
            }
            LogicalPlan::Filter(filter) => {
                self.visit(&filter.predicate, Some(&DataType::Boolean), &schema);
                return;
            }
            LogicalPlan::Union(union) => self.of_union(union),
            LogicalPlan::Values(values) => {
                self.of_values(values, &schema);
                return;
            }
            _ => {}
        }
        // Its closure never fails.
        let _ = node.apply_expressions(|expr| {
            self.visit(expr, None, &schema);
            Ok(TreeNodeRecursion::Continue)
        });
    }

    /// A column of a branch takes the type that this column has in another branch.
    fn of_union(&mut self, union: &Union) {
        for input in &union.inputs {
            let LogicalPlan::Projection(projection) = input.as_ref() else { continue };
            for (index, expr) in projection.expr.iter().enumerate() {
                let columns = union.inputs.iter().filter_map(|other| other.schema().fields().get(index));
                let expected = columns.map(|field| field.data_type()).find(|data_type| !data_type.is_null());
                self.visit(expr, expected, projection.input.schema());
            }
        }
    }

    fn of_values(&mut self, values: &Values, schema: &DFSchema) {
        let width = values.values.first().map_or(0, Vec::len);
        for index in 0..width {
            let column: Vec<&Expr> = values.values.iter().filter_map(|row| row.get(index)).collect();
            self.siblings(&column, None, schema);
        }
    }

    /// # Arguments
    /// * `expected` - the type that the place of this expression asks for, if it asks for one.
    fn visit(&mut self, expr: &Expr, expected: Option<&DataType>, schema: &DFSchema) {
        match expr {
            Expr::Placeholder(Placeholder { id, field: None }) => {
                if let Some(data_type) = expected.filter(|data_type| !data_type.is_null()) {
                    self.found.entry(id.clone()).or_insert_with(|| data_type.clone());
                }
            }
            Expr::Alias(alias) => self.visit(&alias.expr, expected, schema),
            Expr::Cast(cast) => self.visit(&cast.expr, Some(cast.field.data_type()), schema),
            Expr::TryCast(cast) => self.visit(&cast.expr, Some(cast.field.data_type()), schema),
            Expr::Negative(inner) => self.visit(inner, expected.or(Some(&DataType::Int64)), schema),
            Expr::Not(inner)
            | Expr::IsTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsNotUnknown(inner) => self.visit(inner, Some(&DataType::Boolean), schema),
            Expr::BinaryExpr(binary) => self.of_binary(binary, expected, schema),
            Expr::Like(Like { expr, pattern, .. }) | Expr::SimilarTo(Like { expr, pattern, .. }) => {
                for text in [expr, pattern] {
                    self.visit(text, Some(&DataType::Utf8), schema);
                }
            }
            Expr::Between(Between { expr, low, high, .. }) => {
                self.siblings(&[expr.as_ref(), low.as_ref(), high.as_ref()], None, schema);
            }
            Expr::InList(InList { expr, list, .. }) => {
                let all: Vec<&Expr> = std::iter::once(expr.as_ref()).chain(list).collect();
                self.siblings(&all, None, schema);
            }
            Expr::Case(case) => self.of_case(case, expected, schema),
            Expr::ScalarFunction(_) | Expr::AggregateFunction(_) | Expr::WindowFunction(_) => {
                self.of_call(expr, expected, schema);
            }
            other => {
                // Its closure never fails.
                let _ = other.apply_children(|child| {
                    self.visit(child, None, schema);
                    Ok(TreeNodeRecursion::Continue)
                });
            }
        }
    }

    fn of_binary(&mut self, binary: &BinaryExpr, expected: Option<&DataType>, schema: &DFSchema) {
        let BinaryExpr { left, op, right } = binary;
        if matches!(op, Operator::And | Operator::Or) {
            for side in [left, right] {
                self.visit(side, Some(&DataType::Boolean), schema);
            }
            return;
        }
        if let Some((id, data_type)) = beside_time(left, *op, right, schema) {
            self.found.insert(id, data_type);
            return;
        }
        let expected = if matches!(op, Operator::Plus | Operator::Minus) { expected } else { None };
        self.siblings(&[left.as_ref(), right.as_ref()], expected, schema);
    }

    fn of_case(&mut self, case: &Case, expected: Option<&DataType>, schema: &DFSchema) {
        let Case { expr, when_then_expr, else_expr } = case;
        let whens = when_then_expr.iter().map(|(when, _)| when.as_ref());
        match expr {
            Some(operand) => {
                let compared: Vec<&Expr> = std::iter::once(operand.as_ref()).chain(whens).collect();
                self.siblings(&compared, None, schema);
            }
            None => whens.for_each(|when| self.visit(when, Some(&DataType::Boolean), schema)),
        }
        let thens = when_then_expr.iter().map(|(_, then)| then.as_ref());
        let branches: Vec<&Expr> = thens.chain(else_expr.as_deref()).collect();
        self.siblings(&branches, expected, schema);
    }

    /// Expressions of which all have one type: that of the first whose type is known.
    fn siblings(&mut self, exprs: &[&Expr], expected: Option<&DataType>, schema: &DFSchema) {
        let known = exprs.iter().find_map(|expr| known_type(expr, schema));
        let known = known.as_ref().or(expected);
        for expr in exprs {
            self.visit(expr, known, schema);
        }
    }
}

/// The type of an expression; `None` if it is that of an open parameter, or has none.
fn known_type(expr: &Expr, schema: &DFSchema) -> Option<DataType> {
    if let Expr::Alias(alias) = expr {
        return known_type(&alias.expr, schema);
    }
    if matches!(expr, Expr::Placeholder(Placeholder { field: None, .. })) {
        return None;
    }
    expr.get_type(schema).ok().filter(|data_type| !has_null(data_type))
}

fn has_null(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null => true,
        DataType::Struct(fields) => fields.iter().any(|field| has_null(field.data_type())),
        DataType::List(item) => has_null(item.data_type()),
        _ => false,
    }
}

/// What a parameter is beside a moment or a span of time: `date + ?` takes a span, `? - interval` a moment.
fn beside_time(left: &Expr, op: Operator, right: &Expr, schema: &DFSchema) -> Option<(String, DataType)> {
    let (id, other, is_left) = match (left, right) {
        (Expr::Placeholder(Placeholder { id, .. }), other) => (id, other, true),
        (other, Expr::Placeholder(Placeholder { id, .. })) => (id, other, false),
        _ => return None,
    };
    let other = known_type(other, schema)?;
    let is_moment = matches!(other, DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _));
    let is_span = matches!(other, DataType::Interval(_));
    let data_type = match op {
        Operator::Plus if is_moment => SPAN,
        Operator::Plus | Operator::Minus if is_span && (is_left || op == Operator::Plus) => MOMENT,
        _ => return None,
    };
    // The engine's own guess is the other operand's type, and so is this one's if it was told before.
    let told = [left, right].into_iter().find_map(|side| match side {
        Expr::Placeholder(Placeholder { field: Some(field), .. }) => Some(field.data_type().clone()),
        _ => None,
    });
    let is_guess = told.is_none_or(|told| mem::discriminant(&told) == mem::discriminant(&other));
    is_guess.then(|| (id.clone(), data_type))
}
