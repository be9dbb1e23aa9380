//! `IS [NOT] DISTINCT FROM` with the precedence that SQL gives it.
//!
//! The parser's fault: it reads all that follows as the right operand, so that `a IS DISTINCT FROM b AND c` compares `a` with
//! `b AND c`. The words become one operator before it reads them, of a precedence between NOT and comparisons, and what it
//! was behind them becomes a comparison again in its tree.

use std::mem;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Value};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

/// Names of operators that no text can have.
const DISTINCT: &str = "IS DISTINCT FROM";
const NOT_DISTINCT: &str = "IS NOT DISTINCT FROM";

/// One operator in the place of the words.
pub(super) fn as_operators(tokens: &mut [TokenWithSpan]) {
    let words: Vec<(usize, Keyword)> = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| !matches!(token.token, Token::Whitespace(_)))
        .map(|(place, token)| (place, keyword(&token.token)))
        .collect();
    for start in 0..words.len() {
        let is = |written: &[Keyword]| {
            let found = words[start..].iter().map(|(_, keyword)| keyword);
            found.take(written.len()).eq(written)
        };
        let (length, operator) = if is(&[Keyword::IS, Keyword::DISTINCT, Keyword::FROM]) {
            (3, DISTINCT)
        } else if is(&[Keyword::IS, Keyword::NOT, Keyword::DISTINCT, Keyword::FROM]) {
            (4, NOT_DISTINCT)
        } else {
            continue;
        };
        for (place, _) in &words[start..start + length] {
            tokens[*place].token = Token::Whitespace(Whitespace::Space);
        }
        tokens[words[start].0].token = Token::CustomBinaryOperator(operator.to_owned());
    }
}

fn keyword(token: &Token) -> Keyword {
    match token {
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// The comparison in the place of such an operator; other expressions stay.
pub(super) fn as_comparison(expr: &mut Expr) {
    let Expr::BinaryOp { left, op: BinaryOperator::Custom(operator), right } = expr else { return };
    let comparison = match operator.as_str() {
        DISTINCT => Expr::IsDistinctFrom,
        NOT_DISTINCT => Expr::IsNotDistinctFrom,
        _ => return,
    };
    let none = || Box::new(Expr::Value(Value::Null.into()));
    *expr = comparison(mem::replace(left, none()), mem::replace(right, none()));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed test may panic")]

    use std::ops::ControlFlow;

    use datafusion::sql::parser::Statement as ParsedStatement;
    use datafusion::sql::sqlparser::ast::visit_expressions_mut;

    use super::*;
    use crate::sql::{SessionOptions, Statement};

    /// The tree of a condition, without its parentheses.
    fn tree(condition: &str) -> ParsedStatement {
        let sql = format!("select 1 as one from (values (1)) t where {condition}");
        let mut parsed = Statement::parse(&sql, 1000, &SessionOptions::default()).unwrap().into_sql();
        if let ParsedStatement::Statement(statement) = &mut parsed {
            let _ = visit_expressions_mut(statement, |expr| {
                while let Expr::Nested(inner) = expr {
                    *expr = mem::replace(inner.as_mut(), Expr::Value(Value::Null.into()));
                }
                ControlFlow::<()>::Continue(())
            });
        }
        parsed
    }

    #[test]
    fn what_follows_binds_as_behind_any_other_comparison() {
        for (written, read) in [
            ("a is distinct from b and c", "(a is distinct from (b)) and c"),
            ("a is not distinct from b or c", "(a is not distinct from (b)) or c"),
            ("x and a is distinct from b + 1 or y", "(x and (a is distinct from (b + 1))) or y"),
            ("not a is /* not */ distinct\nfrom b and c", "(not (a is distinct from (b))) and c"),
        ] {
            assert_eq!(tree(written), tree(read), "{written}");
        }
        assert_ne!(tree("a is distinct from (b and c)"), tree("a is distinct from b and c"));
    }
}
