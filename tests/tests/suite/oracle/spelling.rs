//! A row filter as the text that CreateDataCellsFilter takes, in one of the many spellings that mean the same.

use rand::RngExt;
use rand::rngs::StdRng;

use super::cell::RECORD_FIELDS;
use super::chance::pick;
use super::columns::Column;
use super::filter::{Comparison, Constant, FieldTest, Filter, Place, Test};
use super::tree::Tree;

/// Longest text that the API takes.
const LONGEST: usize = 2048;

/// A text that says what a filter over some columns says.
pub(super) fn spell(filter: &Filter, columns: &[Column], random: &mut StdRng) -> String {
    let text = Speller { columns, random }.filter(filter);
    assert!(text.chars().count() <= LONGEST, "{text}");
    text
}

struct Speller<'a> {
    columns: &'a [Column],
    random: &'a mut StdRng,
}

impl Speller<'_> {
    fn filter(&mut self, filter: &Filter) -> String {
        let text = match filter {
            Tree::All(operands) => self.chain(operands, "and"),
            Tree::Any(operands) => self.chain(operands, "or"),
            Tree::Not(operand) => self.negation(operand),
            Tree::Leaf(test) => self.test(test, false),
        };
        if self.random.random_bool(0.1) { format!("({text})") } else { text }
    }

    /// Operands that are chains themselves stand in parentheses, though AND would bind more tightly without.
    fn chain(&mut self, operands: &[Filter], connective: &str) -> String {
        let operands: Vec<String> = operands
            .iter()
            .map(|operand| {
                let text = self.filter(operand);
                let is_tight =
                    matches!((connective, operand), ("or", Tree::All(_))) && self.random.random_bool(0.5);
                match operand {
                    Tree::All(_) | Tree::Any(_) if !is_tight => format!("({text})"),
                    _ => text,
                }
            })
            .collect();
        let connective = self.keyword(connective);
        let blank = pick(&[" ", "  ", "\n", "\t"], self.random);
        operands.join(&format!("{blank}{connective} "))
    }

    fn negation(&mut self, operand: &Filter) -> String {
        if let Tree::Leaf(test) = operand
            && self.random.random_bool(0.5)
        {
            return self.test(test, true);
        }
        let (not, text) = (self.keyword("not"), self.filter(operand));
        match operand {
            // NOT binds less tightly than a comparison and more tightly than AND.
            Tree::Leaf(_) | Tree::Not(_) if self.random.random_bool(0.5) => format!("{not} {text}"),
            _ => format!("{not}({text})"),
        }
    }

    fn test(&mut self, test: &FieldTest, is_negated: bool) -> String {
        let name = self.place(test.place);
        let not = if is_negated { format!("{} ", self.keyword("not")) } else { String::new() };
        match &test.test {
            Test::Compare(comparison, constant) => {
                let (operator, constant) = (self.comparison(*comparison), self.constant(constant));
                let blank = pick(&[" ", ""], self.random);
                format!("{not}{name}{blank}{operator}{blank}{constant}")
            }
            Test::Between(low, high) => {
                let (between, and) = (self.keyword("between"), self.keyword("and"));
                let (low, high) = (self.constant(low), self.constant(high));
                format!("{name} {not}{between} {low} {and} {high}")
            }
            Test::OneOf(list) => {
                let is_in = self.keyword("in");
                let list: Vec<String> = list.iter().map(|constant| self.constant(constant)).collect();
                let comma = pick(&[", ", ",", " , "], self.random);
                format!("{name} {not}{is_in} ({})", list.join(comma))
            }
            Test::Like(pattern) => format!("{name} {not}{} {}", self.keyword("like"), quoted(pattern)),
            Test::Null => format!("{name} {} {not}{}", self.keyword("is"), self.keyword("null")),
        }
    }

    fn place(&mut self, place: Place) -> String {
        let column = self.name(&self.columns[place.column].name);
        match place.field {
            Some(field) => format!("{column}.{}", self.name(RECORD_FIELDS[field].0)),
            None => column,
        }
    }

    fn name(&mut self, name: &str) -> String {
        let name = match self.random.random_range(0..4) {
            0 => name.to_ascii_uppercase(),
            _ => name.to_owned(),
        };
        if self.random.random_bool(0.3) { format!("\"{name}\"") } else { name }
    }

    fn keyword(&mut self, word: &str) -> String {
        match self.random.random_range(0..4) {
            0 => word.to_owned(),
            1 => format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..]),
            _ => word.to_ascii_uppercase(),
        }
    }

    fn comparison(&mut self, comparison: Comparison) -> &'static str {
        match comparison {
            Comparison::Equal => "=",
            Comparison::NotEqual => pick(&["<>", "!="], self.random),
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }

    fn constant(&mut self, constant: &Constant) -> String {
        match constant {
            Constant::Text(text) => quoted(text),
            Constant::Boolean(value) => self.keyword(if *value { "true" } else { "false" }),
            Constant::Number(number) if number.scale > 0 && self.random.random_bool(0.2) => {
                format!("{number}0")
            }
            Constant::Number(number) => number.to_string(),
        }
    }
}

/// Text between single quotes, as filters and queries write it.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
