//! SQL text to tokens, within bounds that hold before anything is parsed.
//!
//! What makes a tree deep is counted, not the text's length alone: each operator, set operation and join may add a
//! level to a left-deep tree that no recursion limit of a parser sees, because parsers build such chains in a loop.
//!
//! Clients write parameters as `?` (ODBC, JDBC, Python) or as `$1`. The planner gives every `?` the same name, so they are
//! numbered here, where a question mark inside a string or a comment cannot be mistaken for one.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::error::{Error, ErrorKind};

/// Tokens that one statement may have.
const TOKEN_LIMIT: usize = 200_000;

/// Operators, joins and set operations that one statement may have. A chain of this many is planned and dropped well
/// within the 16 MiB stacks of the server's threads.
const OPERATOR_LIMIT: usize = 3_000;

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
        return Err(Error::new(ErrorKind::InvalidRequest, "the SQL text is too complex"));
    }
    number_parameters(&mut tokens)?;
    Ok(tokens)
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
