//! What the language accepts, what it refuses, and that both are decided without a panic.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use super::*;

/// The canonical text of a filter, `*` for all rows.
fn read(text: &str) -> Result<String, FilterError> {
    parse(text).map(|parsed| match parsed {
        ParsedFilter::AllRows => "*".to_owned(),
        ParsedFilter::Rows(filter) => filter.canonical(),
    })
}

/// Filters with the canonical text that they are read as, or `None` for a refusal here. Refusals that need the type
/// of a column are the guard room's: such filters are accepted here.
const EXAMPLES: [(&str, Option<&str>); 51] = [
    ("country = 'US'", Some(r#""country" = 'US'"#)),
    ("country <> 'US'", Some(r#""country" <> 'US'"#)),
    ("country != 'US'", Some(r#""country" <> 'US'"#)),
    ("year > 2010 and country != 'US'", Some(r#""year" > 2010 AND "country" <> 'US'"#)),
    (
        "(year > 2010 and country = 'US') or (month < 8 and id > 23)",
        Some(r#""year" > 2010 AND "country" = 'US' OR "month" < 8 AND "id" > 23"#),
    ),
    (
        "(country between 'Z' and 'U') and (year = 2018)",
        Some(r#""country" BETWEEN 'Z' AND 'U' AND "year" = 2018"#),
    ),
    ("(country like '%ited%') and (year > 2000)", Some(r#""country" LIKE '%ited%' AND "year" > 2000"#)),
    ("country LIKE 'U_'", Some(r#""country" LIKE 'U_'"#)),
    (r"email LIKE '50\%%'", None),
    ("country IN ('US','CA','MX')", Some(r#""country" IN ('US', 'CA', 'MX')"#)),
    ("NOT (country IN ('US','CA'))", Some(r#"NOT "country" IN ('US', 'CA')"#)),
    ("country NOT IN ('US', NULL)", None),
    ("email IS NULL", Some(r#""email" IS NULL"#)),
    ("email IS NOT NULL AND active = true", Some(r#"NOT "email" IS NULL AND "active" = TRUE"#)),
    ("year IS NULL", Some(r#""year" IS NULL"#)),
    ("NOT email = 'a@b.c'", Some(r#"NOT "email" = 'a@b.c'"#)),
    ("id >= 1000 AND id < 2000", Some(r#""id" >= 1000 AND "id" < 2000"#)),
    ("id = '23'", Some(r#""id" = '23'"#)),
    ("amount > 99.995", Some(r#""amount" > 99.995"#)),
    ("amount BETWEEN 0 AND 100", Some(r#""amount" BETWEEN 0 AND 100"#)),
    ("score >= -1.5", Some(r#""score" >= -1.5"#)),
    ("score = 0", Some(r#""score" = 0"#)),
    ("active = false", Some(r#""active" = FALSE"#)),
    (r#""last" = 'Doe'"#, Some(r#""last" = 'Doe'"#)),
    (r#""Last" = 'Doe'"#, Some(r#""last" = 'Doe'"#)),
    ("customer.customerid <> 1", Some(r#""customer"."customerid" <> 1"#)),
    (r#""customer"."address"."zip" LIKE '9%'"#, Some(r#""customer"."address"."zip" LIKE '9%'"#)),
    ("dt >= '2024-01-01' AND dt < '2025-01-01'", Some(r#""dt" >= '2024-01-01' AND "dt" < '2025-01-01'"#)),
    (r#""timestamp" > '2026-05-01 00:00:00'"#, Some(r#""timestamp" > '2026-05-01 00:00:00'"#)),
    ("name = 'O''Brien'", Some("\"name\" = 'O''Brien'")),
    ("true", Some("*")),
    ("TRUE", Some("*")),
    ("1 = 1", None),
    ("", None),
    ("upper(country) = 'US'", None),
    ("country = region", None),
    ("id IN (SELECT id FROM t)", None),
    ("id = 1 -- x", None),
    ("id = 1; DROP TABLE t", None),
    ("NOT (active = true OR email IS NULL)", Some(r#"NOT ("active" = TRUE OR "email" IS NULL)"#)),
    // Beyond the numbered examples.
    (" \t\r\n True \n", Some("*")),
    ("country NOT IN ('US')", Some(r#"NOT "country" IN ('US')"#)),
    ("country NOT LIKE 'U%'", Some(r#"NOT "country" LIKE 'U%'"#)),
    ("id NOT BETWEEN 1 AND 2", Some(r#"NOT "id" BETWEEN 1 AND 2"#)),
    ("NOT a = 1 AND b = 2", Some(r#"NOT "a" = 1 AND "b" = 2"#)),
    ("a = 1 OR b = 2 AND c = 3", Some(r#""a" = 1 OR "b" = 2 AND "c" = 3"#)),
    ("(a = 1 OR b = 2) AND c = 3", Some(r#"("a" = 1 OR "b" = 2) AND "c" = 3"#)),
    ("((a = 1 AND (b = 2 AND c = 3)))", Some(r#""a" = 1 AND "b" = 2 AND "c" = 3"#)),
    ("id BETWEEN 1 AND 2 AND id IN (1)", Some(r#""id" BETWEEN 1 AND 2 AND "id" IN (1)"#)),
    (r#""A""b" = 'x\y'"#, Some(r#""a""b" = 'x\y'"#)),
    ("ÄNDERUNG = 1", None),
];

#[test]
fn the_documented_examples_are_read_or_refused_as_decided() {
    for (text, expected) in EXAMPLES {
        assert_eq!(read(text).ok().as_deref(), expected, "{text}");
    }
}

#[test]
fn only_the_word_true_means_all_rows() {
    for text in [
        "(TRUE)",
        "'true'",
        "\"true\"",
        "NOT FALSE",
        "TRUE AND TRUE",
        "TRUE OR a = 1",
        "all",
        "allrows",
        "*",
        "1",
        "TRUE;",
        "\u{a0}true",
        "true\u{200b}",
        "ｔｒｕｅ",
        " ",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn nothing_outside_the_grammar_is_accepted() {
    for text in [
        // Operators and operands in other places.
        "'US' = country",
        "a = b",
        "a = 1 = 1",
        "a",
        "NOT a",
        "a IS TRUE",
        "a IS NOT",
        "a IS DISTINCT FROM 1",
        "a == 1",
        "a = NULL",
        "a <> NULL",
        "a IN ()",
        "a IN (1,)",
        "a IN 1",
        "a IN (1",
        "a IN ((1))",
        "a IN (b)",
        "a BETWEEN 1",
        "a BETWEEN 1 OR 2",
        "a BETWEEN (1) AND (2)",
        "a BETWEEN b AND 2",
        "a NOT = 1",
        "a NOT NOT IN (1)",
        "a LIKE 1",
        "a LIKE b",
        "a LIKE 'x' ESCAPE '!'",
        "a ILIKE 'x'",
        "a SIMILAR TO 'x'",
        "a ~ 'x'",
        "a || 'x' = 'y'",
        "(a, b) = (1, 2)",
        "(a) = 1",
        "a = (1)",
        "AND a = 1",
        "a = 1 OR",
        "a = 1 AND AND b = 1",
        "a = 1 b = 2",
        "() = 1",
        "(a = 1",
        "a = 1)",
        "EXISTS (SELECT 1)",
        "CASE WHEN a = 1 THEN TRUE END",
        "CAST(a AS INT) = 1",
        "a::int = 1",
        "a + 1 = 2",
        "a = 1 + 1",
        "-a = 1",
        "a[0] = 1",
        "a->'b' = 1",
        "lower(a) = 'x'",
        // Literals of other kinds.
        "a = 1e5",
        "a = 1.5e5",
        "a = 0x1F",
        "a = 1_000",
        "a = +1",
        "a = - 1",
        "a = --1",
        "a = .5",
        "a = 5.",
        "a = 1.2.3",
        "a = 1OR b = 2",
        "a = DATE '2024-01-01'",
        "a = N'x'",
        "a = E'x'",
        "a = 'x' 'y'",
        "a = $1",
        "a = ?",
        "a = :p",
        "a = 'x",
        "a = x'",
        "a = \"x\"",
        "a = ''''''' OR b = 1",
        // Names in other spellings.
        "`a` = 1",
        "[a] = 1",
        "a. = 1",
        ".a = 1",
        "a..b = 1",
        "a.* = 1",
        "\"\" = 1",
        "\"a = 1",
        "1a = 1",
        "@a = 1",
        "#a = 1",
        "a.1 = 1",
        "not = 1",
        "null IS NULL",
        "and.or = 1",
        "ctid = 1",
        "\"OID\" = 1",
        "a.b.c.d.e.f.g = 1",
        // Comments and separators.
        "a = 1 /* x */",
        "a = 1 # x",
        "a = 1;",
        "a = 1\u{0}",
        "a\u{a0}= 1",
        "a = 1\u{c}",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn an_error_never_repeats_the_filter() {
    for text in [
        "canary = canary",
        "canary = 'canary",
        "'canary' = 1",
        "canary LIKE 'canary\\'",
        "canary = 0canary",
        "canary(1)",
        "canary.canary.canary.canary.canary.canary.canary = 1",
    ] {
        let error = parse(text).err().unwrap();
        let refusal = crate::error::Error::from(error);
        let printed = format!("{error} {error:?} {refusal} {}", refusal.internal_text());
        assert!(!printed.contains("canary"), "{printed}");
    }
}

#[test]
fn the_length_is_counted_in_characters() {
    let at_limit = format!("a = '{}'", "ü".repeat(TEXT_LIMIT - 6));
    assert_eq!(at_limit.chars().count(), TEXT_LIMIT);
    assert!(parse(&at_limit).is_ok());
    let over_limit = format!("a = '{}'", "ü".repeat(TEXT_LIMIT - 5));
    assert_eq!(parse(&over_limit).err(), Some(FilterError::TooLong));
    let blanks = format!("TRUE{}", " ".repeat(TEXT_LIMIT));
    assert_eq!(parse(&blanks).err(), Some(FilterError::TooLong));
}

#[test]
fn deep_and_wide_filters_are_refused() {
    let nested = |depth: usize| format!("{}a = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(32)).is_ok());
    assert_eq!(parse(&nested(33)).err(), Some(FilterError::TooDeep));
    assert_eq!(parse(&nested(1000)).err(), Some(FilterError::TooDeep));
    assert_eq!(parse(&format!("{} a = 1", "NOT ".repeat(400))).err(), Some(FilterError::TooDeep));
    for negated in ["a IS NOT NULL", "a NOT IN (1)"] {
        let deepest = format!("{}{negated}", "NOT ".repeat(31));
        assert!(parse(&deepest).is_ok_and(|_| parse(&read(&deepest).unwrap()).is_ok()));
        assert_eq!(parse(&format!("NOT {deepest}")).err(), Some(FilterError::TooDeep));
    }

    let chain = |length: usize| vec!["a=1"; length].join(" OR ");
    assert!(parse(&chain(255)).is_ok());
    assert_eq!(parse(&chain(256)).err(), Some(FilterError::TooLarge));

    let list = vec!["1"; 1000].join(",");
    assert!(parse(&format!("a IN ({list})")).is_ok());
}

#[test]
fn numbers_are_exact_and_have_one_spelling() {
    for (text, canonical) in [
        ("a = 007", "\"a\" = 7"),
        ("a = -0", "\"a\" = 0"),
        ("a = -0.0", "\"a\" = 0.0"),
        ("a = 1.10", "\"a\" = 1.1"),
        ("a = 2.000", "\"a\" = 2.0"),
        ("a = -0.05", "\"a\" = -0.05"),
        ("a = 9223372036854775808", "\"a\" = 9223372036854775808"),
        ("a = 99999999999999999999999999999999999999", "\"a\" = 99999999999999999999999999999999999999"),
        ("a = 0.0000000000000000000000000000000000001", "\"a\" = 0.0000000000000000000000000000000000001"),
    ] {
        assert_eq!(read(text).unwrap(), canonical);
    }
    for text in
        ["a = 100000000000000000000000000000000000000", "a = 0.00000000000000000000000000000000000001"]
    {
        assert_eq!(read(text), Err(FilterError::Number(4)), "{text}");
    }
}

#[test]
fn a_filter_names_the_columns_that_it_reads() {
    let Ok(ParsedFilter::Rows(filter)) =
        parse("A = 1 OR NOT (b.c LIKE 'x' AND a IN (1, 2) OR \"D\" IS NULL)")
    else {
        panic!("the filter is in the grammar");
    };
    assert_eq!(filter.columns().into_iter().collect::<Vec<_>>(), ["a", "b", "d"]);
}

/// A small reproducible generator; no quality is asked of it.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

fn random_literal(random: &mut Random) -> String {
    match random.below(4) {
        0 => format!("'{}'", random.pick(&["", "US", "O''Brien", "%_", "ü\u{1f600}", "AND", "\n"])),
        1 => format!("{}{}", random.pick(&["", "-"]), random.below(1_000_000)),
        2 => format!("{}{}.{:03}", random.pick(&["", "-"]), random.below(100), random.below(1000)),
        _ => random.pick(&["TRUE", "false"]).to_owned(),
    }
}

fn random_filter(random: &mut Random, depth: usize) -> String {
    let column = random.pick(&["a", "B", "\"c d\"", "e.f", "\"and\"", "\"q\"\"q\".\"r\""]);
    let not = random.pick(&["", "NOT "]);
    match random.below(if depth == 0 { 6 } else { 9 }) {
        0 | 1 => {
            let op = random.pick(&["=", "<>", "!=", "<", "<=", ">", ">="]);
            format!("{column}{op}{}", random_literal(random))
        }
        2 => format!("{column} {not}BETWEEN {} AND {}", random_literal(random), random_literal(random)),
        3 => format!("{column} {not}in({},{})", random_literal(random), random_literal(random)),
        4 => format!("{column} {not}LIKE '{}'", random.pick(&["%", "U_%", "", "''"])),
        5 => format!("{column} IS {not}NULL"),
        6 => format!("NOT {}", random_filter(random, depth - 1)),
        7 => format!("({})", random_filter(random, depth - 1)),
        _ => {
            let word = random.pick(&["AND", "or"]);
            format!("{} {word} {}", random_filter(random, depth - 1), random_filter(random, depth - 1))
        }
    }
}

#[test]
fn the_canonical_text_of_any_filter_reads_as_the_same_filter() {
    let mut random = Random(0x5eed);
    for _ in 0..20_000 {
        let text = random_filter(&mut random, 5);
        if text.chars().count() > TEXT_LIMIT {
            continue;
        }
        let Ok(ParsedFilter::Rows(filter)) = parse(&text) else {
            panic!("a generated filter is in the grammar: {text}");
        };
        let canonical = filter.canonical();
        let again = parser::parse(&canonical).unwrap_or_else(|error| panic!("{text} → {canonical}: {error}"));
        assert!(again == filter, "{text} → {canonical}");
        assert_eq!(again.canonical(), canonical);
    }
}

#[test]
fn no_text_makes_the_parser_panic() {
    const PIECES: [&str; 40] = [
        "a",
        "\"b\"",
        "'c'",
        "1",
        "-",
        "-1",
        "1.5",
        ".",
        ",",
        "(",
        ")",
        "=",
        "<",
        ">",
        "!",
        "<>",
        "!=",
        "'",
        "\"",
        " ",
        "\n",
        "NOT ",
        " AND ",
        " OR ",
        " IN ",
        " LIKE ",
        " BETWEEN ",
        " IS ",
        "NULL",
        "TRUE",
        "ü",
        "\u{1f600}",
        "\0",
        "\\",
        "%",
        ";",
        "--",
        "/*",
        "9999999999999999999999999999999999999999",
        "\u{202e}",
    ];
    let mut random = Random(0xfeed);
    for _ in 0..50_000 {
        let length = random.below(24);
        let text: String = (0..length).map(|_| random.pick(&PIECES)).collect();
        if let Ok(ParsedFilter::Rows(filter)) = parse(&text) {
            assert!(parser::parse(&filter.canonical()).is_ok(), "{text:?}");
        }
    }
}
