//! The escapes of ODBC and JDBC, written as the SQL that they stand for: `{fn …}`, `{d '…'}`, `{t '…'}`, `{ts '…'}`, `{oj …}` and
//! `{escape '…'}`.
//!
//! Tokens are changed, so what stands in a text or a comment stays. Functions that ODBC calls by a name which is another
//! function's here get ours. Other braces are the parser's matter.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Functions of `{fn …}` whose names mean something else, or nothing, outside of it.
const FUNCTIONS: [(&str, &str); 3] = [("log", "ln"), ("char", "chr"), ("database", "current_catalog")];

/// Types of `{fn CONVERT(…, SQL_…)}`.
const TYPES: [(&str, &str); 17] = [
    ("sql_bigint", "BIGINT"),
    ("sql_bit", "BOOLEAN"),
    ("sql_char", "VARCHAR"),
    ("sql_date", "DATE"),
    ("sql_decimal", "DECIMAL"),
    ("sql_double", "DOUBLE"),
    ("sql_float", "DOUBLE"),
    ("sql_integer", "INTEGER"),
    ("sql_longvarchar", "VARCHAR"),
    ("sql_numeric", "DECIMAL"),
    ("sql_real", "REAL"),
    ("sql_smallint", "SMALLINT"),
    ("sql_timestamp", "TIMESTAMP"),
    ("sql_tinyint", "TINYINT"),
    ("sql_type_date", "DATE"),
    ("sql_type_timestamp", "TIMESTAMP"),
    ("sql_varchar", "VARCHAR"),
];

/// Writes out the escapes of a text, and says whether it has any.
pub(super) fn rewrite(tokens: &mut Vec<TokenWithSpan>) -> bool {
    // For each open brace whether it was taken away.
    let mut open: Vec<bool> = Vec::new();
    let mut dropped = vec![false; tokens.len()];
    for place in 0..tokens.len() {
        match tokens[place].token {
            Token::LBrace => {
                let begun = escape(tokens, place);
                open.push(begun.is_some());
                if let Some((word, instead)) = begun {
                    dropped[place] = true;
                    match instead {
                        Some(keyword) => tokens[word].token = Token::make_keyword(keyword),
                        None => {
                            dropped[word] = true;
                            function(tokens, word, &mut dropped);
                        }
                    }
                }
            }
            Token::RBrace => dropped[place] = open.pop().unwrap_or_default(),
            _ => {}
        }
    }
    let has_escapes = dropped.contains(&true);
    if has_escapes {
        let mut place = 0;
        tokens.retain(|_| {
            place += 1;
            !dropped[place - 1]
        });
    }
    has_escapes
}

/// The place of the next token that is no space.
fn next(tokens: &[TokenWithSpan], place: usize) -> Option<usize> {
    let behind = tokens.iter().enumerate().skip(place + 1);
    behind.into_iter().find(|(_, token)| !matches!(token.token, Token::Whitespace(_))).map(|(place, _)| place)
}

fn word(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_ascii_lowercase()),
        _ => None,
    }
}

/// The word of an escape that begins with a brace, and what is written in its place.
fn escape(tokens: &[TokenWithSpan], brace: usize) -> Option<(usize, Option<&'static str>)> {
    let place = next(tokens, brace)?;
    let behind = &tokens[next(tokens, place)?].token;
    let is_text = matches!(behind, Token::SingleQuotedString(_));
    let instead = match word(&tokens[place].token)?.as_str() {
        "fn" | "oj" if *behind != Token::Colon => None,
        "d" if is_text => Some("DATE"),
        "t" if is_text => Some("TIME"),
        "ts" if is_text => Some("TIMESTAMP"),
        "escape" if is_text => Some("ESCAPE"),
        _ => return None,
    };
    Some((place, instead))
}

/// Writes the name of a function behind `fn` as it is called here, and the type of a conversion.
fn function(tokens: &mut [TokenWithSpan], fn_word: usize, dropped: &mut [bool]) {
    let Some(place) = next(tokens, fn_word) else { return };
    let Some(name) = word(&tokens[place].token) else { return };
    let is_known = |(known, _): &&(&str, &str)| *known == name;
    if let Some((_, ours)) = FUNCTIONS.iter().find(is_known) {
        tokens[place].token = Token::make_word(ours, None);
    }
    // These are no calls for the parser.
    if matches!(name.as_str(), "user" | "database")
        && let Some(opening) = next(tokens, place)
        && let Some(closing) = next(tokens, opening)
        && (&tokens[opening].token, &tokens[closing].token) == (&Token::LParen, &Token::RParen)
    {
        dropped[opening] = true;
        dropped[closing] = true;
    }
    if name == "convert" {
        cast(tokens, place);
    }
}

/// Writes `convert(value, SQL_TYPE)` as `cast(value AS TYPE)`.
fn cast(tokens: &mut [TokenWithSpan], convert: usize) {
    let (mut depth, mut comma) = (0_usize, None);
    for (place, token) in tokens.iter().enumerate().skip(convert) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth <= 1 => break,
            Token::RParen => depth -= 1,
            Token::Comma if depth == 1 => comma = Some(place),
            _ => {}
        }
    }
    let Some(comma) = comma else { return };
    let Some(type_name) = next(tokens, comma) else { return };
    let named = word(&tokens[type_name].token);
    if let Some((_, ours)) = TYPES.iter().find(|(known, _)| named.as_deref() == Some(*known)) {
        tokens[convert].token = Token::make_keyword("CAST");
        tokens[comma].token = Token::make_keyword("AS");
        tokens[type_name].token = Token::make_keyword(ours);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::super::tokens;

    #[test]
    fn escapes_are_written_out_and_all_other_braces_stay() {
        for (sql, expected) in [
            ("select {fn ucase({fn concat('a', b)})}", "select  ucase( concat('a', b))"),
            (
                "select {d '2024-01-02'}, { TS '2024-01-02 03:04:05' }",
                "select DATE '2024-01-02',  TIMESTAMP '2024-01-02 03:04:05' ",
            ),
            ("select * from {oj a left join b on a.x = b.x}", "select * from  a left join b on a.x = b.x"),
            ("a like 'b' {escape '\\'}", "a like 'b' ESCAPE '\\'"),
            ("select '{fn x}' -- {d '1'}", "select '{fn x}' "),
            ("select {'a': 1}, {d: 2}", "select {'a': 1}, {d: 2}"),
            ("select {fn log(2)}, log(2), {fn user()}", "select  ln(2), log(2),  user"),
            ("select {fn convert(x, SQL_DOUBLE)}", "select  CAST(xAS DOUBLE)"),
        ] {
            let tokens = tokens::read(sql, 1 << 20).unwrap();
            let text: String = tokens.iter().map(|token| token.token.to_string()).collect();
            assert_eq!(text, expected);
        }
        let hidden = format!("select {}1", "interval {fn} ".repeat(200));
        assert!(tokens::read(&hidden, 1 << 20).is_err());
    }
}
