//! That the dialect with table versions differs from the generic one in them alone.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Tokenizer;

use super::*;

/// The dialect of a text, with table versions or without.
fn of_a_text(with_versions: bool) -> TextDialect {
    TextDialect { with_versions, steps_left: Cell::new(STEPS), begun: Instant::now() }
}

fn parse(dialect: &dyn Dialect, sql: &str) -> Result<Vec<Statement>, ParserError> {
    Parser::parse_sql(dialect, sql)
}

fn tokens(sql: &str) -> Vec<TokenWithSpan> {
    Tokenizer::new(&GenericDialect, sql).tokenize_with_location().unwrap()
}

/// Syntax that depends on what a dialect answers, much of it on the generic one being asked for by its type.
const QUERIES: [&str; 34] = [
    "select version, timestamp, `version`, \"timestamp\" from t",
    "select 1 as version, 2 as timestamp, 3 version, 4 timestamp",
    "select version.timestamp, timestamp.version from version, timestamp",
    "select * from t version",
    "select * from t as version join u timestamp on version.a = timestamp.a",
    "select * from t version where version.a = 1",
    "select timestamp '2026-01-31 00:00:00', date '2026-01-31', timestamp from t",
    "select version as of from t",
    "select #a, @b, c$d from t",
    "select * from t group by all",
    "select a, count(*) from t group by rollup (a), cube (b) with totals",
    "select * from a left join b join c on true on true",
    "select a, b, from t",
    "from t select a",
    "from t",
    "select * except (a) from t",
    "select * exclude (a) from t",
    "select * replace (1 as a) from t",
    "select * rename (a as b) from t",
    "select a << 2 >> 1 from t",
    "select try_convert(int, a) from t",
    "select {'a': 1, 'b': 2}, map {'a': 1}",
    "select struct(1 as a)",
    "select e'\\n', b'01', U&'a', q'[x]'",
    "select sum(a) filter (where b) over w from t window w as (partition by c), x as w",
    "select first_value(a ignore nulls) over (order by b) from t",
    "select extract(day from a), extract('day' from a), extract(century, a) from t",
    "select interval '1' day, interval 1 day",
    "select f(a => 1, b := 2)",
    "select * from values (1), (2)",
    "select * from (t)",
    "select a from t limit 1, 2",
    "select a ^@ b, a && b, a // b from t",
    "select /* a /* b */ c */ 1 |> select 2",
];

#[test]
fn both_dialects_read_the_same_trees() {
    for sql in QUERIES {
        assert_eq!(parse(&of_a_text(true), sql), parse(&GenericDialect, sql), "{sql}");
    }
}

#[test]
fn version_and_timestamp_stay_names() {
    for sql in &QUERIES[..8] {
        assert!(parse(&of_a_text(true), sql).is_ok(), "{sql}");
    }
}

#[test]
fn only_a_text_that_asks_for_versions_is_read_with_them() {
    for (sql, expected) in [
        ("select * from t version as of 3", true),
        ("select * from t VERSION\n/* c */ AS OF 3", true),
        ("select * from t timestamp as of 'x'", true),
        ("select * from t for system_time as of 'x'", true),
        ("select * from t at", false),
        ("select * from t changes join u before on true", false),
        ("select version from t", false),
        ("select 'version as of 3'", false),
        ("select * from t \"version\" as of", false),
        ("select 1 -- version as of 3", false),
    ] {
        assert_eq!(of(&mut tokens(sql), &Effort::whole()).supports_table_versioning(), expected, "{sql}");
    }
}

#[test]
fn athenas_for_is_read_as_if_it_were_not_there() {
    for kind in ["version as of 3", "timestamp as of '2026-01-31'"] {
        let mut with_for = tokens(&format!("select * from t for {kind}"));
        let dialect = of(&mut with_for, &Effort::whole());
        let words = |tokens: &[TokenWithSpan]| -> Vec<String> {
            let significant = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
            significant.map(|token| token.token.to_string()).collect()
        };
        assert!(dialect.supports_table_versioning());
        assert_eq!(words(&with_for), words(&tokens(&format!("select * from t {kind}"))));
    }
    let mut locking = tokens("select * from t version as of 3 for update");
    of(&mut locking, &Effort::whole());
    assert!(locking.iter().any(|token| keyword(&token.token) == Keyword::FOR));
}
