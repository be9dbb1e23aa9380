//! Filter text → tree, one character at a time without a separate lexer.
//!
//! Precedence climbing over a cursor: `binary` reads an operand and then whatever connectives bind at least as tightly
//! as asked. The tree keeps the text's shape; nothing is normalised.

use super::OracleError;
use super::number::Number;

/// A condition as written.
pub(super) enum Filter {
    Both(Box<Filter>, Box<Filter>),
    Either(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Test { column: Vec<String>, test: Test },
}

/// What is asked of a column.
pub(super) enum Test {
    Compare(&'static str, Constant),
    Between(Constant, Constant),
    OneOf(Vec<Constant>),
    Like(String),
    Null,
}

/// A constant as written.
pub(super) enum Constant {
    Text(String),
    Number(Number),
    Boolean(bool),
}

const OR: u8 = 1;
const AND: u8 = 2;
const DEEPEST: usize = 32;
const MOST_CONDITIONS: usize = 256;
const WORDS: [&str; 10] = ["and", "or", "not", "between", "in", "like", "is", "null", "true", "false"];
const FORBIDDEN: &str = "ctid oid xmin cmin xmax cmax tableoid insertxid deletexid importoid redcatuniqueid";

/// Reads a filter other than `TRUE`.
pub(super) fn parse(text: &str) -> Result<Filter, OracleError> {
    if text.chars().count() > 2048 {
        return Err(OracleError::Syntax);
    }
    let mut cursor = Cursor { rest: text, conditions: 0 };
    let filter = cursor.binary(OR, 0)?;
    if cursor.skip_blanks().is_empty() { Ok(filter) } else { Err(OracleError::Syntax) }
}

struct Cursor<'a> {
    rest: &'a str,
    conditions: usize,
}

impl<'a> Cursor<'a> {
    fn skip_blanks(&mut self) -> &'a str {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.rest
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        match self.skip_blanks().strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The unquoted word that comes next, without taking it.
    fn next_word(&mut self) -> &'a str {
        let text = self.skip_blanks();
        if !text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            return "";
        }
        let end =
            text.find(|next: char| !(next.is_ascii_alphanumeric() || next == '_')).unwrap_or(text.len());
        &text[..end]
    }

    fn word(&mut self, word: &str) -> bool {
        let next = self.next_word();
        let found = next.eq_ignore_ascii_case(word);
        if found {
            self.rest = &self.rest[next.len()..];
        }
        found
    }

    fn binary(&mut self, tightness: u8, depth: usize) -> Result<Filter, OracleError> {
        let mut left = self.operand(depth)?;
        loop {
            if tightness <= AND && self.word("and") {
                let right = self.operand(depth)?;
                left = Filter::Both(Box::new(left), Box::new(right));
            } else if tightness <= OR && self.word("or") {
                let right = self.binary(AND, depth)?;
                left = Filter::Either(Box::new(left), Box::new(right));
            } else {
                return Ok(left);
            }
        }
    }

    fn operand(&mut self, depth: usize) -> Result<Filter, OracleError> {
        if depth > DEEPEST {
            return Err(OracleError::Syntax);
        }
        if self.word("not") {
            return Ok(Filter::Not(Box::new(self.operand(depth + 1)?)));
        }
        if self.symbol("(") {
            let inner = self.binary(OR, depth + 1)?;
            return if self.symbol(")") { Ok(inner) } else { Err(OracleError::Syntax) };
        }
        self.conditions += 1;
        if self.conditions > MOST_CONDITIONS { Err(OracleError::Syntax) } else { self.condition() }
    }

    fn condition(&mut self) -> Result<Filter, OracleError> {
        let column = self.column()?;
        // Two-letter operators first: `<` is the beginning of `<=`.
        for (written, meant) in
            [("<>", "<>"), ("!=", "<>"), ("<=", "<="), (">=", ">="), ("<", "<"), (">", ">"), ("=", "=")]
        {
            if self.symbol(written) {
                return Ok(Filter::Test { column, test: Test::Compare(meant, self.constant()?) });
            }
        }
        if self.word("is") {
            let is_negated = self.word("not");
            let filter = Filter::Test { column, test: Test::Null };
            return if self.word("null") {
                Ok(negated_if(is_negated, filter))
            } else {
                Err(OracleError::Syntax)
            };
        }
        let is_negated = self.word("not");
        let test = self.negatable_test()?;
        Ok(negated_if(is_negated, Filter::Test { column, test }))
    }

    fn negatable_test(&mut self) -> Result<Test, OracleError> {
        if self.word("between") {
            let low = self.constant()?;
            if !self.word("and") {
                return Err(OracleError::Syntax);
            }
            return Ok(Test::Between(low, self.constant()?));
        }
        if self.word("in") && self.symbol("(") {
            let mut list = vec![self.constant()?];
            while self.symbol(",") {
                list.push(self.constant()?);
            }
            return if self.symbol(")") { Ok(Test::OneOf(list)) } else { Err(OracleError::Syntax) };
        }
        if self.word("like")
            && let Constant::Text(pattern) = self.constant()?
            && !pattern.contains('\\')
        {
            return Ok(Test::Like(pattern));
        }
        Err(OracleError::Syntax)
    }

    fn column(&mut self) -> Result<Vec<String>, OracleError> {
        let mut names = vec![self.name()?];
        while self.symbol(".") {
            names.push(self.name()?);
        }
        let is_forbidden = FORBIDDEN.split(' ').any(|word| names[0] == word);
        if is_forbidden || names.len() > 6 { Err(OracleError::Syntax) } else { Ok(names) }
    }

    /// A name in ASCII lower case.
    fn name(&mut self) -> Result<String, OracleError> {
        if self.symbol("\"") {
            let name = self.until('"')?.to_ascii_lowercase();
            return if name.is_empty() { Err(OracleError::Syntax) } else { Ok(name) };
        }
        let name = self.next_word().to_ascii_lowercase();
        if name.is_empty() || WORDS.contains(&name.as_str()) {
            return Err(OracleError::Syntax);
        }
        self.rest = &self.rest[name.len()..];
        Ok(name)
    }

    fn constant(&mut self) -> Result<Constant, OracleError> {
        if self.symbol("'") {
            return Ok(Constant::Text(self.until('\'')?));
        }
        if self.word("true") {
            return Ok(Constant::Boolean(true));
        }
        if self.word("false") {
            return Ok(Constant::Boolean(false));
        }
        let text = self.skip_blanks();
        let is_part = |next: char| next.is_ascii_alphanumeric() || matches!(next, '.' | '_' | '-');
        // A minus sign begins a number and never stands inside one.
        let first = usize::from(text.starts_with('-'));
        let end = text[first..]
            .find(|next: char| !is_part(next) || next == '-')
            .map_or(text.len(), |end| end + first);
        let number = Number::read(&text[..end]).ok_or(OracleError::Syntax)?;
        self.rest = &text[end..];
        Ok(Constant::Number(number))
    }

    /// The text up to a closing quote; two quotes in a row are one quote of the text.
    fn until(&mut self, quote: char) -> Result<String, OracleError> {
        let mut text = String::new();
        let mut characters = self.rest.chars();
        while let Some(next) = characters.next() {
            if next != quote {
                text.push(next);
            } else if characters.as_str().starts_with(quote) {
                characters.next();
                text.push(quote);
            } else {
                self.rest = characters.as_str();
                return Ok(text);
            }
        }
        Err(OracleError::Syntax)
    }
}

fn negated_if(is_negated: bool, filter: Filter) -> Filter {
    if is_negated { Filter::Not(Box::new(filter)) } else { filter }
}
