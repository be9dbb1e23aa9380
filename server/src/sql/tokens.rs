//! SQL text to tokens, within bounds that hold before anything is parsed.
//!
//! What makes a tree deep is counted, not the text's length alone: each operator, set operation and join may add a
//! level to a left-deep tree that no recursion limit of a parser sees, because parsers build such chains in a loop. Brackets
//! inside of one another are counted too: the parser reads types within types, EXPLAIN of EXPLAIN, and INTERVAL of INTERVAL without
//! any limit, and a stack overflow ends the process for everyone.
//!
//! White space and comments become one space: the parser passes over them each time that it looks ahead.
//!
//! Clients write parameters as `?` (ODBC, JDBC, Python) or as `$1`. The planner gives every `?` the same name, so they are
//! numbered here, where a question mark inside a string or a comment cannot be mistaken for one.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use super::{escapes, is_distinct};
use crate::error::{Error, ErrorKind};

/// Tokens that one statement may have.
const TOKEN_LIMIT: usize = 200_000;

/// Operators, joins and set operations that one statement may have. A chain of this many is planned and dropped well
/// within the 16 MiB stacks of the server's threads.
const OPERATOR_LIMIT: usize = 3_000;

/// Brackets of all kinds that may stand within one another, those of types such as `array<array<int>>` included; and `[…]` that
/// may follow one another, each of which makes a list of the type before it.
const NESTING_LIMIT: usize = 64;

/// EXPLAIN in one statement, and INTERVAL directly behind one another.
const EXPLAIN_LIMIT: usize = 16;
const INTERVAL_LIMIT: usize = 16;

/// The tokens of a text that is neither too large nor would make too deep a tree, with parameters numbered.
///
/// # Arguments
/// * `max_bytes` - longest text, in bytes.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] with the reason.
pub(super) fn read(sql: &str, max_bytes: usize) -> Result<Vec<TokenWithSpan>, Error> {
    if sql.len() > max_bytes {
        return Err(Error::new(ErrorKind::InvalidRequest, "the SQL text is longer than this server allows"));
    }
    let mut tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().map_err(|error| {
        Error::new(ErrorKind::InvalidRequest, "the SQL text cannot be parsed").echoing(&error.to_string())
    })?;
    let operators = tokens.iter().filter(|token| deepens(&token.token)).count();
    if tokens.len() > TOKEN_LIMIT || operators > OPERATOR_LIMIT {
        return Err(too_complex());
    }
    tokens.dedup_by(|next, kept| is_space(&next.token) && is_space(&kept.token));
    for token in tokens.iter_mut().filter(|token| is_space(&token.token)) {
        token.token = Token::Whitespace(Whitespace::Space);
    }
    if nests_deeply(&tokens) {
        return Err(too_complex());
    }
    // What an escape stood between is side by side now: `interval {fn} interval {fn} …`.
    if escapes::rewrite(&mut tokens) && nests_deeply(&tokens) {
        return Err(too_complex());
    }
    is_distinct::as_operators(&mut tokens);
    number_parameters(&mut tokens)?;
    Ok(tokens)
}

fn too_complex() -> Error {
    Error::new(ErrorKind::InvalidRequest, "the SQL text is too complex")
}

fn is_space(token: &Token) -> bool {
    matches!(token, Token::Whitespace(_))
}

/// Whether anything stands within too many brackets, as far as tokens tell. What closes nothing is passed over: a text whose
/// brackets do not match ends with an error of the parser.
fn nests_deeply(tokens: &[TokenWithSpan]) -> bool {
    let mut open: Vec<&Token> = Vec::new();
    let (mut lists, mut explains, mut intervals) = (0, 0, 0);
    let mut before = &Token::EOF;
    for token in tokens.iter().map(|token| &token.token).filter(|token| !is_space(token)) {
        match token {
            Token::LParen | Token::LBrace => open.push(token),
            Token::LBracket => {
                lists = if *before == Token::RBracket { lists + 1 } else { 0 };
                open.push(token);
            }
            Token::Lt if is_generic_type(before) => open.push(token),
            Token::RParen => close(&mut open, &Token::LParen),
            Token::RBrace => close(&mut open, &Token::LBrace),
            Token::RBracket => close(&mut open, &Token::LBracket),
            // Inside of other brackets it compares.
            Token::Gt | Token::ShiftRight => {
                for _ in 0..if *token == Token::Gt { 1 } else { 2 } {
                    open.pop_if(|last| **last == Token::Lt);
                }
            }
            Token::Word(word) if word.keyword == Keyword::EXPLAIN => explains += 1,
            _ => {}
        }
        let is_interval = matches!(token, Token::Word(word) if word.keyword == Keyword::INTERVAL);
        intervals = if is_interval { intervals + 1 } else { 0 };
        if open.len().max(lists) > NESTING_LIMIT || explains > EXPLAIN_LIMIT || intervals > INTERVAL_LIMIT {
            return true;
        }
        before = token;
    }
    false
}

fn is_generic_type(word: &Token) -> bool {
    let Token::Word(word) = word else { return false };
    matches!(word.keyword, Keyword::ARRAY | Keyword::STRUCT | Keyword::MAP)
}

/// Closes the innermost bracket of a kind, and all within it.
fn close(open: &mut Vec<&Token>, kind: &Token) {
    if let Some(place) = open.iter().rposition(|opened| *opened == kind) {
        open.truncate(place);
    }
}

fn number_parameters(tokens: &mut [TokenWithSpan]) -> Result<(), Error> {
    let mut unnamed = 0;
    let mut has_named = false;
    for token in tokens {
        match &mut token.token {
            Token::Placeholder(name) if name == "?" => {
                unnamed += 1;
                *name = format!("${unnamed}");
            }
            Token::Placeholder(_) => has_named = true,
            _ => {}
        }
    }
    if has_named && unnamed > 0 {
        return Err(Error::new(ErrorKind::InvalidRequest, "write parameters either as ? or as $1, not both"));
    }
    Ok(())
}

/// Whether a token can add a level to the tree. Unknown tokens do: a list of the flat ones is shorter and errs towards
/// refusing.
fn deepens(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::XOR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::NOTNULL
                | Keyword::BETWEEN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::RLIKE
                | Keyword::REGEXP
                | Keyword::MATCH
                | Keyword::MEMBER
                | Keyword::OPERATOR
                | Keyword::SIMILAR
                | Keyword::IN
                | Keyword::AT
                | Keyword::COLLATE
                | Keyword::DIV
                | Keyword::UNION
                | Keyword::INTERSECT
                | Keyword::EXCEPT
                | Keyword::MINUS
                | Keyword::JOIN
                | Keyword::SELECT
                | Keyword::CASE
                | Keyword::OVERLAPS
                | Keyword::PIVOT
                | Keyword::UNPIVOT
                | Keyword::MATCH_RECOGNIZE
        ),
        Token::Whitespace(_)
        | Token::Comma
        | Token::Number(_, _)
        | Token::SingleQuotedString(_)
        | Token::LParen
        | Token::RParen
        | Token::Period
        | Token::SemiColon
        | Token::Placeholder(_)
        | Token::EOF => false,
        _ => true,
    }
}
