//! Types of Hive, as Glue writes them.

use super::*;

#[test]
fn nested_types_are_read() {
    let parsed = parse("struct<A:int, b:array<decimal(12,2)>, c:map<string,struct<d:date>>>");
    let Some(DataType::Struct(fields)) = parsed else {
        unreachable!("not a struct: {parsed:?}");
    };
    let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn text_outside_the_grammar_is_not_a_type() {
    let deep = format!("{}int{}", "array<".repeat(100), ">".repeat(100));
    for text in ["", "array<", "decimal(99,2)", "struct<>", "int>", "uniontype<int>", deep.as_str()] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn lengths_of_strings_do_not_matter() {
    assert_eq!(parse("varchar(65535)"), Some(DataType::Utf8));
    assert_eq!(parse("CHAR(10)"), Some(DataType::Utf8));
}
