//! Filter text → words of the language.
//!
//! Strict: a character that begins no word is an error, and a number or a name that runs into another word (`1OR`,
//! `1e5`, `0x1F`) is one as well, because different engines cut it at different places.

use super::ast::Decimal;
use super::error::FilterError;

/// Most digits of a number: what DECIMAL(38) holds.
const DIGIT_LIMIT: usize = 38;

/// A word and the offset of its first character.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) offset: usize,
    pub(super) kind: TokenKind,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum TokenKind {
    Keyword(Keyword),
    Name(String),
    String(String),
    Integer(i128),
    Decimal(Decimal),
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Opening,
    Closing,
    Comma,
    Point,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Or,
    Not,
    Between,
    In,
    Like,
    Is,
    Null,
    True,
    False,
}

impl Keyword {
    fn read(word: &str) -> Option<Self> {
        const WORDS: [(&str, Keyword); 10] = [
            ("and", Keyword::And),
            ("or", Keyword::Or),
            ("not", Keyword::Not),
            ("between", Keyword::Between),
            ("in", Keyword::In),
            ("like", Keyword::Like),
            ("is", Keyword::Is),
            ("null", Keyword::Null),
            ("true", Keyword::True),
            ("false", Keyword::False),
        ];
        WORDS.iter().find(|(text, _)| word.eq_ignore_ascii_case(text)).map(|(_, keyword)| *keyword)
    }
}

pub(super) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

fn begins_word(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_'
}

fn continues_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Cuts the whole text into words.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let characters: Vec<char> = text.chars().collect();
    let mut lexer = Lexer { characters: &characters, position: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    characters: &'a [char],
    position: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.position += 1;
        }
        found
    }

    fn take_while(&mut self, accepted: impl Fn(char) -> bool) -> String {
        let rest = self.characters.get(self.position..).unwrap_or_default();
        let run: String = rest.iter().copied().take_while(|character| accepted(*character)).collect();
        self.position += run.chars().count();
        run
    }

    fn next_token(&mut self) -> Result<Option<Token>, FilterError> {
        self.take_while(is_blank);
        let offset = self.position;
        let Some(first) = self.peek() else {
            return Ok(None);
        };
        let kind = match first {
            '\'' => TokenKind::String(self.quoted('\'')?),
            '"' => self.quoted_name()?,
            '-' | '0'..='9' => self.number()?,
            _ if begins_word(first) => self.word(),
            _ => self.symbol(first)?,
        };
        Ok(Some(Token { offset, kind }))
    }

    fn word(&mut self) -> TokenKind {
        let word = self.take_while(continues_word);
        Keyword::read(&word).map_or(TokenKind::Name(word), TokenKind::Keyword)
    }

    fn quoted_name(&mut self) -> Result<TokenKind, FilterError> {
        let offset = self.position;
        let name = self.quoted('"')?;
        if name.is_empty() {
            return Err(FilterError::EmptyName(offset));
        }
        Ok(TokenKind::Name(name))
    }

    /// Text between two quotes; a doubled quote inside stands for one.
    fn quoted(&mut self, quote: char) -> Result<String, FilterError> {
        let offset = self.position;
        self.position += 1;
        let mut text = String::new();
        loop {
            text.push_str(&self.take_while(|character| character != quote));
            if !self.take(quote) {
                return Err(FilterError::Unterminated(offset));
            }
            if !self.take(quote) {
                return Ok(text);
            }
            text.push(quote);
        }
    }

    fn number(&mut self) -> Result<TokenKind, FilterError> {
        let offset = self.position;
        let refused = FilterError::Number(offset);
        let is_negative = self.take('-');
        let whole = self.take_while(|character| character.is_ascii_digit());
        let fraction =
            if self.take('.') { Some(self.take_while(|character| character.is_ascii_digit())) } else { None };
        let runs_on = self.peek().is_some_and(|next| continues_word(next) || next == '.');
        if whole.is_empty() || fraction.as_ref().is_some_and(String::is_empty) || runs_on {
            return Err(refused);
        }
        let digits = format!("{whole}{}", fraction.as_deref().unwrap_or_default());
        if digits.len() > DIGIT_LIMIT {
            return Err(refused);
        }
        let magnitude: i128 = digits.parse().map_err(|_| refused)?;
        let unscaled = if is_negative { -magnitude } else { magnitude };
        let Some(fraction) = fraction else {
            return Ok(TokenKind::Integer(unscaled));
        };
        let scale = u8::try_from(fraction.len()).map_err(|_| refused)?;
        Ok(TokenKind::Decimal(Decimal::new(unscaled, scale)))
    }

    fn symbol(&mut self, first: char) -> Result<TokenKind, FilterError> {
        let offset = self.position;
        self.position += 1;
        let kind = match first {
            '=' => TokenKind::Equal,
            '!' if self.take('=') => TokenKind::NotEqual,
            '<' if self.take('>') => TokenKind::NotEqual,
            '<' if self.take('=') => TokenKind::LessOrEqual,
            '<' => TokenKind::Less,
            '>' if self.take('=') => TokenKind::GreaterOrEqual,
            '>' => TokenKind::Greater,
            '(' => TokenKind::Opening,
            ')' => TokenKind::Closing,
            ',' => TokenKind::Comma,
            '.' => TokenKind::Point,
            _ => return Err(FilterError::Character(offset)),
        };
        Ok(kind)
    }
}
