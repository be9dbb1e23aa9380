//! Expressions: which of them, and which of their parts, somebody looks at.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, WindowSpec,
    WindowType, visit_expressions,
};

use super::{Checked, none, of_sorted};

pub(super) fn of_expr(expr: &Expr) -> Checked {
    match expr {
        Expr::Function(function) => of_function(function),
        // Read in full by the planner, which refuses what it does not know in them, or without more than one meaning.
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::CompoundFieldAccess { root: _, access_chain: _ }
        | Expr::JsonAccess { value: _, path: _ }
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(_, _)
        | Expr::IsNotDistinctFrom(_, _)
        | Expr::InList { expr: _, list: _, negated: _ }
        | Expr::InSubquery { expr: _, subquery: _, negated: _ }
        | Expr::Between { expr: _, negated: _, low: _, high: _ }
        | Expr::BinaryOp { left: _, op: _, right: _ }
        | Expr::Like { negated: _, any: _, expr: _, pattern: _, escape_char: _ }
        | Expr::ILike { negated: _, any: _, expr: _, pattern: _, escape_char: _ }
        | Expr::SimilarTo { negated: _, expr: _, pattern: _, escape_char: _ }
        | Expr::AnyOp { left: _, compare_op: _, right: _, is_some: _ }
        | Expr::AllOp { left: _, compare_op: _, right: _ }
        | Expr::UnaryOp { op: _, expr: _ }
        | Expr::Cast { kind: _, expr: _, data_type: _, array: _, format: _ }
        | Expr::AtTimeZone { timestamp: _, time_zone: _ }
        | Expr::Extract { field: _, syntax: _, expr: _ }
        | Expr::Ceil { expr: _, field: _ }
        | Expr::Floor { expr: _, field: _ }
        | Expr::Position { expr: _, r#in: _ }
        | Expr::Substring { expr: _, substring_from: _, substring_for: _, special: _, shorthand: _ }
        | Expr::Trim { trim_where: _, trim_what: _, expr: _, trim_characters: _ }
        | Expr::Overlay { expr: _, overlay_what: _, overlay_from: _, overlay_for: _ }
        | Expr::Nested(_)
        | Expr::Value(_)
        | Expr::TypedString(_)
        | Expr::Case { case_token: _, end_token: _, operand: _, conditions: _, else_result: _ }
        | Expr::Exists { subquery: _, negated: _ }
        | Expr::Subquery(_)
        | Expr::GroupingSets(_)
        | Expr::Cube(_)
        | Expr::Rollup(_)
        | Expr::Tuple(_)
        | Expr::Struct { values: _, fields: _ }
        | Expr::Named { expr: _, name: _ }
        | Expr::Dictionary(_)
        | Expr::Map(_)
        | Expr::Array(_)
        | Expr::Interval(_)
        | Expr::Wildcard(_)
        | Expr::QualifiedWildcard(_, _)
        | Expr::Lambda(_) => Ok(()),
        Expr::IsNormalized { expr: _, form: _, negated: _ } => Err("IS NORMALIZED"),
        Expr::InUnnest { expr: _, array_expr: _, negated: _ } => Err("IN UNNEST (write = ANY)"),
        Expr::RLike { negated: _, expr: _, pattern: _, regexp: _ } => Err("RLIKE (write regexp_like)"),
        Expr::Convert { .. } => Err("CONVERT (write CAST)"),
        Expr::Collate { expr: _, collation: _ } => Err("COLLATE"),
        Expr::Prefixed { prefix: _, value: _ } => Err("a literal with a character set"),
        Expr::MatchAgainst { columns: _, match_value: _, opt_search_modifier: _ } => Err("MATCH … AGAINST"),
        Expr::OuterJoin(_) => Err("(+) (write LEFT JOIN)"),
        Expr::Prior(_) => Err("PRIOR"),
        Expr::MemberOf(_) => Err("MEMBER OF (write = ANY)"),
    }
}

fn of_function(function: &Function) -> Checked {
    let Function {
        name: _,
        uses_odbc_syntax: _,
        parameters,
        args,
        filter: _,
        null_treatment: _,
        over,
        within_group,
    } = function;
    none(!matches!(parameters, FunctionArguments::None), "two lists of arguments")?;
    match args {
        FunctionArguments::None => {}
        FunctionArguments::Subquery(_) => {
            return Err("a query as all arguments of a function (write ((query)))");
        }
        // The planner refuses the clauses that it does not read.
        FunctionArguments::List(FunctionArgumentList { duplicate_treatment: _, args, clauses: _ }) => {
            args.iter().try_for_each(of_argument)?;
        }
    }
    within_group.iter().try_for_each(of_sorted)?;
    match over {
        Some(WindowType::WindowSpec(spec)) => of_window(spec),
        None | Some(WindowType::NamedWindow(_)) => Ok(()),
    }
}

fn of_argument(argument: &FunctionArg) -> Checked {
    let (FunctionArg::Named { name: _, arg, operator: _ }
    | FunctionArg::ExprNamed { name: _, arg, operator: _ }
    | FunctionArg::Unnamed(arg)) = argument;
    match arg {
        FunctionArgExpr::Expr(_) | FunctionArgExpr::Wildcard => Ok(()),
        FunctionArgExpr::QualifiedWildcard(_) => Err("table.* as an argument"),
        FunctionArgExpr::WildcardWithOptions(_) => Err("options of * as an argument"),
    }
}

pub(super) fn of_window(spec: &WindowSpec) -> Checked {
    let WindowSpec { window_name, partition_by: _, order_by, window_frame: _ } = spec;
    none(window_name.is_some(), "a window that continues a named one")?;
    order_by.iter().try_for_each(of_sorted)
}

/// Whether a function inside of an expression has a window by name. The planner looks for these in the list of SELECT alone, and
/// takes the function for one without a window elsewhere.
pub(super) fn has_named_window(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |inner| match inner {
        Expr::Function(Function { over: Some(WindowType::NamedWindow(_)), .. }) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}
