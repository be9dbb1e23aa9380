//! That nothing the parser read is ignored.
//!
//! The parser reads the syntax of many databases, and the planner looks at a part of it: `select * from t tablesample (1)` would
//! be every row, and `group by a with rollup` no total. So each node is taken apart here, and each of its parts is one of three:
//! understood by the planner (or refused there), without an effect on the answer, or refused by its name. No pattern has `..`: a
//! part that a newer parser knows does not compile until somebody decides.
//!
//! What another syntax says as well is rewritten first: GROUP BY … WITH ROLLUP or CUBE, FETCH FIRST, and FROM without SELECT.

mod expressions;

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Cte, Distinct, Expr, ExprWithAliasAndOrderBy, GroupByExpr, Join, JoinConstraint, JoinOperator,
    LimitClause, NamedWindowExpr, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, PipeOperator, Query,
    Select, SelectFlavor, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Statement, TableAlias,
    TableAliasColumnDef, TableFactor, TableFunctionArgs, TableWithJoins, Visit, VisitMut, Visitor,
    WildcardAdditionalOptions, With,
};

use self::expressions::{has_named_window, of_expr, of_window};
use super::rewritten_syntax;
use crate::error::{Error, ErrorKind};

/// What a node refuses: nothing, or the first of its parts that nobody would look at.
type Checked = Result<(), &'static str>;

/// Rewrites what has a plainer form, and refuses what would be ignored.
///
/// # Errors
/// [`ErrorKind::Unsupported`] with the name of the part.
pub(super) fn check(statement: &mut Statement) -> Result<(), Error> {
    let _ = statement.visit(&mut rewritten_syntax::Rewrite) as ControlFlow<()>;
    match (*statement).visit(&mut Understood) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(part) => {
            Err(Error::new(ErrorKind::Unsupported, "the statement has a part that this server does not know")
                .echoing(part))
        }
    }
}

struct Understood;

impl Understood {
    fn of(checked: Checked) -> ControlFlow<&'static str> {
        match checked {
            Ok(()) => ControlFlow::Continue(()),
            Err(part) => ControlFlow::Break(part),
        }
    }
}

impl Visitor for Understood {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<&'static str> {
        Self::of(of_query(query))
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<&'static str> {
        Self::of(of_select(select))
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<&'static str> {
        Self::of(of_factor(factor))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<&'static str> {
        Self::of(of_expr(expr))
    }
}

/// Refuses a part if it is there.
fn none(is_there: bool, part: &'static str) -> Checked {
    if is_there { Err(part) } else { Ok(()) }
}

fn of_query(query: &Query) -> Checked {
    let Query {
        with,
        body,
        order_by,
        limit_clause,
        fetch,
        // Refused with what writes.
        locks: _,
        for_clause,
        settings,
        format_clause,
        pipe_operators,
    } = query;
    if let Some(With { with_token: _, recursive: _, cte_tables }) = with {
        cte_tables.iter().try_for_each(of_cte)?;
    }
    none(fetch.is_some(), "FETCH … WITH TIES or PERCENT")?;
    none(for_clause.is_some(), "FOR XML, JSON or BROWSE")?;
    none(settings.is_some(), "SETTINGS")?;
    none(format_clause.is_some(), "FORMAT")?;
    if let Some(order_by) = order_by {
        of_order_by(order_by, matches!(body.as_ref(), SetExpr::Select(_)))?;
    }
    match limit_clause {
        // LIMIT … BY is refused by the planner.
        None | Some(LimitClause::LimitOffset { limit: _, offset: _, limit_by: _ }) => {}
        Some(LimitClause::OffsetCommaLimit { offset: _, limit: _ }) => {}
    }
    pipe_operators.iter().try_for_each(of_pipe)
}

fn of_cte(cte: &Cte) -> Checked {
    // Whether a WITH query is computed once or twice changes no row of it.
    let Cte { alias, query: _, from, materialized: _, closing_paren_token: _ } = cte;
    none(from.is_some(), "WITH … FROM")?;
    of_alias(Some(alias))
}

fn of_order_by(order_by: &OrderBy, is_of_select: bool) -> Checked {
    let OrderBy { kind, interpolate } = order_by;
    none(interpolate.is_some(), "INTERPOLATE")?;
    match kind {
        // The planner sorts by nothing where there is no list of columns.
        OrderByKind::All(_) => none(!is_of_select, "ORDER BY ALL behind a set operation"),
        OrderByKind::Expressions(exprs) => exprs.iter().try_for_each(|sorted| {
            of_sorted(sorted)?;
            none(has_named_window(&sorted.expr), "a named window in ORDER BY")
        }),
    }
}

fn of_sorted(sorted: &OrderByExpr) -> Checked {
    let OrderByExpr { expr: _, options: _, with_fill } = sorted;
    none(with_fill.is_some(), "WITH FILL")
}

fn of_pipe(operator: &PipeOperator) -> Checked {
    match operator {
        PipeOperator::Limit { expr: _, offset: _ }
        | PipeOperator::Where { expr: _ }
        | PipeOperator::As { alias: _ }
        | PipeOperator::Union { set_quantifier: _, queries: _ }
        | PipeOperator::Intersect { set_quantifier: _, queries: _ }
        | PipeOperator::Except { set_quantifier: _, queries: _ } => Ok(()),
        PipeOperator::OrderBy { exprs } => exprs.iter().try_for_each(of_sorted),
        PipeOperator::Select { exprs } | PipeOperator::Extend { exprs } => exprs.iter().try_for_each(of_item),
        PipeOperator::Aggregate { full_table_exprs, group_by_expr } => {
            let is_sorted = |item: &ExprWithAliasAndOrderBy| {
                let ExprWithAliasAndOrderBy { expr: _, order_by: OrderByOptions { asc, nulls_first } } = item;
                asc.is_some() || nulls_first.is_some()
            };
            let mut listed = full_table_exprs.iter().chain(group_by_expr);
            none(listed.any(is_sorted), "an order inside of |> AGGREGATE")
        }
        PipeOperator::Join(join) => of_join(join),
        PipeOperator::Set { assignments: _ } => Err("|> SET"),
        PipeOperator::Drop { columns: _ } => Err("|> DROP"),
        PipeOperator::TableSample { sample: _ } => Err("TABLESAMPLE"),
        PipeOperator::Rename { mappings: _ } => Err("|> RENAME"),
        PipeOperator::Call { function: _, alias: _ } => Err("|> CALL"),
        PipeOperator::Pivot { aggregate_functions: _, value_column: _, value_source: _, alias: _ } => {
            Err("PIVOT")
        }
        PipeOperator::Unpivot { value_column: _, name_column: _, unpivot_columns: _, alias: _ } => {
            Err("UNPIVOT")
        }
    }
}

fn of_select(select: &Select) -> Checked {
    let Select {
        select_token: _,
        // Hints say how to compute an answer, not which.
        optimizer_hints: _,
        distinct,
        select_modifiers,
        top,
        top_before_distinct: _,
        projection,
        exclude,
        // Refused with what writes.
        into: _,
        from,
        lateral_views,
        prewhere,
        selection,
        connect_by,
        group_by,
        cluster_by,
        distribute_by,
        sort_by,
        having,
        named_window,
        qualify,
        window_before_qualify: _,
        value_table_mode,
        flavor,
    } = select;
    match distinct {
        None | Some(Distinct::All | Distinct::Distinct | Distinct::On(_)) => {}
    }
    none(select_modifiers.as_ref().is_some_and(|modifiers| modifiers.is_any_set()), "a modifier of SELECT")?;
    none(top.is_some(), "TOP (write LIMIT)")?;
    projection.iter().try_for_each(of_item)?;
    none(exclude.is_some(), "EXCLUDE behind the list of SELECT")?;
    from.iter().try_for_each(of_joins)?;
    none(!lateral_views.is_empty(), "LATERAL VIEW (write unnest)")?;
    none(prewhere.is_some(), "PREWHERE (write WHERE)")?;
    none(!connect_by.is_empty(), "CONNECT BY")?;
    match group_by {
        GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers) => {
            none(!modifiers.is_empty(), "GROUP BY … WITH")?;
        }
    }
    none(!cluster_by.is_empty(), "CLUSTER BY")?;
    none(!distribute_by.is_empty(), "DISTRIBUTE BY")?;
    none(!sort_by.is_empty(), "SORT BY (write ORDER BY)")?;
    for window in named_window {
        match &window.1 {
            NamedWindowExpr::NamedWindow(_) => return Err("a window that is named after another one"),
            NamedWindowExpr::WindowSpec(spec) => of_window(spec)?,
        }
    }
    for condition in [selection, having, qualify].into_iter().flatten() {
        none(has_named_window(condition), "a named window in WHERE, HAVING or QUALIFY")?;
    }
    none(value_table_mode.is_some(), "SELECT AS")?;
    match flavor {
        SelectFlavor::Standard | SelectFlavor::FromFirst => Ok(()),
        SelectFlavor::FromFirstNoSelect => Err("FROM without SELECT"),
    }
}

fn of_item(item: &SelectItem) -> Checked {
    match item {
        SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { expr: _, alias: _ } => Ok(()),
        SelectItem::ExprWithAliases { expr: _, aliases: _ } => Err("several names for one column"),
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(_), options)
        | SelectItem::Wildcard(options) => of_wildcard(options),
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(_), _) => {
            Err("the fields of an expression (expression.*)")
        }
    }
}

fn of_wildcard(options: &WildcardAdditionalOptions) -> Checked {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude: _,
        opt_except: _,
        opt_replace: _,
        opt_rename,
        opt_alias,
    } = options;
    none(opt_ilike.is_some(), "* ILIKE")?;
    none(opt_rename.is_some(), "* RENAME")?;
    none(opt_alias.is_some(), "* AS")
}

fn of_joins(tables: &TableWithJoins) -> Checked {
    let TableWithJoins { relation: _, joins } = tables;
    joins.iter().try_for_each(of_join)
}

fn of_join(join: &Join) -> Checked {
    let Join { relation: _, global, join_operator } = join;
    none(*global, "GLOBAL JOIN")?;
    match join_operator {
        JoinOperator::Join(_)
        | JoinOperator::Inner(_)
        | JoinOperator::Left(_)
        | JoinOperator::LeftOuter(_)
        | JoinOperator::Right(_)
        | JoinOperator::RightOuter(_)
        | JoinOperator::FullOuter(_)
        | JoinOperator::LeftSemi(_)
        | JoinOperator::RightSemi(_)
        | JoinOperator::LeftAnti(_)
        | JoinOperator::RightAnti(_)
        | JoinOperator::CrossJoin(JoinConstraint::None) => Ok(()),
        JoinOperator::CrossJoin(_) => Err("CROSS JOIN with a condition"),
        JoinOperator::Semi(_) => Err("SEMI JOIN (write LEFT SEMI JOIN)"),
        JoinOperator::Anti(_) => Err("ANTI JOIN (write LEFT ANTI JOIN)"),
        JoinOperator::CrossApply => Err("CROSS APPLY (write CROSS JOIN LATERAL)"),
        JoinOperator::OuterApply => Err("OUTER APPLY (write LEFT JOIN LATERAL)"),
        JoinOperator::AsOf { match_condition: _, constraint: _ } => Err("ASOF JOIN"),
        JoinOperator::StraightJoin(_) => Err("STRAIGHT_JOIN (write JOIN)"),
        JoinOperator::ArrayJoin | JoinOperator::LeftArrayJoin | JoinOperator::InnerArrayJoin => {
            Err("ARRAY JOIN (write unnest)")
        }
    }
}

fn of_factor(factor: &TableFactor) -> Checked {
    let alias = match factor {
        TableFactor::Table {
            name: _,
            alias,
            args,
            with_hints,
            // Read by `versions`.
            version: _,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        } => {
            if let Some(TableFunctionArgs { args: _, settings }) = args {
                none(settings.is_some(), "SETTINGS")?;
            }
            none(!with_hints.is_empty(), "a table's hints (WITH …)")?;
            none(*with_ordinality, "WITH ORDINALITY")?;
            none(!partitions.is_empty(), "PARTITION (…) behind a table (write WHERE)")?;
            none(json_path.is_some(), "a path behind a table")?;
            none(sample.is_some(), "TABLESAMPLE")?;
            none(!index_hints.is_empty(), "USE, IGNORE or FORCE INDEX")?;
            alias
        }
        TableFactor::Derived { lateral: _, subquery: _, alias, sample } => {
            none(sample.is_some(), "TABLESAMPLE")?;
            alias
        }
        TableFactor::Function { lateral: _, name: _, args: _, with_ordinality, alias } => {
            none(*with_ordinality, "WITH ORDINALITY")?;
            alias
        }
        TableFactor::UNNEST { alias, array_exprs: _, with_offset, with_offset_alias, with_ordinality } => {
            none(*with_offset || with_offset_alias.is_some(), "UNNEST … WITH OFFSET")?;
            none(*with_ordinality, "WITH ORDINALITY")?;
            alias
        }
        TableFactor::NestedJoin { table_with_joins, alias } => {
            of_joins(table_with_joins)?;
            alias
        }
        TableFactor::TableFunction { expr: _, alias: _ } => return Err("TABLE (…)"),
        TableFactor::JsonTable { json_expr: _, json_path: _, columns: _, alias: _ } => {
            return Err("JSON_TABLE");
        }
        TableFactor::OpenJsonTable { json_expr: _, json_path: _, columns: _, alias: _ } => {
            return Err("OPENJSON");
        }
        TableFactor::Pivot { .. } => return Err("PIVOT (write sum(…) FILTER (WHERE …))"),
        TableFactor::Unpivot { .. } => return Err("UNPIVOT (write UNION ALL)"),
        TableFactor::MatchRecognize { .. } => return Err("MATCH_RECOGNIZE"),
        TableFactor::XmlTable { .. } => return Err("XMLTABLE"),
        TableFactor::SemanticView { .. } => return Err("SEMANTIC_VIEW"),
    };
    of_alias(alias.as_ref())
}

fn of_alias(alias: Option<&TableAlias>) -> Checked {
    let Some(TableAlias { explicit: _, name: _, columns, at }) = alias else { return Ok(()) };
    none(at.is_some(), "AT behind a table's alias")?;
    columns.iter().try_for_each(|TableAliasColumnDef { name: _, data_type }| {
        none(data_type.is_some(), "types in a list of aliases (write CAST)")
    })
}

#[cfg(test)]
mod tests;
