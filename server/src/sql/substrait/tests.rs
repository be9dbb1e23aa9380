//! What is let in of a plan, before anything is looked up.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use datafusion_substrait::substrait::proto::expression::{Literal, literal};
use datafusion_substrait::substrait::proto::read_rel::{NamedTable as NamedTableMessage, ReadType};
use datafusion_substrait::substrait::proto::rel::RelType;
use datafusion_substrait::substrait::proto::{
    Expression, FilterRel, PlanRel, ProjectRel, ReadRel, Rel, RelCommon, SetRel, SortRel, Type, expression,
    plan_rel, rel, rel_common, r#type,
};

use super::*;
use crate::ids::TableName;

const MEBIBYTE: usize = 1 << 20;

fn read(names: &[&str]) -> Rel {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let table = NamedTableMessage { names, advanced_extension: None };
    of(RelType::Read(Box::new(ReadRel {
        read_type: Some(ReadType::NamedTable(table)),
        ..ReadRel::default()
    })))
}

fn of(rel_type: rel::RelType) -> Rel {
    Rel { rel_type: Some(rel_type) }
}

fn union(inputs: Vec<Rel>) -> Rel {
    of(RelType::Set(SetRel { inputs, ..SetRel::default() }))
}

fn decode(root: Rel, options: &SessionOptions) -> Result<SubstraitPlan, Error> {
    let relation = PlanRel { rel_type: Some(plan_rel::RelType::Rel(root)) };
    let plan = Plan { relations: vec![relation], ..Plan::default() };
    SubstraitPlan::decode(&plan.encode_to_vec(), MEBIBYTE, options)
}

fn tables(root: Rel, options: &SessionOptions) -> Result<Vec<NamedTable>, Error> {
    decode(root, options)?.tables()
}

#[test]
fn each_table_is_named_once_wherever_the_plan_reads_it() {
    let filtered = FilterRel { input: Some(Box::new(read(&["SALES", "Nation"]))), ..FilterRel::default() };
    let root = union(vec![
        of(RelType::Filter(Box::new(filtered))),
        read(&["awsdatacatalog", "sales", "nation"]),
        read(&["information_schema", "tables"]),
        read(&["region"]),
    ]);
    let options = SessionOptions {
        schema: Some("sales".to_owned()),
        as_of: Some(Moment::Version(3)),
        ..Default::default()
    };
    let named = |table| NamedTable { name: TableName::new("sales", table), moment: options.as_of };
    assert_eq!(tables(root, &options).unwrap(), [named("nation"), named("region")]);
}

#[test]
fn names_that_cannot_exist_are_those_of_missing_tables() {
    for names in [&["nation"][..], &["elsewhere", "sales", "nation"], &["sales", "nation\u{1}v3"]] {
        let error = tables(read(names), &SessionOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{names:?}");
    }
    for names in [&[][..], &["a", "b", "c", "d"]] {
        assert_eq!(tables(read(names), &SessionOptions::default()).unwrap(), [], "{names:?}");
    }
}

#[test]
fn size_messages_relations_and_nesting_are_bounded() {
    let options = SessionOptions::default();
    let many = |count| union(vec![read(&["sales", "nation"]); count]);
    assert!(decode(many(RELATION_LIMIT - 1), &options).is_ok());
    let deep = |levels| {
        (0..levels).fold(read(&["sales", "nation"]), |input, _| {
            of(RelType::Filter(Box::new(FilterRel { input: Some(Box::new(input)), ..FilterRel::default() })))
        })
    };
    assert!(decode(deep(40), &options).is_ok());
    let empty = union(vec![Rel::default(); MESSAGE_LIMIT]);
    for refused in [many(RELATION_LIMIT), deep(60), empty] {
        assert_eq!(decode(refused, &options).err().unwrap().kind(), ErrorKind::InvalidRequest);
    }
    let naming = |numbers: Vec<i32>| {
        let emit = rel_common::EmitKind::Emit(rel_common::Emit { output_mapping: numbers });
        let common = RelCommon { emit_kind: Some(emit), ..RelCommon::default() };
        of(RelType::Project(Box::new(ProjectRel {
            common: Some(common),
            input: Some(Box::new(read(&["sales", "nation"]))),
            ..ProjectRel::default()
        })))
    };
    assert!(decode(naming((0..1000).chain(0..64).collect()), &options).is_ok());
    for numbers in [vec![0; REPEAT_LIMIT + 2], (0..i32::try_from(MESSAGE_LIMIT).unwrap()).collect()] {
        assert_eq!(decode(naming(numbers), &options).err().unwrap().kind(), ErrorKind::InvalidRequest);
    }
    let long = vec![0; PLAN_BYTES + 1];
    assert!(SubstraitPlan::decode(&long, MEBIBYTE, &options).is_err());
    let plan = Plan { relations: vec![PlanRel::default()], ..Plan::default() }.encode_to_vec();
    assert!(SubstraitPlan::decode(&plan, plan.len(), &options).is_ok());
    assert!(SubstraitPlan::decode(&plan, plan.len() - 1, &options).is_err(), "the limit of SQL holds too");
}

/// A list of such NULLs is laid out while the plan is read.
#[test]
fn a_type_of_which_one_null_takes_gigabytes_is_refused() {
    let options = SessionOptions::default();
    let null = |length| {
        let kind = r#type::Kind::FixedBinary(r#type::FixedBinary { length, ..Default::default() });
        let literal = Literal {
            literal_type: Some(literal::LiteralType::Null(Type { kind: Some(kind) })),
            ..Literal::default()
        };
        let expression = Expression { rex_type: Some(expression::RexType::Literal(literal)) };
        of(RelType::Project(Box::new(ProjectRel { expressions: vec![expression], ..ProjectRel::default() })))
    };
    assert!(decode(null(16), &options).is_ok());
    for length in [i32::MAX, 4097, -1] {
        assert_eq!(
            decode(null(length), &options).err().unwrap().kind(),
            ErrorKind::InvalidRequest,
            "{length}"
        );
    }
}

#[test]
fn a_plan_that_sorts_says_so() {
    let options = SessionOptions::default();
    let sorted = SortRel { input: Some(Box::new(read(&["sales", "nation"]))), ..SortRel::default() };
    assert!(decode(of(RelType::Sort(Box::new(sorted))), &options).unwrap().sorts());
    assert!(!decode(read(&["sales", "nation"]), &options).unwrap().sorts());
}
