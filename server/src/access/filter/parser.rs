//! Words of the language → tree, by recursive descent along the grammar of the module's head.
//!
//! The only recursion is through `NOT` and parentheses, and it is counted: no text can exhaust the stack. AND and OR
//! are loops and make flat lists.

use super::ast::{ColumnPath, Comparison, Literal, RowFilter};
use super::error::{Expected, FilterError};
use super::lexer::{self, Keyword, Token, TokenKind};

/// Deepest nesting of parentheses and NOT.
const DEPTH_LIMIT: usize = 32;

/// Most nodes of a tree, constants not counted.
const NODE_LIMIT: usize = 256;

/// Most names of a path: a column and five levels of fields.
const PATH_LIMIT: usize = 6;

/// Columns of Redshift's own that Lake Formation does not accept in a filter expression. A table's column of such a
/// name would mean something else there.
const SYSTEM_COLUMNS: [&str; 11] = [
    "ctid",
    "oid",
    "xmin",
    "cmin",
    "xmax",
    "cmax",
    "tableoid",
    "insertxid",
    "deletexid",
    "importoid",
    "redcatuniqueid",
];

/// Reads a filter that is not the literal `TRUE`. The length of the text is the caller's check.
pub(super) fn parse(text: &str) -> Result<RowFilter, FilterError> {
    let tokens = lexer::tokens(text)?;
    if tokens.is_empty() {
        return Err(FilterError::Empty);
    }
    let mut parser = Parser { tokens: &tokens, position: 0, end: text.chars().count(), nodes: 0 };
    let filter = parser.disjunction(0)?;
    if parser.position < tokens.len() {
        return Err(parser.unexpected(Expected::End));
    }
    Ok(filter)
}

struct Parser<'a> {
    tokens: &'a [Token],
    position: usize,
    /// Offset of the text's end, for errors.
    end: usize,
    nodes: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a TokenKind> {
        self.tokens.get(self.position).map(|token| &token.kind)
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.position).map_or(self.end, |token| token.offset)
    }

    fn take(&mut self, wanted: &TokenKind) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.position += 1;
        }
        found
    }

    fn take_keyword(&mut self, wanted: Keyword) -> bool {
        self.take(&TokenKind::Keyword(wanted))
    }

    fn require(&mut self, wanted: &TokenKind, expected: Expected) -> Result<(), FilterError> {
        if self.take(wanted) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    fn unexpected(&self, expected: Expected) -> FilterError {
        FilterError::Unexpected { offset: self.offset(), expected }
    }

    fn count_node(&mut self) -> Result<(), FilterError> {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT { Err(FilterError::TooLarge) } else { Ok(()) }
    }

    fn disjunction(&mut self, depth: usize) -> Result<RowFilter, FilterError> {
        let mut operands = Vec::new();
        loop {
            match self.conjunction(depth)? {
                RowFilter::Or(nested) => operands.extend(nested),
                operand => operands.push(operand),
            }
            if !self.take_keyword(Keyword::Or) {
                return self.chain(operands, RowFilter::Or);
            }
        }
    }

    fn conjunction(&mut self, depth: usize) -> Result<RowFilter, FilterError> {
        let mut operands = Vec::new();
        loop {
            match self.term(depth)? {
                RowFilter::And(nested) => operands.extend(nested),
                operand => operands.push(operand),
            }
            if !self.take_keyword(Keyword::And) {
                return self.chain(operands, RowFilter::And);
            }
        }
    }

    fn chain(
        &mut self,
        mut operands: Vec<RowFilter>,
        node: impl FnOnce(Vec<RowFilter>) -> RowFilter,
    ) -> Result<RowFilter, FilterError> {
        if operands.len() > 1 {
            self.count_node()?;
            return Ok(node(operands));
        }
        operands.pop().ok_or_else(|| self.unexpected(Expected::Column))
    }

    fn term(&mut self, depth: usize) -> Result<RowFilter, FilterError> {
        if depth > DEPTH_LIMIT {
            return Err(FilterError::TooDeep);
        }
        if self.take_keyword(Keyword::Not) {
            let operand = self.term(depth + 1)?;
            return self.not(operand);
        }
        if self.take(&TokenKind::Opening) {
            let inner = self.disjunction(depth + 1)?;
            self.require(&TokenKind::Closing, Expected::Closing)?;
            return Ok(inner);
        }
        self.predicate(depth)
    }

    fn not(&mut self, operand: RowFilter) -> Result<RowFilter, FilterError> {
        self.count_node()?;
        Ok(RowFilter::Not(Box::new(operand)))
    }

    fn predicate(&mut self, depth: usize) -> Result<RowFilter, FilterError> {
        self.count_node()?;
        let column = self.column()?;
        if let Some(op) = self.comparison() {
            let literal = self.literal()?;
            return Ok(RowFilter::Compare { column, op, literal });
        }
        if self.take_keyword(Keyword::Is) {
            let is_negated = self.take_keyword(Keyword::Not);
            self.require(&TokenKind::Keyword(Keyword::Null), Expected::Null)?;
            let predicate = RowFilter::IsNull { column };
            return if is_negated { self.not_within(predicate, depth) } else { Ok(predicate) };
        }
        if self.take_keyword(Keyword::Not) {
            let predicate = self.negatable(column, Expected::Negatable)?;
            return self.not_within(predicate, depth);
        }
        self.negatable(column, Expected::Operator)
    }

    /// A NOT that is written behind its column is a level like one in front, as which its canonical text has it.
    fn not_within(&mut self, operand: RowFilter, depth: usize) -> Result<RowFilter, FilterError> {
        if depth >= DEPTH_LIMIT {
            return Err(FilterError::TooDeep);
        }
        self.not(operand)
    }

    /// BETWEEN, IN or LIKE: what may follow a column with NOT in front of it.
    fn negatable(&mut self, column: ColumnPath, expected: Expected) -> Result<RowFilter, FilterError> {
        if self.take_keyword(Keyword::Between) {
            let low = self.literal()?;
            self.require(&TokenKind::Keyword(Keyword::And), Expected::And)?;
            let high = self.literal()?;
            return Ok(RowFilter::Between { column, low, high });
        }
        if self.take_keyword(Keyword::In) {
            let list = self.list()?;
            return Ok(RowFilter::In { column, list });
        }
        if self.take_keyword(Keyword::Like) {
            let pattern = self.pattern()?;
            return Ok(RowFilter::Like { column, pattern });
        }
        Err(self.unexpected(expected))
    }

    fn list(&mut self) -> Result<Vec<Literal>, FilterError> {
        self.require(&TokenKind::Opening, Expected::Opening)?;
        let mut list = vec![self.literal()?];
        while self.take(&TokenKind::Comma) {
            list.push(self.literal()?);
        }
        self.require(&TokenKind::Closing, Expected::Closing)?;
        Ok(list)
    }

    fn pattern(&mut self) -> Result<String, FilterError> {
        let offset = self.offset();
        let Some(TokenKind::String(pattern)) = self.peek() else {
            return Err(self.unexpected(Expected::String));
        };
        if pattern.contains('\\') {
            return Err(FilterError::PatternEscape(offset));
        }
        self.position += 1;
        Ok(pattern.clone())
    }

    fn column(&mut self) -> Result<ColumnPath, FilterError> {
        let offset = self.offset();
        let mut names = vec![self.name(Expected::Column)?];
        while self.take(&TokenKind::Point) {
            names.push(self.name(Expected::Name)?);
        }
        if names.len() > PATH_LIMIT {
            return Err(FilterError::PathTooLong(offset));
        }
        let column = ColumnPath::new(names);
        if SYSTEM_COLUMNS.contains(&column.column()) {
            return Err(FilterError::SystemColumn(offset));
        }
        Ok(column)
    }

    fn name(&mut self, expected: Expected) -> Result<String, FilterError> {
        let Some(TokenKind::Name(name)) = self.peek() else {
            return Err(self.unexpected(expected));
        };
        self.position += 1;
        Ok(name.clone())
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let op = match self.peek()? {
            TokenKind::Equal => Comparison::Equal,
            TokenKind::NotEqual => Comparison::NotEqual,
            TokenKind::Less => Comparison::Less,
            TokenKind::LessOrEqual => Comparison::LessOrEqual,
            TokenKind::Greater => Comparison::Greater,
            TokenKind::GreaterOrEqual => Comparison::GreaterOrEqual,
            _ => return None,
        };
        self.position += 1;
        Some(op)
    }

    fn literal(&mut self) -> Result<Literal, FilterError> {
        let literal = match self.peek() {
            Some(TokenKind::String(text)) => Literal::String(text.clone()),
            Some(TokenKind::Integer(value)) => Literal::Integer(*value),
            Some(TokenKind::Decimal(value)) => Literal::Decimal(*value),
            Some(TokenKind::Keyword(Keyword::True)) => Literal::Boolean(true),
            Some(TokenKind::Keyword(Keyword::False)) => Literal::Boolean(false),
            _ => return Err(self.unexpected(Expected::Literal)),
        };
        self.position += 1;
        Ok(literal)
    }
}
