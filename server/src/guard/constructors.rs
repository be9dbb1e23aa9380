//! Functions that make one type of several, such as `named_struct`: the types that they make are bounded.
//!
//! `named_struct('a', x, 'b', x)` has a type of twice the size of `x`'s, and sixty queries that each do this to the one before
//! a type of 2⁶⁰ fields. In memory its parts are shared, so making it takes nothing; but the planner hashes and compares the
//! types of columns as it goes, and then never ends, nor can it be told to. Limits on the whole plan ([`complexity`](super::complexity))
//! come too late for that: they see a plan that is made.
//!
//! Invariant: each function on offer whose type holds those of several arguments [says so in its row](Role::CombinesTypes), and each
//! way to write it is here. (What
//! takes an array of several arguments gives all the same type.)

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::execution::SessionStateDefaults;
use datafusion::functions::core::planner::CoreFunctionPlanner;
use datafusion::functions_nested::planner::NestedFunctionPlanner;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawDictionaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, StructFieldMapping,
};

use super::complexity::fields_of;
use super::function_table::{self, Role};
use crate::functions::CastNames;
use crate::planner::{BesideTime, IntervalFactors};

/// Fields of a type that a query makes, nested ones included.
const MOST_FIELDS: usize = 500;

/// The function with a bounded type, if it is one that makes a type of several.
pub(super) fn bounded(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    match function_table::plays(function.name(), Role::CombinesTypes) {
        true => Arc::new(ScalarUDF::from(Constructor { inner: function })),
        false => function,
    }
}

/// The engine's planners of syntax, behind one for that of constructors.
pub(super) fn expr_planners() -> Vec<Arc<dyn ExprPlanner>> {
    let mut planners: Vec<Arc<dyn ExprPlanner>> =
        vec![Arc::new(Literals), Arc::new(CastNames), Arc::new(BesideTime), Arc::new(IntervalFactors)];
    planners.extend(SessionStateDefaults::default_expr_planners());
    planners
}

#[derive(Debug)]
struct Literals;

impl ExprPlanner for Literals {
    fn plan_struct_literal(&self, values: Vec<Expr>, is_named: bool) -> Result<PlannerResult<Vec<Expr>>> {
        CoreFunctionPlanner::default().plan_struct_literal(values, is_named).map(of_bounded_type)
    }

    fn plan_dictionary_literal(
        &self,
        literal: RawDictionaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawDictionaryExpr>> {
        CoreFunctionPlanner::default().plan_dictionary_literal(literal, schema).map(of_bounded_type)
    }

    fn plan_make_map(&self, entries: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        NestedFunctionPlanner.plan_make_map(entries).map(of_bounded_type)
    }
}

fn of_bounded_type<T>(planned: PlannerResult<T>) -> PlannerResult<T> {
    match planned {
        PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction { func, args })) => {
            PlannerResult::Planned(Expr::ScalarFunction(ScalarFunction::new_udf(bounded(func), args)))
        }
        other => other,
    }
}

/// See the file's head.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Constructor {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Constructor {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let field = self.inner.return_field_from_args(args)?;
        if fields_of(field.data_type(), MOST_FIELDS) > MOST_FIELDS {
            return plan_err!("{} makes a value of more than {MOST_FIELDS} fields", self.name());
        }
        Ok(field)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(arg_types)
    }

    fn struct_field_mapping(&self, literals: &[Option<ScalarValue>]) -> Option<StructFieldMapping> {
        self.inner.struct_field_mapping(literals)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(args)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use std::collections::HashMap;

    use arrow::datatypes::Field;
    use datafusion::logical_expr::{ExprSchemable, col, lit};

    use super::*;

    /// What a function makes of columns of these types, each behind a name if it takes names; `None` if it does not take them.
    fn made(function: &Arc<ScalarUDF>, types: &[DataType], is_named: bool) -> Option<DataType> {
        let names = ["a", "b"];
        let fields = names.iter().zip(types).map(|(name, part)| Field::new(*name, part.clone(), true));
        let schema = DFSchema::from_unqualified_fields(fields.collect(), HashMap::new()).unwrap();
        let arguments =
            names.iter().flat_map(|name| is_named.then(|| lit(*name)).into_iter().chain([col(*name)]));
        function.call(arguments.collect()).get_type(&schema).ok()
    }

    #[test]
    fn every_function_that_makes_a_type_of_several_is_bounded() {
        let parts = [DataType::Date32, DataType::Boolean];
        let lists = parts.clone().map(|item| DataType::new_list(item, true));
        let holds_both =
            |made: DataType| parts.iter().all(|part| format!("{made:?}").contains(&format!("{part:?}")));
        let functions = SessionStateDefaults::default_scalar_functions();
        let mut constructors: Vec<&str> = functions
            .iter()
            .filter(|function| {
                let shapes = [
                    made(function, &parts, false),
                    made(function, &lists, false),
                    made(function, &parts, true),
                ];
                shapes.into_iter().flatten().any(holds_both)
            })
            .map(|function| function.name())
            .collect();
        constructors.sort_unstable();
        let rows = function_table::SCALAR.iter().filter(|row| row.role == Role::CombinesTypes);
        let mut said: Vec<&str> = rows.map(|row| row.name).collect();
        said.sort_unstable();
        assert_eq!(constructors, said);
    }

    #[test]
    fn a_type_that_doubles_is_refused_before_it_is_large() {
        let functions = SessionStateDefaults::default_scalar_functions();
        let pair = bounded(functions.into_iter().find(|function| function.name() == "struct").unwrap());
        let doubled = |part: &DataType| made(&pair, &[part.clone(), part.clone()], false);
        let levels = std::iter::successors(Some(DataType::Int64), doubled);
        assert_eq!(levels.take(60).count(), 8);
    }
}
