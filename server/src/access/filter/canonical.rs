//! One text per tree, to compare filters and to fingerprint them.
//!
//! Invariant: parsing the canonical text gives the tree back. Names are always quoted, so that no name can be taken
//! for a keyword; parentheses stand only where the tree needs them.

use super::ast::{ColumnPath, Comparison, Literal, RowFilter};

/// What surrounds a node, to decide on parentheses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    And,
    Or,
    Not,
}

impl RowFilter {
    /// The one spelling of this filter. Holds values and names that may be hidden: not for logs and not for clients.
    pub(crate) fn canonical(&self) -> String {
        let mut text = String::new();
        write_filter(self, Within::Nothing, &mut text);
        text
    }
}

fn write_filter(filter: &RowFilter, within: Within, text: &mut String) {
    match filter {
        RowFilter::And(operands) => {
            let is_enclosed = within == Within::Not;
            write_chain(operands, " AND ", Within::And, is_enclosed, text);
        }
        RowFilter::Or(operands) => {
            let is_enclosed = within == Within::Not || within == Within::And;
            write_chain(operands, " OR ", Within::Or, is_enclosed, text);
        }
        RowFilter::Not(operand) => {
            text.push_str("NOT ");
            write_filter(operand, Within::Not, text);
        }
        RowFilter::Compare { column, op, literal } => {
            write_column(column, text);
            text.push_str(operator(*op));
            write_literal(literal, text);
        }
        RowFilter::Between { column, low, high } => {
            write_column(column, text);
            text.push_str(" BETWEEN ");
            write_literal(low, text);
            text.push_str(" AND ");
            write_literal(high, text);
        }
        RowFilter::In { column, list } => {
            write_column(column, text);
            text.push_str(" IN (");
            for (position, literal) in list.iter().enumerate() {
                if position > 0 {
                    text.push_str(", ");
                }
                write_literal(literal, text);
            }
            text.push(')');
        }
        RowFilter::Like { column, pattern } => {
            write_column(column, text);
            text.push_str(" LIKE ");
            write_quoted(pattern, '\'', text);
        }
        RowFilter::IsNull { column } => {
            write_column(column, text);
            text.push_str(" IS NULL");
        }
    }
}

fn write_chain(
    operands: &[RowFilter],
    separator: &str,
    within: Within,
    is_enclosed: bool,
    text: &mut String,
) {
    if is_enclosed {
        text.push('(');
    }
    for (position, operand) in operands.iter().enumerate() {
        if position > 0 {
            text.push_str(separator);
        }
        write_filter(operand, within, text);
    }
    if is_enclosed {
        text.push(')');
    }
}

fn write_column(column: &ColumnPath, text: &mut String) {
    for (position, name) in column.names().iter().enumerate() {
        if position > 0 {
            text.push('.');
        }
        write_quoted(name, '"', text);
    }
}

fn write_literal(literal: &Literal, text: &mut String) {
    match literal {
        Literal::String(value) => write_quoted(value, '\'', text),
        Literal::Integer(value) => text.push_str(&value.to_string()),
        Literal::Decimal(value) => text.push_str(&value.to_string()),
        Literal::Boolean(true) => text.push_str("TRUE"),
        Literal::Boolean(false) => text.push_str("FALSE"),
    }
}

fn write_quoted(value: &str, quote: char, text: &mut String) {
    text.push(quote);
    for character in value.chars() {
        if character == quote {
            text.push(quote);
        }
        text.push(character);
    }
    text.push(quote);
}

fn operator(op: Comparison) -> &'static str {
    match op {
        Comparison::Equal => " = ",
        Comparison::NotEqual => " <> ",
        Comparison::Less => " < ",
        Comparison::LessOrEqual => " <= ",
        Comparison::Greater => " > ",
        Comparison::GreaterOrEqual => " >= ",
    }
}
