//! SQL text cut into tokens, as far as a shell needs it: to find where a statement ends, to colour it, to complete it.
//!
//! The text is what somebody is typing, so there is no wrong text: a quote or a comment that is not closed is a token
//! that is open. What the tokens mean is for the server to say. The rules are those of the server's dialect: nested
//! comments, `E'…'` with backslashes, `$tag$…$tag$`, names in `"…"` or backticks.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    Comment,
    Word,
    Number,
    /// A text in quotes.
    Text,
    /// A name in quotes.
    Name,
    /// Any other character, alone.
    Symbol,
}

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Whether the end of a quote or comment is missing.
    pub(super) is_open: bool,
}

impl<'a> Token<'a> {
    /// Whether it is this word, in any case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is this character.
    pub(super) fn is_symbol(&self, symbol: char) -> bool {
        self.kind == Kind::Symbol && self.text.starts_with(symbol)
    }

    fn new(kind: Kind, rest: &'a str, length: Option<usize>) -> Self {
        let text = length.map_or(rest, |length| &rest[..length]);
        Self { kind, text, is_open: length.is_none() }
    }
}

/// All tokens of a text; together they are the text.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let token = first(rest)?;
        rest = &rest[token.text.len()..];
        Some(token)
    })
}

/// The token at the start of a text; `None` at its end.
pub(super) fn first(rest: &str) -> Option<Token<'_>> {
    let letter = rest.chars().next()?;
    let run = |is_part: fn(char) -> bool| Some(rest.find(|c: char| !is_part(c)).unwrap_or(rest.len()));
    let token = match letter {
        c if c.is_whitespace() => Token::new(Kind::Space, rest, run(char::is_whitespace)),
        '-' if rest.starts_with("--") => Token::new(Kind::Comment, rest, run(|c| c != '\n')),
        '/' if rest.starts_with("/*") => Token::new(Kind::Comment, rest, comment_length(rest)),
        'e' | 'E' if rest[1..].starts_with('\'') => {
            let length = quoted_length(&rest[1..], '\'', true);
            Token::new(Kind::Text, rest, length.map(|length| length + 1))
        }
        '\'' => Token::new(Kind::Text, rest, quoted_length(rest, letter, false)),
        '"' | '`' => Token::new(Kind::Name, rest, quoted_length(rest, letter, false)),
        '$' => match dollar_tag(rest) {
            Some(tag) => {
                let end = rest[tag.len()..].find(tag);
                Token::new(Kind::Text, rest, end.map(|end| end + 2 * tag.len()))
            }
            None => Token::new(Kind::Symbol, rest, Some(1)),
        },
        c if c.is_ascii_digit() => {
            Token::new(Kind::Number, rest, run(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')))
        }
        c if is_word_start(c) => Token::new(Kind::Word, rest, run(is_word_part)),
        c => Token::new(Kind::Symbol, rest, Some(c.len_utf8())),
    };
    Some(token)
}

fn is_word_start(letter: char) -> bool {
    letter.is_alphabetic() || matches!(letter, '_' | '@' | '#')
}

/// Whether a letter can stand inside a name without quotes.
pub(super) fn is_word_part(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '@' | '#' | '$')
}

/// Length of the comment at the start, with the comments inside it; `None` if it does not end.
fn comment_length(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    None
}

/// Length of the quoted text at the start, in which a doubled quote is not the end; `None` if it does not end.
fn quoted_length(text: &str, quote: char, has_escapes: bool) -> Option<usize> {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if has_escapes && letter == '\\' {
            letters.next();
        } else if letter == quote && letters.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at + quote.len_utf8());
        }
    }
    None
}

/// `$tag$` at the start. `$1` is a placeholder and none.
fn dollar_tag(text: &str) -> Option<&str> {
    let end = text[1..].find('$')? + 1;
    let name = &text[1..end];
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_number = name.starts_with(|c: char| c.is_ascii_digit());
    (is_name && !is_number).then(|| &text[..=end])
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed call fails the test")]

    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        let found: Vec<Token<'_>> = tokens(text).collect();
        assert_eq!(found.iter().map(|token| token.text).collect::<String>(), text);
        found.iter().filter(|token| token.kind != Kind::Space).map(|token| (token.kind, token.text)).collect()
    }

    #[test]
    fn each_kind_is_told() {
        assert_eq!(
            kinds("select a1,'it''s;' \"N\"\"x\" `b` 1.5e3 -- c;\n/* x /* y */ ; */ $1"),
            [
                (Kind::Word, "select"),
                (Kind::Word, "a1"),
                (Kind::Symbol, ","),
                (Kind::Text, "'it''s;'"),
                (Kind::Name, "\"N\"\"x\""),
                (Kind::Name, "`b`"),
                (Kind::Number, "1.5e3"),
                (Kind::Comment, "-- c;"),
                (Kind::Comment, "/* x /* y */ ; */"),
                (Kind::Symbol, "$"),
                (Kind::Number, "1"),
            ]
        );
    }

    #[test]
    fn only_a_text_with_escapes_has_escapes() {
        assert_eq!(
            kinds(r"e'a\'b' 'a\' b"),
            [(Kind::Text, r"e'a\'b'"), (Kind::Text, r"'a\'"), (Kind::Word, "b"),]
        );
    }

    #[test]
    fn a_dollar_quote_ends_with_its_own_tag() {
        assert_eq!(
            kinds("$$a;$$ $t$ $$ ' $t$ x"),
            [(Kind::Text, "$$a;$$"), (Kind::Text, "$t$ $$ ' $t$"), (Kind::Word, "x"),]
        );
    }

    #[test]
    fn what_does_not_end_is_open() {
        for open in ["'a", "'a''", "\"a", "/* a /* b */", "$x$ $y$", "e'\\'"] {
            assert!(tokens(open).last().unwrap().is_open, "{open}");
        }
        for closed in ["'a'", "-- a", "$1", "a$b"] {
            assert!(!tokens(closed).last().unwrap().is_open, "{closed}");
        }
    }
}
