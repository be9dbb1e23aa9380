//! The planner's words as a user can read them: without syntax trees, plans, and the names that types have in memory.
//!
//! What is left repeats the statement or names visible columns, as the planner's words did before.

/// Parts of syntax that the planner names by its own names, with what to write instead.
const PARTS: [(&str, &str); 17] = [
    ("RLike", "RLIKE; write regexp_like(text, pattern)"),
    ("Pivot", "PIVOT; write an aggregate with FILTER (WHERE …) for each column"),
    ("Unpivot", "UNPIVOT; write UNION ALL of one query for each column"),
    ("Collate", "COLLATE; texts are compared by their characters' codes"),
    ("AnyOp", "ANY at this place; write EXISTS, or IN (…)"),
    ("AllOp", "ALL at this place; write NOT EXISTS, or compare with max or min"),
    ("Convert", "CONVERT; write CAST(value AS type)"),
    ("MatchAgainst", "MATCH … AGAINST; write LIKE or regexp_like"),
    ("MatchRecognize", "MATCH_RECOGNIZE; write window functions"),
    ("InUnnest", "IN UNNEST; write array_has(array, value)"),
    ("JsonTable", "JSON_TABLE; write json_extract_scalar for each column"),
    ("Lambda", "functions of the form x -> y"),
    ("Exists", "EXISTS at this place; write it in WHERE, or as a join"),
    ("InSubquery", "IN with a subquery at this place; write it in WHERE, or as a join"),
    ("SetComparison", "ANY or ALL with a subquery at this place; write it in WHERE, or as a join"),
    ("ScalarSubquery", "a subquery at this place; write it as a join"),
    ("OuterReferenceColumn", "a column of the query around a subquery at this place; write a join"),
];

/// What planning puts before its words and says of itself, and what is said instead.
const NOISE: [(&str, &str); 7] = [
    ("Error during planning: ", ""),
    ("Execution error: ", ""),
    ("Internal error: ", ""),
    ("This feature is not implemented: ", ""),
    (" user-defined coercion failed with:", ":"),
    (" user-defined coercion failed with", ":"),
    ("Unsupported ast node in sqltorel: ", ""),
];

/// Where a tree or a list of what else there is begins.
const ENDS: [&str; 10] = [
    "\n",
    " {",
    "{ ",
    "(Ident",
    "(Value",
    "(Span",
    " No function matches",
    " Candidate functions",
    " to the signature",
    ".\nThis issue",
];

/// Types by the names that they have in memory, and in SQL.
const TYPES: [(&str, &str); 22] = [
    ("Binary", "varbinary"),
    ("BinaryView", "varbinary"),
    ("Boolean", "boolean"),
    ("Date32", "date"),
    ("Date64", "date"),
    ("Decimal128", "decimal"),
    ("Decimal256", "decimal"),
    ("Float32", "real"),
    ("Float64", "double"),
    ("Int16", "smallint"),
    ("Int32", "integer"),
    ("Int64", "bigint"),
    ("Int8", "tinyint"),
    ("Interval", "interval"),
    ("LargeUtf8", "varchar"),
    ("Time64", "time"),
    ("Timestamp", "timestamp"),
    ("UInt32", "integer"),
    ("UInt64", "bigint"),
    ("Utf8", "varchar"),
    ("Utf8View", "varchar"),
    ("UInt8", "tinyint"),
];

/// What the planner says of a statement, in words.
pub(crate) fn readable(words: &str) -> String {
    for marker in ["Unsupported ast node in sqltorel: ", "Unsupported ast node ", "logical expression "] {
        let named = words.split_once(marker).map(|(_, behind)| first_word(behind));
        if let Some((_, instead)) = PARTS.iter().find(|(part, _)| named == Some(*part)) {
            return (*instead).to_owned();
        }
    }
    let mut words = words.to_owned();
    for (noise, instead) in NOISE {
        words = words.replace(noise, instead);
    }
    let end = ENDS.iter().filter_map(|end| words.find(end)).min().unwrap_or(words.len());
    in_sql_types(match words.get(..end) {
        // What opened something that was cut away.
        Some(cut) if end < words.len() => cut.trim_end_matches([' ', ':', ',', '"', '\'', '(']),
        _ => words.trim_end(),
    })
}

fn first_word(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn in_sql_types(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    let mut rest = words;
    while !rest.is_empty() {
        let word = first_word(rest);
        match (word.is_empty(), TYPES.iter().find(|(name, _)| *name == word)) {
            (true, _) => text.extend(rest.chars().next()),
            (false, Some((_, name))) => text.push_str(name),
            (false, None) => text.push_str(word),
        }
        let read = if word.is_empty() { rest.chars().next().map_or(1, char::len_utf8) } else { word.len() };
        rest = rest.get(read..).unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn trees_and_types_in_memory_are_left_out() {
        for (words, expected) in [
            (
                "Unsupported ast node in sqltorel: RLike { negated: false, expr: Identifier(Ident { value: \"a\" }) }",
                "RLIKE; write regexp_like(text, pattern)",
            ),
            (
                "Unsupported ast node Pivot { table: Table { name: x } } in create_relation",
                "PIVOT; write an aggregate with FILTER (WHERE …) for each column",
            ),
            (
                "Function 'sum' user-defined coercion failed with \"Error during planning: Sum not supported for Boolean\" No function matches the given name",
                "Function 'sum': \"Sum not supported for boolean",
            ),
            ("Invalid function 'fo'.\nDid you mean 'foo'?", "Invalid function 'fo'."),
            ("Cannot coerce Utf8View to Decimal128(10, 2)", "Cannot coerce varchar to decimal(10, 2)"),
            (
                "Physical plan does not support logical expression Exists(Exists { subquery: <subquery> })",
                "EXISTS at this place; write it in WHERE, or as a join",
            ),
        ] {
            assert_eq!(readable(words), expected);
        }
    }
}
