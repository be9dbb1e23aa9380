//! What the names of columns mean behind joins by name: [`Names`] puts joined columns into expressions, and `*` is written out.

use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Expr, Ident, ObjectName, Query, SelectItem, VisitMut, VisitorMut,
    WildcardAdditionalOptions,
};

/// A column behind a join.
#[derive(Clone)]
pub(super) struct Joined {
    pub(super) name: String,
    /// What it is in the tables.
    pub(super) expr: Expr,
    /// Several tables were joined by it.
    pub(super) is_joined: bool,
}

impl Joined {
    fn item(&self) -> SelectItem {
        item(self.expr.clone(), &self.name)
    }
}

/// A column of a result under its name.
fn item(expr: Expr, name: &str) -> SelectItem {
    match &expr {
        Expr::CompoundIdentifier(_) => SelectItem::UnnamedExpr(expr),
        _ => SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) },
    }
}

/// A name as the planner reads it.
pub(super) fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_ascii_lowercase() }
}

/// Joined columns by their names, those that mean one column.
pub(super) struct Names(HashMap<String, Expr>);

impl Names {
    pub(super) fn of(columns: &[Joined]) -> Self {
        let is_single = |name: &str| columns.iter().filter(|other| other.name == name).count() == 1;
        let joined = columns.iter().filter(|column| column.is_joined && is_single(&column.name));
        Self(joined.map(|column| (column.name.clone(), column.expr.clone())).collect())
    }

    /// Puts joined columns in the place of their names, but within subqueries.
    pub(super) fn put_into(&self, part: &mut impl VisitMut) {
        let ControlFlow::Continue(()) = part.visit(&mut Putting { names: self, within: 0 });
    }

    /// An expression of a SELECT list, under the name that it had.
    pub(super) fn item(&self, mut expr: Expr) -> SelectItem {
        if let Expr::Identifier(name) = &expr
            && let Some(joined) = self.0.get(&folded(name))
        {
            return item(joined.clone(), &folded(name));
        }
        self.put_into(&mut expr);
        SelectItem::UnnamedExpr(expr)
    }
}

struct Putting<'a> {
    names: &'a Names,
    /// Subqueries around the place that is visited.
    within: usize,
}

impl VisitorMut for Putting<'_> {
    type Break = Infallible;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Infallible> {
        self.within += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Infallible> {
        self.within -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        if self.within == 0
            && let Expr::Identifier(name) = expr
            && let Some(joined) = self.names.0.get(&folded(name))
        {
            *expr = joined.clone();
        }
        ControlFlow::Continue(())
    }
}

/// The columns that `*` stands for.
pub(super) fn written_out(
    columns: &[Joined],
    options: WildcardAdditionalOptions,
    names: &Names,
) -> Vec<SelectItem> {
    let mut left_out: Vec<String> = Vec::new();
    if let Some(except) = &options.opt_except {
        left_out.push(folded(&except.first_element));
        left_out.extend(except.additional_elements.iter().map(folded));
    }
    let last = |name: &ObjectName| name.0.last().and_then(|part| part.as_ident()).map(folded);
    match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => left_out.extend(last(name)),
        Some(ExcludeSelectItem::Multiple(excluded)) => left_out.extend(excluded.iter().filter_map(last)),
        None => {}
    }
    let mut replaced: HashMap<String, Expr> = HashMap::new();
    for element in options.opt_replace.into_iter().flat_map(|replace| replace.items) {
        let mut expr = element.expr;
        names.put_into(&mut expr);
        replaced.insert(folded(&element.column_name), expr);
    }
    let shown = columns.iter().filter(|column| !left_out.contains(&column.name));
    let item = |column: &Joined| match replaced.get(&column.name) {
        Some(expr) => SelectItem::ExprWithAlias {
            expr: expr.clone(),
            alias: Ident::with_quote('"', column.name.as_str()),
        },
        None => column.item(),
    };
    shown.map(item).collect()
}

/// Whether a column of a result has this name.
pub(super) fn is_given(items: &[SelectItem], name: &Ident) -> bool {
    let name = folded(name);
    items.iter().any(|item| match item {
        SelectItem::ExprWithAlias { alias, .. } => folded(alias) == name,
        _ => false,
    })
}
