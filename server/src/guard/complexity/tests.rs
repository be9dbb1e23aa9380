//! Plans that are refused, and those that are not.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::Field;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::{
    EmptyRelation, JoinType, LogicalPlanBuilder, binary_expr, cast, col, lit, scalar_subquery, when,
};

use super::*;

fn one() -> LogicalPlan {
    LogicalPlanBuilder::empty(true).project([lit(1).alias("x")]).unwrap().build().unwrap()
}

/// Each step names the one before twice.
fn doubled(times: usize) -> LogicalPlan {
    (0..times).fold(one(), |plan, _| {
        let right = LogicalPlanBuilder::from(plan.clone()).alias("q").unwrap().build().unwrap();
        let both = LogicalPlanBuilder::from(plan).alias("p").unwrap().cross_join(right).unwrap();
        both.project([col("p.x").alias("x")]).unwrap().build().unwrap()
    })
}

#[test]
fn a_plan_that_names_its_parts_twice_again_and_again_is_refused_at_once() {
    assert!(check(&doubled(5)).is_ok());
    assert_eq!(check(&doubled(60)).unwrap_err().kind(), ErrorKind::InvalidRequest);
}

#[test]
fn a_type_that_doubles_is_counted_up_to_the_limit_only() {
    let double = |inner: DataType| {
        let field = |name| arrow::datatypes::Field::new(name, inner.clone(), true);
        DataType::Struct(vec![field("a"), field("b")].into())
    };
    let huge = (0..40).fold(DataType::Int64, |inner, _| double(inner));
    assert_eq!(fields_of(&huge, 1000), 1001);
    assert_eq!(fields_of(&double(double(DataType::Int64)), 1000), 7);
}

#[test]
fn a_null_that_takes_gigabytes_is_refused_wherever_its_type_comes_from() {
    let huge = DataType::FixedSizeBinary(i32::MAX);
    let null = LogicalPlanBuilder::empty(true).project([lit(ScalarValue::FixedSizeBinary(i32::MAX, None))]);
    let fields = vec![Field::new("huge", huge, true)];
    let schema = DFSchema::from_unqualified_fields(fields.into(), HashMap::new()).unwrap();
    let nothing = EmptyRelation { produce_one_row: false, schema: Arc::new(schema) };
    for plan in [null.unwrap().build().unwrap(), LogicalPlan::EmptyRelation(nothing)] {
        assert_eq!(check(&plan).unwrap_err().kind(), ErrorKind::InvalidRequest);
    }
    assert!(check(&one()).is_ok());
}

#[test]
fn what_planning_repeats_counts_as_often_as_it_is_met() {
    let nested = |levels, wrap: &dyn Fn(Expr) -> Expr| {
        let expr = (0..levels).fold(col("x"), |expr, _| wrap(expr));
        LogicalPlanBuilder::from(one()).project([expr.alias("y")]).unwrap().build().unwrap()
    };
    let between = |expr: Expr| expr.between(lit(1), lit(2));
    let chosen = |expr: Expr| when(expr.gt(lit(1)), lit(1)).otherwise(lit(2)).unwrap();
    let first = |expr: Expr| coalesce(vec![expr, lit(1)]);
    let converted = |expr: Expr| cast(expr, DataType::Int64);
    let added = |expr: Expr| expr + lit(1);
    for wrap in [&between as &dyn Fn(Expr) -> Expr, &chosen, &first, &converted] {
        assert!(check(&nested(10, wrap)).is_ok());
        assert_eq!(check(&nested(40, wrap)).unwrap_err().kind(), ErrorKind::InvalidRequest);
    }
    assert!(check(&nested(500, &added)).is_ok());
    let else_if = |expr: Expr| when(col("x").eq(lit(1)), lit("one")).otherwise(expr).unwrap();
    assert!(check(&nested(60, &else_if)).is_ok(), "what stands behind ELSE is asked for once");
}

#[test]
fn what_a_column_stands_for_counts_where_it_would_be_put() {
    let sum = |plan: LogicalPlan| {
        LogicalPlanBuilder::from(plan).project([(col("x") + col("x")).alias("x")]).unwrap().build().unwrap()
    };
    let sums = |levels| (0..levels).fold(one(), |plan, _| sum(plan));
    let positive = |plan: LogicalPlan| {
        LogicalPlanBuilder::from(plan).filter(col("x").gt(lit(0))).unwrap().build().unwrap()
    };
    assert!(check(&sums(60)).is_ok(), "nothing asks for the column");
    assert!(check(&positive(sums(10))).is_ok());
    let over = |plan: LogicalPlan| LogicalPlanBuilder::from(plan);
    let keys = vec![col("x")];
    for asked in [
        positive(sums(60)),
        positive(over(sums(60)).alias("q").unwrap().build().unwrap()),
        positive(over(sums(60)).union(one()).unwrap().build().unwrap()),
        positive(over(sums(60)).aggregate(keys.clone(), Vec::<Expr>::new()).unwrap().build().unwrap()),
        over(sums(60)).distinct().unwrap().build().unwrap(),
        over(sums(60)).sort(vec![col("x").sort(true, false)]).unwrap().build().unwrap(),
        over(sums(60))
            .alias("l")
            .unwrap()
            .join(
                over(one()).alias("r").unwrap().build().unwrap(),
                JoinType::RightSemi,
                (vec!["l.x"], vec!["r.x"]),
                None,
            )
            .unwrap()
            .build()
            .unwrap(),
    ] {
        assert_eq!(check(&asked).unwrap_err().kind(), ErrorKind::InvalidRequest);
    }
}

#[test]
fn subqueries_that_names_nest_are_bounded_as_those_of_the_text() {
    let within = |plan: LogicalPlan| {
        let largest = scalar_subquery(Arc::new(plan));
        LogicalPlanBuilder::from(one()).project([(col("x") + largest).alias("x")]).unwrap().build().unwrap()
    };
    let nested = |levels| (0..levels).fold(one(), |plan, _| within(plan));
    assert!(check(&nested(SUBQUERY_LIMIT)).is_ok());
    assert_eq!(check(&nested(SUBQUERY_LIMIT + 1)).unwrap_err().kind(), ErrorKind::InvalidRequest);
}

#[test]
fn what_is_compared_with_all_its_like_is_bounded() {
    let sorted = |keys: i64| {
        let keys = (0..keys).map(|number| (col("x") + lit(number)).sort(true, false));
        LogicalPlanBuilder::from(one()).sort(keys).unwrap().build().unwrap()
    };
    let joined = |tables: usize| {
        let first = LogicalPlanBuilder::from(one()).alias("t0").unwrap();
        let next = |plan: LogicalPlanBuilder, number: usize| {
            let table = LogicalPlanBuilder::from(one()).alias(format!("t{number}")).unwrap();
            plan.cross_join(table.build().unwrap()).unwrap()
        };
        (1..=tables).fold(first, next).build().unwrap()
    };
    let matched = |patterns: usize| {
        let matches = (0..patterns).map(|number| {
            let pattern = lit(format!("a{number}"));
            binary_expr(lit("a"), Operator::RegexMatch, pattern).alias(format!("m{number}"))
        });
        LogicalPlanBuilder::from(one()).project(matches).unwrap().build().unwrap()
    };
    for (most, beyond) in [(sorted(500), sorted(501)), (joined(64), joined(65)), (matched(200), matched(201))]
    {
        assert!(check(&most).is_ok());
        assert_eq!(check(&beyond).unwrap_err().kind(), ErrorKind::InvalidRequest);
    }
}

#[test]
fn a_cube_of_many_columns_is_refused() {
    let cube = |columns: usize| {
        let names: Vec<String> = (0..columns).map(|number| format!("c{number}")).collect();
        let expressions: Vec<Expr> = names.iter().map(|name| lit(1).alias(name)).collect();
        let columns = names.iter().map(col).collect();
        let groups = [Expr::GroupingSet(GroupingSet::Cube(columns))];
        let plan = LogicalPlanBuilder::empty(true).project(expressions).unwrap();
        plan.aggregate(groups, Vec::<Expr>::new()).unwrap().build().unwrap()
    };
    assert!(check(&cube(8)).is_ok());
    assert!(check(&cube(9)).is_err());
}
