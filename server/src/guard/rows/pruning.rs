//! Predicate → logical expression, for whoever can skip files, row groups or pages by it.
//!
//! The expression is TRUE for every row that the predicate is TRUE for. They differ in one respect: where a comparison
//! of the predicate reads NULL because of NaN or of a NULL struct, the expression compares the raw value. Kleene's logic
//! is monotone in that respect (a TRUE that was reached in spite of an unknown stays TRUE whatever the unknown turns out
//! to be), so the difference can only let more rows through to the decision. IS NULL is not monotone, so there the
//! expression asks for each struct on the way as well.

use datafusion::logical_expr::{BinaryExpr, Expr, Like, Operator, lit};

use super::compile::Predicate;
use super::leaf::Leaf;
use crate::access::filter::Comparison;
use crate::mutant::Mutant;

/// The condition that every shown row meets.
pub(super) fn expression(predicate: &Predicate, leaves: &[Leaf]) -> Expr {
    match predicate {
        Predicate::And(operands) => chain(operands, leaves, Operator::And),
        Predicate::Or(operands) => chain(operands, leaves, Operator::Or),
        Predicate::Not(operand) if Mutant::PruningIgnoresNot.is_on() => expression(operand, leaves),
        Predicate::Not(operand) => Expr::Not(Box::new(expression(operand, leaves))),
        Predicate::Compare { leaf, op, value } => {
            binary(column(leaves, *leaf), operator(*op), Expr::Literal(value.scalar.clone(), None))
        }
        Predicate::In { leaf, set } => {
            let list = set.scalars.iter().map(|scalar| Expr::Literal(scalar.clone(), None)).collect();
            column(leaves, *leaf).in_list(list, false)
        }
        Predicate::Like { leaf, pattern } => {
            let pattern = Expr::Literal(pattern.scalar.clone(), None);
            Expr::Like(Like::new(false, Box::new(column(leaves, *leaf)), Box::new(pattern), None, false))
        }
        Predicate::IsNull { leaf } => is_null(leaves, *leaf),
    }
}

/// As a balanced tree: the engine walks expressions by recursion, and a chain may have hundreds of operands.
fn chain(operands: &[Predicate], leaves: &[Leaf], operator: Operator) -> Expr {
    match operands {
        // Prunes nothing; the parser makes no empty chain.
        [] => lit(true),
        [single] => expression(single, leaves),
        _ => {
            let (left, right) = operands.split_at(operands.len() / 2);
            binary(chain(left, leaves, operator), operator, chain(right, leaves, operator))
        }
    }
}

fn binary(left: Expr, operator: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))
}

fn column(leaves: &[Leaf], leaf: usize) -> Expr {
    steps(leaves, leaf).pop().unwrap_or(lit(true))
}

fn is_null(leaves: &[Leaf], leaf: usize) -> Expr {
    let tests = steps(leaves, leaf).into_iter().map(Expr::is_null);
    tests.reduce(|left, right| binary(left, Operator::Or, right)).unwrap_or(lit(true))
}

fn steps(leaves: &[Leaf], leaf: usize) -> Vec<Expr> {
    leaves.get(leaf).map(Leaf::expressions).unwrap_or_default()
}

fn operator(op: Comparison) -> Operator {
    match op {
        Comparison::Equal => Operator::Eq,
        Comparison::NotEqual => Operator::NotEq,
        Comparison::Less => Operator::Lt,
        Comparison::LessOrEqual => Operator::LtEq,
        Comparison::Greater => Operator::Gt,
        Comparison::GreaterOrEqual => Operator::GtEq,
    }
}
